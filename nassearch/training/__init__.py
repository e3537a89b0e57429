"""How networks are trained: many at once, each as if alone."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.training.loop import Training, train

__all__ = ["Training", "train"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.training.loop": ["Training", "train"],
        },
    )
