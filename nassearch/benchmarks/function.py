"""A function as the oracle: whatever says how good an architecture is, in the place of a table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.made import MadeBenchmark
from nassearch.errors import BrokenPart, InvalidSetting, quoted, told
from nassearch.provenance.digests import Digest
from nassearch.provenance.identity import identity
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Batch, Metrics, Task, is_number


class FunctionBenchmark(MadeBenchmark):
    """Ask a function what an architecture reaches (baseline: no table).

        def accuracy(arch): ...  # a number, higher is better

        bench = FunctionBenchmark(space, accuracy, Task((3, 32, 32), 10))
        ns.Experiment("ae", bench, budget=50, rounds=1).run()

    Each architecture is asked about once in a process, and its answer kept.

    Args:
        space: the search space.
        function: maps an architecture to a number, or to `Metrics`; `space.chosen(arch)` names the choices of a
            `ModuleSpace`.
        task: what networks are built for, where proxies score them.
        name: of the data set, for results.
        batch: what proxies look at.
        unit, lowest, highest: of the numbers; see `Dataset`.

    Raises:
        InvalidSetting: one of them is not what it should be.
    """

    name: ClassVar[str] = "function"
    how_made: ClassVar[str] = (
        "a FunctionBenchmark is made with a space and a function: FunctionBenchmark(space, function, task)"
    )
    needs_data: ClassVar[bool] = True
    tested = False

    def __init__(
        self,
        space: SearchSpace,
        function: Callable[[Arch], float | Metrics],
        task: Task,
        *,
        name: str = "own",
        batch: Batch | None = None,
        unit: str = "percent",
        lowest: float = 0.0,
        highest: float = 100.0,
    ) -> None:
        for value, kind, what in ((space, SearchSpace, "space"), (task, Task, "task")):
            if not isinstance(value, kind):
                raise InvalidSetting(
                    f"{what} of a FunctionBenchmark is a {kind.__name__}, not {quoted(value)}"
                )
        if not callable(function):
            raise InvalidSetting(
                f"function is called with an architecture and returns a number, not {quoted(function)}"
            )
        self.space, self.function, self._batch = space, function, batch
        self.dataset = Dataset(
            name, task, unit, note="what a function returned", lowest=lowest, highest=highest
        )
        self._known: dict[Arch, Metrics] = {}

    def batch(self) -> Batch | None:
        return self._batch

    @cached_property
    def digest(self) -> str:
        """Hash of space and function: results of another function are other results."""
        digest = Digest([str(getattr(self.function, "__module__", "")).partition(".")[0]])
        digest.add(self.function)
        facts = [self.dataset.name, self.space.name, identity(self.space), digest.text()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]

    def query(self, arch: Arch, rng: np.random.Generator) -> Metrics:
        """Return what the function says; nothing is drawn from `rng`.

        Raises:
            InvalidArch: not an architecture of the space.
            BrokenPart: the function fails, or gives no number.
        """
        if arch not in self._known:
            self._known[arch] = self._asked(self.space.check(arch))
        return self._known[arch]

    def _asked(self, arch: Arch) -> Metrics:
        try:
            found: Any = self.function(arch)
        except Exception as error:
            raise BrokenPart(
                f"the function {self._called} fails for {self.space.format(arch)}: {told(error)}; mend it, or return "
                "NaN where there is no value"
            ) from error
        if isinstance(found, Metrics):
            return found
        if isinstance(found, Real | np.generic) and (is_number(float(found)) or float(found) != float(found)):
            return Metrics(float(found), float(found), 0.0)
        raise BrokenPart(
            f"the function {self._called} returned {quoted(found)} for {self.space.format(arch)}: it returns a number, "
            "NaN where there is no value"
        )

    @property
    def _called(self) -> str:
        return str(getattr(self.function, "__name__", type(self.function).__name__))
