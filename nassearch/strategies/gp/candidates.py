"""What a surrogate chooses from: a whole space, or draws and what lies near the best of a large one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nassearch.spaces.base import SearchSpace
from nassearch.strategies.gp.acquisition import DIGITS, first_best
from nassearch.strategies.gp.inputs import Guides, Scale, decides, described, spread_out, whole
from nassearch.strategies.gp.surrogate import Posterior
from nassearch.types import Arch, Floats, Scorer

PREFERRED = 0.5
"""Share of what is scored first that the first models are drawn from: that which the scorers prefer."""
NEAR = 8
"""Of the best so far, and of the candidates that lead: how many have their neighbours looked at."""

Judge = Callable[[Posterior, Sequence[Arch]], tuple[Floats, Floats, Floats]]
"""Returns what candidates are worth trying, and mean and deviation of the values they may reach, `[M]` each."""


class Candidates:
    """The architectures that are looked at, and what the surrogate knows of them.

    Args:
        space: where they come from.
        scorers: by name.
        warm_up: those to score; None for all of a small space and as many draws as `draws` of a larger one.
        most: a space of at most so many is looked at whole.
        draws: fresh ones at each step in a larger space.
        looks: how many of these the scorers are asked about at each step.
        rng: draws them.
    """

    def __init__(
        self,
        space: SearchSpace,
        scorers: Mapping[str, Scorer],
        warm_up: Sequence[Arch] | None,
        most: int,
        draws: int,
        looks: int,
        rng: np.random.Generator,
    ) -> None:
        self.space, self.draws, self.looks, self.rng = space, draws, looks, rng
        self.is_whole = space.fits(most) and warm_up is None
        if self.is_whole:
            archs, raw = whole(space)
        else:
            archs = [*dict.fromkeys(space.sample_many(draws, rng) if warm_up is None else warm_up)]
            raw = described(space, archs)
        self._scales = [Scale(group) for group in raw]
        scaled = self._scaled(raw)
        self.names = ["graph", "edges", *(["decisions"] if decides(space) else []), *scorers]
        self._guides = Guides(scorers, archs, scaled[0])
        ranks = self._guides.ranks(archs, scaled[0])
        self._ranks = [Scale(spread_out(column)) for column in ranks]
        self._preferred = ranks.mean(0) if len(ranks) else None
        self._archs = archs
        self._groups = self._grouped(archs, scaled)
        self._place = {arch: place for place, arch in enumerate(archs)}
        self._posterior = Posterior(self._groups)
        self._near: dict[Arch, list[Arch]] = {}
        self._points: list[list[Floats]] = []

    def _scaled(self, raw: list[Floats]) -> list[Floats]:
        return [scale(group) for scale, group in zip(self._scales, raw, strict=True)]

    def _grouped(self, archs: Sequence[Arch], scaled: list[Floats]) -> list[Floats]:
        ranks = self._guides.ranks(archs, scaled[0])
        return [
            *scaled,
            *(scale(spread_out(column)) for scale, column in zip(self._ranks, ranks, strict=True)),
        ]

    def first(self, count: int, told: Sequence[Arch] = ()) -> list[Arch]:
        """Return what to begin with: draws from that half of what was scored first which the scorers prefer."""
        archs = self._archs
        if self._preferred is not None:
            share = max(count, int(PREFERRED * len(archs)))
            archs = [archs[place] for place in _order(self._preferred)[:share]]
        without = set(told)
        pool = [arch for arch in archs if arch not in without]
        chosen = self.rng.choice(len(pool), min(count, len(pool)), replace=False)
        return [pool[place] for place in chosen]

    def points(self, archs: Sequence[Arch]) -> list[Floats]:
        """Return the inputs of what was trained, by group; those of the last call come first."""
        new = archs[len(self._points) :]
        if new:
            found = self._described(new)
            self._points += [[group[[row]] for group in found] for row in range(len(new))]
        return [np.concatenate(rows) for rows in zip(*self._points, strict=True)]

    def best(
        self, judge: Judge, told: Sequence[Arch], incumbents: Sequence[Arch]
    ) -> tuple[Arch, float, float] | None:
        """Return the candidate most worth trying, with mean and deviation of its worth; None where none is left.

        Args:
            judge: see `Judge`.
            told: what was trained, which is no candidate.
            incumbents: the best of it.
        """
        if self.is_whole:
            worth, mean, deviation = judge(self._posterior, self._archs)
            worth[[self._place[arch] for arch in told if arch in self._place]] = -np.inf
            place = first_best(worth)
            if np.isneginf(worth[place]):
                return None
            return self._archs[place], float(mean[place]), float(deviation[place])
        return self._best_of_some(judge, set(told), incumbents)

    def _best_of_some(
        self, judge: Judge, told: set[Arch], incumbents: Sequence[Arch]
    ) -> tuple[Arch, float, float] | None:
        near = [child for arch in incumbents[:NEAR] for child in self._neighbours(arch)]
        fresh = self.space.sample_many(self.draws, self.rng)
        new = [
            arch for arch in dict.fromkeys([*near, *fresh]) if arch not in told and arch not in self._place
        ]
        archs = [*self._archs, *new]
        groups = [np.concatenate(pair) for pair in zip(self._groups, self._described(new), strict=True)]
        worth, _, _ = judge(Posterior(groups), archs)
        worth[[self._place[arch] for arch in told if arch in self._place]] = -np.inf
        leaders = [archs[place] for place in _order(worth)[:NEAR]]
        seen = {*archs, *told}
        beyond = [child for arch in leaders for child in self._neighbours(arch) if child not in seen]
        if beyond := [*dict.fromkeys(beyond)]:
            more, _, _ = judge(Posterior(self._described(beyond)), beyond)
            archs, worth = [*archs, *beyond], np.concatenate([worth, more])
        short = [archs[place] for place in _order(worth)[: max(1, self.looks)] if worth[place] > -np.inf]
        if not short:
            return None
        if self.looks:
            self._guides.ask(short)
        worth, mean, deviation = judge(Posterior(self._described(short)), short)
        place = first_best(worth)
        return short[place], float(mean[place]), float(deviation[place])

    def _described(self, archs: Sequence[Arch]) -> list[Floats]:
        if not archs:
            return [group[:0] for group in self._groups]
        return self._grouped(archs, self._scaled(described(self.space, archs)))

    def _neighbours(self, arch: Arch) -> list[Arch]:
        """Return the neighbours, or a draw of those where they are very many."""
        if arch not in self._near:
            near = self.space.neighbours(arch)
            some = (
                self.rng.choice(len(near), self.draws, replace=False)
                if len(near) > self.draws
                else range(len(near))
            )
            self._near[arch] = [near[place] for place in some]
        return self._near[arch]


def _order(worth: Floats) -> list[int]:
    """Return places, the highest first after rounding; equals in their order."""
    return np.argsort(-np.round(worth, DIGITS), kind="stable").tolist()  # type: ignore[no-any-return]
