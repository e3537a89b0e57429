"""Search strategies, one file or folder each, and the base of all."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.strategies.ae import AgingEvolution
    from nassearch.strategies.base import Guidance, Strategy, best_first
    from nassearch.strategies.bp.strategy import BinaryPredictor
    from nassearch.strategies.gp.strategy import GuidedGaussianProcess
    from nassearch.strategies.ls import LocalSearch
    from nassearch.strategies.nsga import NonDominatedEvolution
    from nassearch.strategies.predicted.bananas import Bananas
    from nassearch.strategies.predicted.npenas import Npenas
    from nassearch.strategies.rand import RandomSearch
    from nassearch.strategies.rl.strategy import Reinforce

__all__ = [
    "AgingEvolution",
    "Bananas",
    "BinaryPredictor",
    "Guidance",
    "GuidedGaussianProcess",
    "LocalSearch",
    "NonDominatedEvolution",
    "Npenas",
    "RandomSearch",
    "Reinforce",
    "Strategy",
    "best_first",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.strategies.ae": ["AgingEvolution"],
            "nassearch.strategies.base": ["Guidance", "Strategy", "best_first"],
            "nassearch.strategies.bp.strategy": ["BinaryPredictor"],
            "nassearch.strategies.gp.strategy": ["GuidedGaussianProcess"],
            "nassearch.strategies.ls": ["LocalSearch"],
            "nassearch.strategies.nsga": ["NonDominatedEvolution"],
            "nassearch.strategies.predicted.bananas": ["Bananas"],
            "nassearch.strategies.predicted.npenas": ["Npenas"],
            "nassearch.strategies.rand": ["RandomSearch"],
            "nassearch.strategies.rl.strategy": ["Reinforce"],
        },
    )
