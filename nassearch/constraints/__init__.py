"""Limits on what a network may cost, and the part of a search space that meets them."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.constraints.costs import Costs, cost_of
    from nassearch.constraints.latency import measure_latency
    from nassearch.constraints.limits import Constraints
    from nassearch.constraints.space import ConstrainedSpace, constrained

__all__ = ["ConstrainedSpace", "Constraints", "Costs", "constrained", "cost_of", "measure_latency"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.constraints.costs": ["Costs", "cost_of"],
            "nassearch.constraints.latency": ["measure_latency"],
            "nassearch.constraints.limits": ["Constraints"],
            "nassearch.constraints.space": ["ConstrainedSpace", "constrained"],
        },
    )
