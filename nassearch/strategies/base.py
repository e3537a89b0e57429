"""A strategy is asked for architectures and told their value. A scorer may guide it before and during a search."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from nassearch.checks import share, whole
from nassearch.errors import BrokenPart, InvalidSetting, quoted
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Floats, Scorer

EXPLORE = 0.25
"""Share of the moves at the child that ignore the scorer, unless one says otherwise."""


@dataclass(frozen=True)
class Guidance:
    """What scorers can do for a strategy. The defaults are those of one that a warm-up alone guides.

    Attributes:
        moves: steps that a scorer can guide, the values of `move_at`; the default comes first.
        explores: those of the moves of which a share may ignore the scorer.
        ratio: architectures that a move scores for each one trained unless one says otherwise; None where that is
            not free.
        settings: settings that take a scorer: where people set them, they name one as `--scorer` does. Those of the
            classes that a strategy builds on count too.
        lists: settings that take any number of scorers, likewise: people give texts, `a,b(option=1)`, or a list. The
            strategy gets a dict of scorers by name, in the order given, empty for none; its own default is None.
        guides: the scorers of such a setting where neither it nor a scorer of the search is given; None for the scorer
            that all searches have.
        alone: where it asks a scorer about one architecture at a time: "warmup", moves, settings that take a scorer.
            Scorers that compare the architectures of one call, such as rank(epsilon, synflow), are refused there.
        uniform_warm_up: whether a warm-up scores uniform draws, `space.sample_many(n, rng)`, and no other: they can
            be scored ahead.
        ranked_warm_up: whether the search begins with the ranking of the warm-up, best first.

    Raises:
        BrokenPart: a list is no tuple of texts, or the ratio is no whole number of at least 1.
    """

    moves: tuple[str, ...] = ()
    explores: tuple[str, ...] = ("child",)
    ratio: int | None = None
    settings: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    guides: tuple[str, ...] | None = None
    alone: tuple[str, ...] = ()
    uniform_warm_up: bool = True
    ranked_warm_up: bool = True

    def __post_init__(self) -> None:
        for name in ("moves", "explores", "settings", "lists", "guides", "alone"):
            value = getattr(self, name)
            if name == "guides" and value is None:
                continue
            if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
                raise BrokenPart(
                    f"{name} of a Guidance is a tuple of texts, such as ('child',), not {quoted(value)}"
                )
        if self.ratio is not None and (type(self.ratio) is not int or self.ratio < 1):
            raise BrokenPart(
                f"ratio of a Guidance is a whole number of at least 1 or None, not {quoted(self.ratio)}"
            )


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
        move_at: which step it guides; one of `guidance.moves`.
        explore: share of the moves that ignore the scorer, for the moves in `guidance.explores`.
        move_ratio: architectures that a move scores for each one that is trained, for the strategies that have a
            `guidance.ratio`; None for that one.

    Raises:
        InvalidSetting: guidance that means nothing here; the message says what to use instead.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    """Raised with every change after which a seed leads to other architectures."""
    asked_epochs: int | None = None
    """Of the training that was asked for last; None for a whole one, as most strategies always ask for. One that sets
    it in `ask` to fewer is told what the shorter training reached, and the budget counts its share of a whole one."""
    learns_unasked: ClassVar[bool] = False
    """Whether it may also be told of whole trainings that it did not ask for, as those of before the search."""
    pending: Sequence[Arch] = ()
    """Asked for and not told yet, set before an `ask` by those who train several at a time; most ask as without."""
    guidance: ClassVar[Guidance] = Guidance()
    """What scorers can do for it; a class that builds on another changes that of the other by `replace`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls, "name"):
            cls.name = cls.__name__.lower()
        if not isinstance(cls.guidance, Guidance):
            raise BrokenPart(f"guidance of {cls.__name__} is {quoted(cls.guidance)}: give a Guidance(...)")
        cls.guidance = replace(
            cls.guidance, settings=cls._with_inherited("settings"), lists=cls._with_inherited("lists")
        )

    @classmethod
    def _with_inherited(cls, field: str) -> tuple[str, ...]:
        """Return what this class declares, then what those that it builds on do and it still has as a setting."""
        own = getattr(cls.guidance, field) if "guidance" in cls.__dict__ else ()
        bases = (base for base in cls.__mro__ if issubclass(base, Strategy))
        kept = cls.settings()
        inherited = (name for base in bases for name in getattr(base.guidance, field) if name in kept)
        return tuple(dict.fromkeys([*own, *inherited]))

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        move: Scorer | None = None,
        move_at: str | None = None,
        explore: float = EXPLORE,
        move_ratio: int | None = None,
    ) -> None:
        self.space, self.rng, self.move, self.explore = space, rng, move, explore
        self.move_at = move_at or (self.guidance.moves[0] if self.guidance.moves else "")
        if move is not None and self.move_at not in self.guidance.moves:
            taken = f"it takes {' or '.join(self.guidance.moves)}"
            known = taken if self.guidance.moves else "use ae, ls, rl or rand, or a warm-up only"
            where = repr(self.move_at) if self.move_at else "any step"
            raise InvalidSetting(f"a move at {where} has no meaning for {self.name}: {known}")
        share("explore", explore)
        if move is not None and explore != EXPLORE and self.move_at not in self.guidance.explores:
            raise InvalidSetting(
                f"explore is a share of the moves at {' or '.join(self.guidance.explores)}; {self.name} with a move at "
                f"{self.move_at} has none: leave it out"
            )
        if move_ratio is not None and self.guidance.ratio is None:
            raise InvalidSetting(
                f"a move ratio of {move_ratio} has no meaning for {self.name}, whose move scores what its step has to "
                "choose from: leave it out, or use rl or rand"
            )
        self.move_ratio = self.guidance.ratio if move_ratio is None else whole("move ratio", move_ratio)

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """Return the settings of this strategy with their defaults, as its constructor lists them.

        A constructor that takes `**guidance` hands on what it does not know, so those of the classes it builds on are
        settings too.

        >>> class Example(Strategy):
        ...     def __init__(self, space, rng, *, width=3, **guidance):
        ...         super().__init__(space, rng, **guidance)
        >>> Example.settings()
        {'width': 3}
        """
        found: dict[str, Any] = {}
        for base in cls.__mro__:
            if base is Strategy:
                break
            if "__init__" not in base.__dict__:
                continue
            _, *own = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
            for p in own:
                needed = p.default is p.empty
                if p.name not in _COMMON and (p.kind is p.KEYWORD_ONLY or not needed):
                    found.setdefault(p.name, None if needed else p.default)
            if not any(p.kind is p.VAR_KEYWORD for p in own):
                break
        return found

    @property
    def scores_all(self) -> bool:
        """Return whether the scorers of `guidance.lists` will score the whole space, where there is no warm-up."""
        return False

    @property
    def waits(self) -> bool:
        """Return whether it has to be told of what is pending before it can be asked again; here never."""
        return False

    @property
    def least_budget(self) -> int:
        """Return the smallest budget, in models, with which this search does what its name says."""
        return 1

    @property
    def shorter_epochs(self) -> tuple[int, ...]:
        """Return all the numbers of epochs below a whole training that it may ask for, see `asked_epochs`."""
        return ()

    @classmethod
    def check_warm_up(cls, n: int, space: SearchSpace, least: int = 1) -> None:
        """Raise `InvalidSetting` where a warm-up of n cannot be: below 1, above the size of the space, or not taken."""
        whole("warmup", n, least=least, most=space.size if cls.guidance.uniform_warm_up else None)
        if n and not cls.takes_warm_up():
            raise InvalidSetting(
                f"{cls.name} takes no warm-up, and warmup is {n}: leave it out, or give the class a start_from()"
            )

    @classmethod
    def takes_warm_up(cls) -> bool:
        """Return whether a warm-up has a meaning: the class has a `start_from`, or a `warm_up` of its own."""
        return cls.start_from is not Strategy.start_from or cls.warm_up is not Strategy.warm_up

    def warm_up(self, scorer: Scorer, n: int, rng: np.random.Generator) -> list[Arch]:
        """Draw n architectures uniformly, rank them best first by the scorer, and start from that ranking.

        Returns the ranking. Ties keep the order of the draw, NaN comes last.

        Raises:
            InvalidSetting: n out of range or no warm-up taken, see `check_warm_up`, or no draw has a score.
        """
        self.check_warm_up(n, self.space)
        draws = self.space.sample_many(n, rng)
        ranking = [draws[i] for i in best_first(scored(scorer(draws)))]
        self.start_from(ranking)
        return ranking

    def start_from(self, ranking: Sequence[Arch]) -> None:
        """Begin with the architectures of a warm-up, best first: for strategies that keep `warm_up`."""
        self.check_warm_up(len(ranking), self.space)

    @abstractmethod
    def ask(self) -> Arch:
        """Return the next architecture to train."""

    @abstractmethod
    def tell(self, arch: Arch, valid: float) -> None:
        """Take the validation accuracy of an architecture that was asked for; higher is better."""

    def tell_all(self, arch: Arch, values: Floats) -> None:
        """Take the values of several objectives, `[M]`, in the place of `tell`, where a strategy has such a method."""
        raise InvalidSetting(f"{self.name} takes one objective: use nsga, gp or rand for several")

    def report(self) -> dict[str, Any]:
        """Return what a user may want to see of this search afterwards, by name, as plain JSON values.

        A value is a number (finite or None), a text, or a table: a dict of equally long lists, the first of which is
        the axis, such as the number of models trained. `nassearch show` puts the rounds of a result together.
        Some ten rows show a course; results hold the report of every round.
        """
        return {}


_COMMON = inspect.signature(Strategy.__init__).parameters


def scored(scores: np.ndarray) -> np.ndarray:
    """Return the scores of a warm-up; raise `InvalidSetting` where all are NaN, so that they order nothing."""
    if np.isnan(scores).all():
        raise InvalidSetting(
            f"none of the {len(scores)} architectures of a warm-up has a score, so it would change nothing: "
            "raise the warm-up, or use another scorer"
        )
    return scores


def best_first(scores: np.ndarray) -> list[int]:
    """Return positions best first: NaN last, equal scores in the order given.

    >>> best_first(np.array([1.0, np.nan, 3.0, 1.0]))
    [2, 0, 3, 1]
    """
    return np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable").tolist()  # type: ignore[no-any-return]
