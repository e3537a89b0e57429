"""NPENAS, evolution guided by a neural predictor: Wei et al., 2020 (IEEE TNNLS 2022), arXiv 2003.12857."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import check_choice, positive, whole
from nassearch.spaces.base import SearchSpace
from nassearch.strategies.predicted.loop import PredictedMutants
from nassearch.types import Arch, Floats

EPOCHS = {"np": 300, "bo": 1000}


class Npenas(PredictedMutants):
    """Mutate the ten best, predict the mutants by a graph network, train the ten that it thinks best.

        strategy = Npenas(space, rng)
        strategy.warm_up(scorer, 1000, rng_for_warm_up)   # optional: its best ten are trained first
        arch = strategy.ask()
        strategy.tell(arch, valid)

    NPENAS-NP (`predictor=np`) takes the predicted accuracy. NPENAS-BO (`predictor=bo`) predicts a mean and a deviation,
    and a mutant is worth a draw from the normal distribution of these (Thompson sampling). A mutant is one edit away
    from its parent.

    The defaults are the paper's and, what it leaves open, those of the released code: 10 random architectures first,
    then 10 in each step of 100 mutants, 10 of each parent; a graph isomorphism network of three layers with 32 units,
    trained anew in each step for 300 epochs (BO: 1,000) in batches of 16 by Adam at 0.005. The code scales the output
    by a number for each data set; here accuracies are scaled to mean 0 and deviation 1 instead.

    Args:
        initial, step, candidates, parents, children: of the search: `parents` are mutated `children` times each.
        predictor: `np` or `bo`.
        epochs: of the training; None for those of the predictor.
        batch, rate: of the training.

    Raises:
        InvalidSetting: a number out of range, or a move.
        UnknownName: no such predictor.
    """

    name: ClassVar[str] = "npenas"

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        predictor: str = "np",
        epochs: int | None = None,
        batch: int = 16,
        rate: float = 0.005,
        **search: Any,
    ) -> None:
        super().__init__(space, rng, **search)
        check_choice({"predictor": predictor}, "predictor", [*EPOCHS])
        self.predictor = predictor
        self.epochs = EPOCHS[predictor] if epochs is None else whole("epochs", epochs)
        self.batch, self.rate = whole("batch", batch), positive("rate", rate)

    def predict(self, told: Sequence[Arch], values: Floats, candidates: Sequence[Arch]) -> Floats:
        from nassearch.strategies.predicted.gin import Cells, GraphPredictor, encode

        cells = encode([self.space.graph(arch) for arch in [*told, *candidates]])
        known, unknown = (
            Cells(*(part[at] for part in cells)) for at in (slice(len(told)), slice(len(told), None))
        )
        uncertain = self.predictor == "bo"
        network = GraphPredictor(cells.ops.shape[2], uncertain, int(self.rng.integers(2**63)))
        network.fit(known, values, epochs=self.epochs, batch=self.batch, rate=self.rate)
        mean, deviation = network.predict(unknown)
        return self.rng.normal(mean, deviation) if uncertain else mean
