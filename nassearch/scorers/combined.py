"""Scorers that combine others: `Combination` says how, and `CombinedScorer` does it with given parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nassearch.checks import check_kinds
from nassearch.errors import BrokenPart, InvalidSetting, NassearchError, UnknownName, quoted, told
from nassearch.files.inert import inert
from nassearch.proxies.scores import is_ours
from nassearch.scorers.compute import compute_scores
from nassearch.types import Arch, Floats, Progress, listed, plain
from nassearch.workers.parts import reduced

if TYPE_CHECKING:
    from nassearch.scorers.lookups.base import LookupScorer
    from nassearch.scorers.proxy import ProxyScorer
    from nassearch.spaces.base import SearchSpace

    Part: TypeAlias = "ProxyScorer | LookupScorer | CombinedScorer"

CombinationFunction = Callable[..., Floats]
"""`(parts [P, N], among [P, M], **options) -> scores [N]`."""
LEAST_AMONG, AMONG = 2, 1000
"""Architectures to compare with: the fewest that have a meaning, and what is advised."""


@dataclass(frozen=True)
class Combination:
    """A way to make one score of several.

    Attributes:
        name: what it is registered under.
        function: maps the scores of P parts for N architectures `[P, N]`, and for the M that they are compared with
            `[P, M]`, to N scores. Its keyword-only parameters are the combination's options.
        least, most: bounds of P.
        default: the parts where none are given; empty where they must be.
        reference: paper, or whose idea it is.
        revision: raised with every change after which the same parts make another score; see
            `nassearch.provenance.identity`.
    """

    name: str
    function: CombinationFunction
    least: int
    most: int | None
    default: tuple[str, ...]
    reference: str
    revision: int = 1

    @property
    def options(self) -> dict[str, Any]:
        """Return the options with their default values."""
        parameters = inspect.signature(self.function).parameters.values()
        own = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
        return {**own, "among": None}

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise `UnknownName` for an option that it does not have, `InvalidSetting` for a wrong kind or `among`."""
        for option in options:
            if option not in self.options:
                raise UnknownName(
                    f"option of {self.name}", option, self.options, "(nassearch list combinations)"
                )
        check_kinds(self.name, options, self.options)
        among = options.get("among")
        if among is not None and (type(among) is not int or among < LEAST_AMONG):
            raise InvalidSetting(
                f"among is a whole number of at least {LEAST_AMONG}, or none, not {quoted(among)}"
            )

    def parts(self, given: Sequence[str]) -> tuple[str, ...]:
        """Return the texts of the parts, its own where none are given; raise `InvalidSetting` for a wrong number."""
        parts = tuple(given) or self.default
        if len(parts) < self.least or (self.most is not None and len(parts) > self.most):
            bounds = f"{self.least} scorers" if self.least == self.most else f"at least {self.least} scorers"
            example = ", ".join(self.default or ("epsilon", "synflow", "naswot")[: max(self.least, 2)])
            raise InvalidSetting(
                f"{self.name} combines {bounds}, as in {self.name}({example}), not {len(parts)}"
            )
        return parts

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)


def combination(
    *, reference: str, least: int = 1, most: int | None = None, default: Sequence[str] = (), revision: int = 1
) -> Callable[[CombinationFunction], Combination]:
    """Declare a combination.

    >>> @combination(reference="an example", least=2)
    ... def worst(parts, among, *, scale=1.0):
    ...     return scale * parts.min(axis=0)
    >>> worst.options
    {'scale': 1.0, 'among': None}
    """

    def declare(function: CombinationFunction) -> Combination:
        name = getattr(function, "__name__", "")
        declared = Combination(name, function, least, most, tuple(default), reference, revision)
        object.__setattr__(declared, "__doc__", function.__doc__)
        return declared

    return declare


class CombinedScorer:
    """Score architectures by several scorers of one space made one, relative to other architectures.

        scorer = CombinedScorer(rank, [ProxyScorer(epsilon, ...), ProxyScorer(synflow, ...)])
        scorer(archs)  # float64 [N], higher is better, NaN where there is no score

    The scores have a meaning among each other and none beyond one call: an architecture is compared with those that
    are scored with it, each counted once, so a warm-up ranks within its N and a move among the children. One
    architecture alone is refused. With `among=M` all are compared instead with M uniform draws that are the same in
    every call, and scores of different calls compare; that costs the scores of those M, once.

    Args:
        combination: how scores are made one.
        parts: the scorers, combined ones included. A combined part is compared as this one is, unless it has an
            `among` of its own.
        options: of the combination.
        workers, executor: see `nassearch.workers.spread.in_order`; they change no score.
        progress: called with (scores computed, scores to compute).

    Raises:
        UnknownName: an option that the combination does not have.
        InvalidSetting: an option has no meaning, or a wrong number of parts.
    """

    def __init__(
        self,
        combination: Combination,
        parts: Sequence[Part],
        options: Mapping[str, Any] | None = None,
        *,
        workers: int | None = None,
        executor: str = "processes",
        progress: Progress | None = None,
    ) -> None:
        given = plain(options or {})
        combination.check(given)
        combination.parts([""] * len(parts) or combination.default)
        self.combination, self.parts = combination, tuple(parts)
        self.options = {**combination.options, **given}
        self.among: int | None = self.options.pop("among")
        self.spec: Any = None  # what it was built of
        self.workers, self.executor, self.progress = workers, executor, progress
        nothing = np.zeros((len(self.parts), 0))
        self._combine(nothing, nothing)  # raises where an option has no meaning

    def __call__(self, archs: Sequence[Arch]) -> Floats:
        """Return scores, float64 `[N]`; higher is better, NaN: not scorable.

        Raises:
            InvalidSetting: these are no architectures, or it is one and there is nothing to compare it with.
        """
        archs = listed(archs)
        if len(archs) == 1 and self.among is None:
            name = self.combination.name
            raise InvalidSetting(
                f"{name} compares architectures that are scored together, and here one is scored alone: "
                f"give it {AMONG} others to be compared with, as in {name}(..., among={AMONG})"
            )
        distinct = list(dict.fromkeys(archs))
        self._compute(distinct)
        found = dict(zip(distinct, self.against(distinct, distinct).tolist(), strict=True))
        return np.fromiter(map(found.__getitem__, archs), np.float64, len(archs))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "workers": None, "executor": "processes", "progress": None}

    def __repr__(self) -> str:
        parts = ", ".join(str(leaf.spec or leaf.proxy.name) for leaf in self.leaves)
        return inert(f"{type(self).__name__}({self.spec or f'{self.combination.name} of {parts}'})")

    @property
    def leaves(self) -> list[ProxyScorer]:
        """The scorers that this one is made of."""
        return [leaf for part in self.parts for leaf in part.leaves]

    @property
    def space(self) -> SearchSpace:
        """Return the space of its parts."""
        return self.parts[0].space

    def against(self, archs: Sequence[Arch], among: Sequence[Arch]) -> Floats:
        """Return the scores of architectures compared with others, or with its own draws where `among` is set."""
        if self.among is not None:
            among, others = self._draws
        elif archs is not among:
            others = self._columns(among, among)
        own = self._columns(archs, among)
        return _one_each(
            self.combination.name, self._combine(own, own if archs is among else others), len(archs)
        )

    def _combine(self, own: Floats, among: Floats) -> Any:
        """Return what the combination gives; raise `BrokenPart` where someone else's fails."""
        try:
            return self.combination.function(own, among, **self.options)
        except (NassearchError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            if is_ours(self.combination.function):
                raise
            parts, count = own.shape
            raise BrokenPart(
                f"the combination {self.combination.name} fails for {parts} scorers and {count} architectures: "
                f"{told(error)}; mend it, and let it take any number of architectures, 0 too"
            ) from error

    def _columns(self, archs: Sequence[Arch], among: Sequence[Arch]) -> Floats:
        return np.array([_against(part, archs, among) for part in self.parts])

    @cached_property
    def _draws(self) -> tuple[list[Arch], Floats]:
        """The architectures that all are compared with, and their scores by each part `[P, M]`."""
        assert self.among is not None
        draws = self.space.sample_many(self.among, np.random.default_rng(0))
        among = list(dict.fromkeys(draws))
        self._compute(among)
        return among, self._columns(among, among)

    def _compute(self, archs: Sequence[Arch]) -> None:
        compute_scores(
            self.leaves, archs, workers=self.workers, executor=self.executor, progress=self.progress
        )


def _one_each(name: str, found: Any, count: int) -> Floats:
    """Return the scores that a combination gives, float64 `[N]`; raise `BrokenPart` where they are something else."""
    array = np.asarray(found) if isinstance(found, np.ndarray | list | tuple) else None
    if array is None or array.shape != (count,) or array.dtype.kind not in "fiub":
        met = type(found).__name__ if array is None else f"{array.dtype} {list(array.shape)}"
        raise BrokenPart(
            f"the combination {name} returned {met} for {count} architectures: a combination returns one number for "
            "each, [N], and NaN where it has none"
        )
    return array.astype(np.float64, copy=False)


def _against(part: Part, archs: Sequence[Arch], among: Sequence[Arch]) -> Floats:
    return part.against(archs, among) if isinstance(part, CombinedScorer) else part(archs)
