"""How networks are trained: many at once, each as if alone; or one, on data of one's own."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.training.loop import Training, train
    from nassearch.training.single.answers import Answers, evaluate
    from nassearch.training.single.loop import Trained, train_model
    from nassearch.training.single.recipe import Recipe

__all__ = ["Answers", "Recipe", "Trained", "Training", "evaluate", "train", "train_model"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.training.loop": ["Training", "train"],
            "nassearch.training.single.answers": ["Answers", "evaluate"],
            "nassearch.training.single.loop": ["Trained", "train_model"],
            "nassearch.training.single.recipe": ["Recipe"],
        },
    )
