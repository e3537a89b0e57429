"""Zero-cost proxies inside Optuna: a study keeps its objective, and a scorer guides it.

from nassearch.integrations.optuna import GuidedSampler

sampler = GuidedSampler(TPESampler(seed=0), build, "synflow", input_shape=(1, 28, 28), classes=10)
study = optuna.create_study(direction="maximize", sampler=sampler)
"""

from importlib.util import find_spec

from nassearch.errors import InvalidSetting
from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.integrations.optuna.pruner import ScorePruner
    from nassearch.integrations.optuna.sampler import GuidedSampler
    from nassearch.integrations.optuna.warming import warm_start

__all__ = ["GuidedSampler", "ScorePruner", "warm_start"]

if not TYPE_CHECKING:
    _find, __dir__ = lazily(
        __name__,
        {
            "nassearch.integrations.optuna.pruner": ["ScorePruner"],
            "nassearch.integrations.optuna.sampler": ["GuidedSampler"],
            "nassearch.integrations.optuna.warming": ["warm_start"],
        },
    )

    def __getattr__(name: str) -> "object":
        if name in __all__ and find_spec("optuna") is None:
            raise InvalidSetting(
                f"{name} works inside Optuna, which is not installed: pip install optuna, or install nassearch with "
                "its extra optuna"
            )
        return _find(name)
