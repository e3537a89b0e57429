"""A space that is named on the command line, and the data that its networks are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nassearch.cli.common import shared
from nassearch.errors import InvalidSetting

if TYPE_CHECKING:
    from nassearch.benchmarks.function import FunctionBenchmark
    from nassearch.types import Arch

own_space_options = shared(
    click.option("--space", default=None, metavar="SPACE",
                 help="Score architectures of a space: a name of `nassearch list spaces`, or module:attribute for your "
                 "own, as mymodels:space. It is for --data, or for inputs as --input and --classes say."),
    click.option("--data", default=None, metavar="SOURCE",
                 help="What --space is for: a folder of images, an .npz, CSV or Parquet file, or module:function."),
)  # fmt: skip


def space_to_score(
    space: str,
    data: str | None,
    input_shape: str | None,
    vocabulary: int | None,
    classes: int | None,
    batch: str | None,
    proxies: list[str],
) -> FunctionBenchmark:
    """Return a space with its task and batch, as one to score architectures of; it knows no accuracies.

    Raises:
        InvalidSetting, UnknownName, BadData, MissingData: something is not there, or means nothing.
    """
    from nassearch.benchmarks.function import FunctionBenchmark
    from nassearch.scorers.model_batches import open_model_batch, read_input
    from nassearch.spaces.opening import open_space
    from nassearch.types import Task

    opened = open_space(space)
    if data is not None:
        if (input_shape, vocabulary, classes, batch) != (None, None, None, None):
            raise InvalidSetting(
                "--data says what inputs there are: leave out --input, --classes and --batch"
            )
        from nassearch.datasets import open_dataset

        own = open_dataset(data)
        return FunctionBenchmark(
            opened.space, _unknown, own.task(**opened.skeleton), name=own.name, batch=own.batch(COUNT)
        )
    given = read_input(input_shape, vocabulary, classes)
    examples, _ = open_model_batch(batch, given, proxies)
    if classes is None:
        if examples.labels is None:
            raise InvalidSetting(
                f"--space {space} is built for a number of classes, such as --classes 10, or for --data SOURCE"
            )
        classes = int(examples.labels.max()) + 1
    words = (vocabulary or classes) if examples.inputs.dtype.kind != "f" else None
    task = Task(examples.inputs.shape[1:], classes, words=words, **opened.skeleton)
    return FunctionBenchmark(opened.space, _unknown, task, batch=examples)


COUNT = 256
"""Examples of a data set that proxies may look at: as many as the largest default of one."""


def _unknown(arch: Arch) -> float:
    return float("nan")
