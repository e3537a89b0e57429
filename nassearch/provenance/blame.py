"""Whose mistake an exception is: what someone else's part raises becomes one error that names the part and its package.

What nassearch's own parts raise keeps its traceback: that is a mistake of ours, to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

from nassearch.errors import BrokenPart, NassearchError, told
from nassearch.provenance.offers import offering

WORDS = {"Strategy": "strategy", "Benchmark": "benchmark", "SearchSpace": "space"}
"""What a part is called, by the class that it builds on."""


class blamed:
    """Raise `BrokenPart` in place of what someone else's part raises in this block.

        with blamed(strategy, strategy.space):
            arch = strategy.ask()

    Errors of nassearch and a lack of memory pass.

    Args:
        part: what is called: a strategy, a benchmark or a space, or its class.
        others: parts that it works on. What comes through the code of one of them is theirs.
    """

    def __init__(self, part: Any, *others: Any) -> None:
        self.parts = (part, *others)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception | SystemExit) or isinstance(error, NassearchError | MemoryError):
            return
        passed = list(_passed(trace))
        kinds = [part if isinstance(part, type) else type(part) for part in self.parts]
        theirs = [each for each in kinds if _top(each.__module__) != "nassearch"]
        # The deepest package decides: a strategy of someone calls a space of another.
        for top in dict.fromkeys(_top(module) for module, _ in reversed(passed)):
            if fitting := [each for each in theirs if _top(each.__module__) == top]:
                first = next(function for module, function in passed if _top(module) == top)
                raise _broken(
                    next((k for k in fitting if hasattr(k, first)), fitting[0]), error, first
                ) from error
        if kinds[0] in theirs:
            raise _broken(kinds[0], error) from error


def of_package(error: BaseException) -> BrokenPart | None:
    """Return the error to tell of in place of one that came through a package which offers parts, if it did."""
    passed = list(_passed(error.__traceback__))
    for top in dict.fromkeys(_top(module) for module, _ in reversed(passed)):
        if top != "nassearch" and (package := offering(top)):
            function = next(function for module, function in passed if _top(module) == top)
            return BrokenPart(f"package {package} fails in {function}(): {told(error)}; {_remedy(package)}")
    return None


def _broken(part: type, error: BaseException, function: str = "") -> BrokenPart:
    word = next((WORDS[base.__name__] for base in part.__mro__ if base.__name__ in WORDS), "part")
    package = offering(_top(part.__module__))
    where = f" in {function}()" if function else ""
    whose = f"of package {package}" if package else f"of module {part.__module__}"
    name = part.__dict__.get("name", part.__name__.lower())
    return BrokenPart(f"the {word} {name!r} {whose} fails{where}: {told(error)}; {_remedy(package)}")


def _remedy(package: str) -> str:
    return f"mend or uninstall {package.partition(' ')[0]}" if package else "mend it"


def _passed(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield module and function of each frame, the deepest last."""
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__", "")), trace.tb_frame.f_code.co_name
        trace = trace.tb_next


def _top(module: str) -> str:
    return module.partition(".")[0]
