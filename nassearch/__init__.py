"""Zero-cost neural architecture search: proxies that guide a search, and benchmarks that judge it.

    from nassearch import Experiment

    result = Experiment("ae", warmup=3000, move="epsilon").run()

What is named here is imported when it is first used, so that `import nassearch` costs next to nothing.
"""

# Under `python -m nassearch` the current folder is still where imports come from: see nassearch/cli/start.py.
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nassearch.errors import NassearchError
    from nassearch.registry import load, names
    from nassearch.scorers.any_module import score
    from nassearch.search.curves import Curve
    from nassearch.search.experiment import Experiment

__version__ = "0.1.0"
__all__ = ["Curve", "Experiment", "NassearchError", "load", "names", "score"]

_HOME = {
    "Curve": "nassearch.search.curves",
    "Experiment": "nassearch.search.experiment",
    "NassearchError": "nassearch.errors",
    "load": "nassearch.registry",
    "names": "nassearch.registry",
    "score": "nassearch.scorers.any_module",
}


def __getattr__(name: str) -> "Any":
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
