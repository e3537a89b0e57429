"""What a strategy is: ask and tell, with two seams where a scorer may guide it."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Scorer


class Strategy(ABC):
    """A search that is asked for architectures and told their validation accuracy, and nothing else.

    Subclasses take their settings as keyword-only arguments with defaults: those are what `--set` can change.
    One file and one line in `nassearch/registry.py` add a strategy.

        strategy = AgingEvolution(space, rng)
        strategy.warm_up(scorer, 3000, rng_for_warm_up)   # optional
        for _ in range(300):
            arch = strategy.ask()
            strategy.tell(arch, benchmark.query(arch, rng_for_oracle).valid)

    Args:
        space: where the architectures come from.
        rng: the strategy's own stream.
        move: scorer that guides each step, or None.
        move_at: which step it guides; one of `moves`.
        explore: share of the moves that ignore the scorer, for the moves that have such a share.
    """

    name: ClassVar[str]
    moves: ClassVar[tuple[str, ...]] = ()
    """Values of `move_at` that mean something for this strategy, the default first."""
    scorer_settings: ClassVar[tuple[str, ...]] = ()
    """Settings that take a scorer: where people set them, they name one as `--scorer` does."""

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        move: Scorer | None = None,
        move_at: str | None = None,
        explore: float = 0.25,
    ) -> None:
        self.space, self.rng, self.move, self.explore = space, rng, move, explore
        self.move_at = move_at or (self.moves[0] if self.moves else "")
        if move is not None and self.move_at not in self.moves:
            known = f"it takes {' or '.join(self.moves)}" if self.moves else "use ae, or warm-up only"
            where = repr(self.move_at) if self.move_at else "any step"
            raise InvalidSetting(f"a move at {where} has no meaning for {self.name}: {known}")
        if not 0 <= explore <= 1:
            raise InvalidSetting(f"explore is a share from 0 to 1, not {explore}")

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """Return the settings of this strategy alone, with their defaults, as its constructor lists them.

        >>> class Example(Strategy):
        ...     def __init__(self, space, rng, *, width=3, **guidance):
        ...         super().__init__(space, rng, **guidance)
        >>> Example.settings()
        {'width': 3}
        """
        common = inspect.signature(Strategy.__init__).parameters
        own = inspect.signature(cls.__init__).parameters.values()
        return {p.name: p.default for p in own if p.kind is p.KEYWORD_ONLY and p.name not in common}

    @property
    def least_budget(self) -> int:
        """Return the smallest budget, in models, with which this search does what its name says."""
        return 1

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        """Draw n architectures uniformly, rank them best first by the scorer, and start from that ranking.

        Returns the ranking. Ties keep the order of the draw, NaN comes last.

        Raises:
            InvalidSetting: n below 1 or above the size of the space.
        """
        if not 1 <= n <= self.space.size:
            raise InvalidSetting(
                f"a warm-up takes 1 to {self.space.size} architectures, the size of {self.space.name}, "
                f"not {n}"
            )
        draws = self.space.sample_many(n, rng)
        ranking = [draws[i] for i in rank(scorer(draws))]
        self.start_from(ranking)
        return ranking

    @abstractmethod
    def start_from(self, ranking: Sequence[Arch]) -> None:
        """Begin with the architectures of a warm-up, best first."""

    @abstractmethod
    def ask(self) -> Arch:
        """Return the next architecture to train."""

    @abstractmethod
    def tell(self, arch: Arch, valid: float) -> None:
        """Take the validation accuracy of an architecture that was asked for; higher is better."""


def whole(name: str, value: int, least: int = 1, most: int | None = None) -> int:
    """Return a setting that is a whole number in range; raise `InvalidSetting` where it is not."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise InvalidSetting(f"{name} is a whole number {bounds}, not {value!r}")
    return value


def rank(scores: np.ndarray) -> list[int]:
    """Return positions best first: NaN last, equal scores in the order given.

    >>> rank(np.array([1.0, np.nan, 3.0, 1.0]))
    [2, 0, 3, 1]
    """
    return np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable").tolist()  # type: ignore[no-any-return]
