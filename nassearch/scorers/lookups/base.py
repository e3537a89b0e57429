"""A lookup scores architectures without their networks: what is looked up is said by texts and options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nassearch.benchmarks.given import GivenBenchmark
from nassearch.checks import check_kinds
from nassearch.errors import InvalidSetting, UnknownName
from nassearch.scorers.function import FunctionScorer, ScorerFunction
from nassearch.spaces.base import SearchSpace
from nassearch.types import Arch, Progress

Scores = Callable[[Sequence[Arch]], Any]
"""N architectures to N scores: higher is better, NaN: not scorable. It goes to workers whole."""


class Place(NamedTuple):
    """Where architectures are scored: a search space, and the benchmark and data set where there is one."""

    space: SearchSpace
    benchmark: GivenBenchmark | None = None
    dataset: str | None = None


@dataclass(frozen=True)
class Lookup:
    """A way to score architectures by what is known of them.

    Attributes:
        name: what it is registered under.
        function: `(place, *texts, **options) -> Scores`. Its keyword-only parameters are the options.
        reference: whose idea it is.
        digest: of what the texts name, `texts -> text`, where that is a file; "" where nothing is read.
        revision: raised with every change after which the same texts make another score; see
            `nassearch.provenance.identity`.
    """

    name: str
    function: Callable[..., Scores]
    reference: str
    digest: Callable[..., str] | None = None
    revision: int | str = 1

    @property
    def options(self) -> dict[str, Any]:
        """Return the options with their default values."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def texts(self) -> list[str]:
        """Return what the texts are, those that it is called with by their place."""
        _, *places = [
            p for p in inspect.signature(self.function).parameters.values() if p.kind is not p.KEYWORD_ONLY
        ]
        return [p.name for p in places]

    def check(self, texts: Sequence[str], options: Mapping[str, Any]) -> None:
        """Raise `UnknownName` for an option that it does not have, `InvalidSetting` for a wrong kind or number."""
        if len(texts) != len(self.texts):
            wanted = f"{self.name}({', '.join(self.texts).upper()})" if self.texts else self.name
            raise InvalidSetting(
                f"{self.name} is written {wanted}, not with {len(texts)} texts in its brackets"
            )
        for option in options:
            if option not in self.options:
                raise UnknownName(f"option of {self.name}", option, self.options, "(nassearch list lookups)")
        check_kinds(self.name, options, self.options)

    def identified(self, texts: Sequence[str]) -> Lookup:
        """Return this lookup with what it reads in its revision, so that results know by which scores they are."""
        if self.digest is None:
            return self
        revision = f"{self.revision}, scores {self.digest(*texts)}"
        return Lookup(self.name, self.function, self.reference, None, revision)


def lookup(
    *, reference: str, digest: Callable[..., str] | None = None, revision: int = 1
) -> Callable[[Callable[..., Scores]], Lookup]:
    """Declare a lookup."""

    def declare(function: Callable[..., Scores]) -> Lookup:
        declared = Lookup(function.__name__, function, reference, digest, revision)
        object.__setattr__(declared, "__doc__", function.__doc__)
        return declared

    return declare


class LookupScorer(FunctionScorer):
    """Score architectures of one space by a lookup.

    Args:
        found: which one.
        place: where the architectures are of.
        texts, options: what is looked up, see `Lookup.function`.
        workers, executor, progress: as of `FunctionScorer`.

    Raises:
        NassearchError: one of its kinds, where what is looked up is not there.
    """

    def __init__(
        self,
        found: Lookup,
        place: Place,
        texts: Sequence[str],
        options: Mapping[str, Any],
        *,
        workers: int | None = None,
        executor: str = "processes",
        progress: Progress | None = None,
    ) -> None:
        found.check(texts, options)
        scores = found.function(place, *texts, **options)
        how: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
        super().__init__(ScorerFunction(scores, found.name), **how)
        self.space = place.space
