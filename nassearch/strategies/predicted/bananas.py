"""BANANAS: White, Neiswanger and Savani, 2021 (AAAI), arXiv 1910.11858."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import check_choice, positive, whole
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.predicted.loop import PredictedMutants
from nassearch.strategies.predicted.paths import Encoding
from nassearch.types import Arch, Floats

ENCODINGS = ("path", "choices")


class Bananas(PredictedMutants):
    """Fit five small networks to paths through the cell; train what a sample of their spread puts first of mutants.

        strategy = Bananas(space, rng)
        strategy.warm_up(scorer, 1000, rng_for_warm_up)   # optional: its best ten are trained first
        arch = strategy.ask()
        strategy.tell(arch, valid)

    Independent Thompson sampling: a mutant is worth a draw from a normal distribution with the mean and the deviation
    of what the networks say of it; the `step` largest draws are trained next. The mutants are of the best so far, one
    edit each: first `children` of the best, then of the next, until there are `candidates` of them.

    The defaults are the paper's (section 5) and, what it leaves open, those of the released code: 10 random
    architectures first, then 10 in each step; five networks of 10 layers with 20 units, trained by Adam at 0.01 on the
    mean absolute error; the 40 shortest kinds of path. The code trains on percent of error as they are; here accuracies
    are scaled to mean 0 and deviation 1, so that the unit does not matter.

    Args:
        initial, step, candidates, parents, children: of the search, see above.
        encoding: `path`, or `choices` for the options of the decisions, in spaces that are made of such.
        paths: kinds of path that count, the shortest; a kind is a sequence of operations from input to output.
        members: networks.
        width, depth: of each.
        epochs, batch, rate: of the training, which begins anew in each step.

    Raises:
        InvalidSetting: a number out of range, a move, or an encoding that tells no architectures apart.
        UnknownName: no such encoding.
    """

    name: ClassVar[str] = "bananas"

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        parents: int = 5,
        children: int = 100,
        encoding: str = "path",
        paths: int = 40,
        members: int = 5,
        width: int = 20,
        depth: int = 10,
        epochs: int = 150,
        batch: int = 32,
        rate: float = 0.01,
        **search: Any,
    ) -> None:
        super().__init__(space, rng, parents=parents, children=children, **search)
        check_choice({"encoding": encoding}, "encoding", ENCODINGS)
        self.encoding, self.paths = encoding, whole("paths", paths)
        self.members = whole("members", members, least=2)
        self.width, self.depth = whole("width", width), whole("depth", depth)
        self.epochs, self.batch, self.rate = (
            whole("epochs", epochs),
            whole("batch", batch),
            positive("rate", rate),
        )
        _ = self._encoding

    @cached_property
    def _encoding(self) -> Encoding:
        return Encoding(self.space, self.encoding, self.paths)

    def predict(self, told: Sequence[Arch], values: Floats, candidates: Sequence[Arch]) -> Floats:
        from nassearch.strategies.predicted.ensemble import Ensemble

        features = self._encoding.matrix([*told, *candidates])
        known, unknown = features[: len(told)], features[len(told) :]
        seed = int(self.rng.integers(2**63))
        ensemble = Ensemble(self.members, features.shape[1], self.width, self.depth, seed)
        ensemble.fit(known, values, epochs=self.epochs, batch=self.batch, rate=self.rate)
        said = ensemble.predict(unknown)
        draws: Floats = self.rng.normal(said.mean(axis=0), said.std(axis=0))
        return draws
