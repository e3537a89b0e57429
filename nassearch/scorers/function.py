"""A plain function as a scorer: it is called with architectures, and what it returns are their scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from nassearch.errors import BrokenPart, InvalidSetting, NassearchError, quoted, told
from nassearch.files.inert import inert
from nassearch.types import Arch, Floats, Progress, listed


class ScorerFunction:
    """A function `f(archs) -> scores` under the name that people read: equal where the function is.

    Attributes:
        name: as given, or that of the function, of what a partial is of, or of the class of an object that can be
            called.
        function: maps N architectures to N scores, higher is better, NaN: not scorable.

    Raises:
        InvalidSetting: it cannot be called, or is a class.
    """

    def __init__(self, function: Callable[[Sequence[Arch]], Any], name: str | None = None) -> None:
        if not callable(function) or isinstance(function, type):
            raise InvalidSetting(
                "a scorer is a text such as 'synflow', a proxy or combination, or a function of architectures that "
                f"returns a score for each, not {quoted(function)}"
            )
        self.function = function
        named: Any = function
        while isinstance(named, partial):
            named = named.func
        self.name = name or str(getattr(named, "__name__", type(named).__name__)).strip("<>")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScorerFunction) and self.function == other.function

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


class FunctionScorer:
    """Score architectures by a plain function, which is asked anew at each call: nothing is cached.

        scorer = FunctionScorer(lambda archs: [sum(arch) for arch in archs])
        scorer([(1, 2), (3, 4)])  # float64 [N]: 3 and 7

    Args:
        function: `f(archs) -> N scores`, higher is better, NaN: not scorable; what is infinite is no score either. It
            goes to workers whole, a function of a notebook too, and has to give the same for the same architectures.

    Attributes:
        asked: architectures that it was asked about here, and `seconds` of processor time that it took.
    """

    leaves: tuple[Any, ...] = ()
    """No scorer that computes ahead, keeps scores and shares passes."""

    def __init__(
        self,
        function: Callable[[Sequence[Arch]], Any] | ScorerFunction,
        *,
        workers: int | None = None,
        executor: str = "processes",
        progress: Progress | None = None,
    ) -> None:
        self.called = function if isinstance(function, ScorerFunction) else ScorerFunction(function)
        self.spec: Any = self.called  # what it was built of
        self.workers, self.executor, self.progress = workers, executor, progress
        self.asked, self.seconds = 0, 0.0

    def __repr__(self) -> str:
        return inert(f"{type(self).__name__}({self.called.name})")

    def __call__(self, archs: Sequence[Arch]) -> Floats:
        """Return scores, float64 `[N]`.

        Raises:
            BrokenPart: the function fails, or returns something else than one number for each architecture.
        """
        archs, start = list(listed(archs)), time.process_time()
        name, count = self.called.name, len(archs)
        try:
            found = self.called.function(archs)
        except (NassearchError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            raise BrokenPart(
                f"the scorer {name} fails for {count} architectures: {told(error)}; a plain function is called with a "
                "list of architectures, tuples of whole numbers; one of networks is declared by @proxy"
            ) from error
        self.asked, self.seconds = self.asked + count, self.seconds + time.process_time() - start
        try:
            scores = np.asarray(found)
        except ValueError:  # lists of different lengths
            scores = np.asarray(None)
        if scores.shape != (count,) or (count and scores.dtype.kind not in "fiub"):
            met = f"{scores.dtype} {list(scores.shape)}" if scores.shape else quoted(found)
            raise BrokenPart(
                f"the scorer {name} returned {met} for {count} architectures: a scorer returns one number for each, "
                "[N], and NaN where it has none"
            )
        scores = scores.astype(np.float64)
        return np.where(np.isinf(scores), np.nan, scores)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "workers": None, "executor": "processes", "progress": None}
