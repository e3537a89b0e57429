"""Scorers: proxies made ready for searches, with caches, workers and one direction."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.scorers.combined import Combination, CombinedScorer, combination
    from nassearch.scorers.compute import compute_scores
    from nassearch.scorers.function import FunctionScorer
    from nassearch.scorers.proxy import ProxyScorer
    from nassearch.scorers.spec import build_scorer, parse_spec

__all__ = [
    "Combination",
    "CombinedScorer",
    "FunctionScorer",
    "ProxyScorer",
    "build_scorer",
    "combination",
    "compute_scores",
    "parse_spec",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.scorers.combined": ["Combination", "CombinedScorer", "combination"],
            "nassearch.scorers.compute": ["compute_scores"],
            "nassearch.scorers.function": ["FunctionScorer"],
            "nassearch.scorers.proxy": ["ProxyScorer"],
            "nassearch.scorers.spec": ["build_scorer", "parse_spec"],
        },
    )
