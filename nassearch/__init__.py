"""Zero-cost neural architecture search: proxies that guide a search, and benchmarks that judge it.

    import nassearch as ns

    result = ns.Experiment("ae", warmup=3000, move="epsilon").run()

What is named here is imported when it is first used, so that `import nassearch` costs next to nothing.
"""

# Under `python -m nassearch` the current folder is still where imports come from: see nassearch/cli/start.py.
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.benchmarks.given import load_benchmark
    from nassearch.constraints.limits import Constraints
    from nassearch.errors import NassearchError
    from nassearch.export.exported import Exported
    from nassearch.export.network import export_network
    from nassearch.registry import load, names, register
    from nassearch.reports.comparison import Comparison, compare
    from nassearch.reports.correlate import correlate
    from nassearch.reports.correlation import Correlation
    from nassearch.reports.page.report import Page, report
    from nassearch.reports.plot import plot, plot_scores
    from nassearch.scorers.any_module import score
    from nassearch.scorers.open import make_scorer
    from nassearch.search.asking.ask_tell import AskTell
    from nassearch.search.curves import Curve
    from nassearch.search.experiment import Experiment
    from nassearch.search.outcome import Outcome, read
    from nassearch.search.trained.folder import SearchFolder
    from nassearch.search.trained.searching import Found, find_network
    from nassearch.spaces.own.space import Space

__version__ = "0.1.0"
__all__ = [
    "AskTell",
    "Comparison",
    "Constraints",
    "Correlation",
    "Curve",
    "Experiment",
    "Exported",
    "Found",
    "NassearchError",
    "Outcome",
    "Page",
    "SearchFolder",
    "Space",
    "compare",
    "correlate",
    "export_network",
    "find_network",
    "load",
    "load_benchmark",
    "make_scorer",
    "names",
    "plot",
    "plot_scores",
    "read",
    "register",
    "report",
    "score",
]

_HOME = {
    "AskTell": "nassearch.search.asking.ask_tell",
    "Comparison": "nassearch.reports.comparison",
    "Constraints": "nassearch.constraints.limits",
    "Correlation": "nassearch.reports.correlation",
    "Curve": "nassearch.search.curves",
    "Experiment": "nassearch.search.experiment",
    "Exported": "nassearch.export.exported",
    "Found": "nassearch.search.trained.searching",
    "NassearchError": "nassearch.errors",
    "Outcome": "nassearch.search.outcome",
    "Page": "nassearch.reports.page.report",
    "SearchFolder": "nassearch.search.trained.folder",
    "Space": "nassearch.spaces.own.space",
    "compare": "nassearch.reports.comparison",
    "correlate": "nassearch.reports.correlate",
    "export_network": "nassearch.export.network",
    "find_network": "nassearch.search.trained.searching",
    "load": "nassearch.registry",
    "load_benchmark": "nassearch.benchmarks.given",
    "make_scorer": "nassearch.scorers.open",
    "names": "nassearch.registry",
    "plot": "nassearch.reports.plot",
    "plot_scores": "nassearch.reports.plot",
    "read": "nassearch.search.outcome",
    "register": "nassearch.registry",
    "report": "nassearch.reports.page.report",
    "score": "nassearch.scorers.any_module",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # a checker of types would take every name for one that is there

    def __getattr__(name: str) -> "object":
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)
