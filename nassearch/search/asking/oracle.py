"""What stands in the place of an oracle where architectures are trained elsewhere: it knows what it was told."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from nassearch.benchmarks.base import Benchmark, Dataset, Metric
from nassearch.benchmarks.given import load_benchmark, owner_of
from nassearch.benchmarks.made import MadeBenchmark
from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Batch, Metrics


class AskedBenchmark(MadeBenchmark):
    """Stand in for the trainings of others (baseline: what is told, and nothing else).

    Args:
        space: the search space.
        text: the space as it was named.
        dataset: what is trained for.
        behind: the name of a benchmark whose space it is, and which knows further metrics and a batch; or None.
        shorter: by epochs what shorter trainings cost as a share of a whole one.
    """

    name: ClassVar[str] = "asked"
    how_made: ClassVar[str] = "asked has no data: it is told, see nassearch begin"
    needs_data: ClassVar[bool] = True
    tested = False

    def __init__(
        self,
        space: SearchSpace,
        text: str,
        dataset: Dataset,
        behind: str | None = None,
        shorter: Mapping[int, float] | None = None,
    ) -> None:
        self.space, self.text, self.dataset, self._behind = space, text, dataset, behind
        self._shorter = dict(shorter or {})
        self.told: dict[Arch, Mapping[str, float]] = {}
        """Further metrics, by architecture, as published."""

    @property
    def shorter(self) -> dict[int, float]:
        return self._shorter

    @cached_property
    def digest(self) -> str:
        """Hash of what its networks are built for."""
        facts = [self.text, self.dataset.name, self.dataset.task.as_dict()]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def facts(self) -> dict[str, Any]:
        """Return the space with its skeleton."""
        told = {"space": self.text, "skeleton": self.dataset.task.as_dict()}
        return json.loads(json.dumps(told))  # type: ignore[no-any-return]

    def batch(self) -> Batch | None:
        """Return the batch of the benchmark behind it, where that has one."""
        return None if self._behind is None else owner_of(self._behind).find_batch(self.dataset.name)

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        raise InvalidSetting(
            "what is trained elsewhere is told, see nassearch tell; nobody can be asked here"
        )

    def metric(self, name: str, arch: Arch) -> float:
        """Return a further metric: as the benchmark behind it knows it, or as it was told, NaN before that."""
        if name in {each.name for each in self.told_metrics}:
            return float(self.told.get(arch, {}).get(name, math.nan))
        return super().metric(name, arch) if self._behind is None else self._opened.metric(name, arch)

    @property
    def told_metrics(self) -> tuple[Metric, ...]:
        """Return those of the declared metrics that only whoever trains can tell."""
        return tuple(each for each in self.dataset.metrics if each.told)

    @cached_property
    def _opened(self) -> Benchmark:
        assert self._behind is not None
        return load_benchmark(self._behind, self.dataset.name)
