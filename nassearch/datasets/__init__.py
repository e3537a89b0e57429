"""Data sets of one's own: what is in them is found out, split, and read as far as it is needed."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.datasets.base import OwnDataset, Split
    from nassearch.datasets.open import open_dataset

__all__ = ["OwnDataset", "Split", "open_dataset"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.datasets.base": ["OwnDataset", "Split"],
            "nassearch.datasets.open": ["open_dataset"],
        },
    )
