"""nassearch data"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import echo, echo_json, json_option, shared, table, watching
from nassearch.errors import InvalidSetting, excerpt

if TYPE_CHECKING:
    from nassearch.datasets import OwnDataset

MOST_ROWS = 20
"""Classes that are shown; --json has all of them."""
AXES = {"image": "channels, height, width", "signal": "channels, length", "vector": "features"}

data_options = shared(
    click.option("--size", default=None, metavar="PIXELS",
                 help="Height and width to which images are brought: a number for both, or two as in 48,64. "
                 "[default: what they have, or 64 where sizes differ or are above 128]"),
    click.option("--valid", type=float, default=0.15, show_default=True,
                 help="Share of validation, where the data have none."),
    click.option("--test", type=float, default=0.15, show_default=True,
                 help="Share of the test part, where the data have none."),
)  # fmt: skip


@click.command()
@click.argument("source")
@data_options
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split.")
@json_option
def data(source: str, size: str | None, valid: float, test: float, seed: int, as_json: bool) -> None:
    """Show what is found in a data set of your own, before anything is trained on it.

    SOURCE is a folder of images (a folder for each class, or train, valid and test with such folders), an .npz archive
    of arrays, a CSV, TSV or Parquet file of paths and labels, or module:function, a function of your own that returns
    a map-style data set; its code is run.

    Train, validation and test share no example, whatever the source; copies of one image in two parts that you have
    given are told. The digest is of every example, its class and its part.

    \b
    Examples:
      nassearch data ./my_images
      nassearch data images.npz --json
      nassearch data mydata:load --size 48
    """
    from nassearch.datasets import open_dataset

    with watching() as watch:
        found = open_dataset(source, size=read_size(size), valid=valid, test=test, seed=seed, watch=watch)
    counts = class_counts(found)
    if as_json:
        return echo_json({**found.as_dict(), "counts": counts})
    shape = " x ".join(map(str, found.shape))
    echo(
        f"{found.name}: {found.kind}s of {shape} ({AXES[found.kind]}), {len(found.classes)} classes",
        f"digest {found.digest}",
    )
    rows: list[list[Any]] = [[name, *by_part.values()] for name, by_part in counts.items()]
    if len(rows) > MOST_ROWS:
        left = rows[MOST_ROWS - 1 :]
        rows = [
            *rows[: MOST_ROWS - 1],
            [f"{len(left)} more", *(sum(row[at] for row in left) for at in (1, 2, 3))],
        ]
    total = [
        "all",
        *(sum(by_part[part] for by_part in counts.values()) for part in ("train", "valid", "test")),
    ]
    table([""], ["class", "train", "valid", "test"], [*rows, total])
    asked = {"--size": (size, None), "--valid": (valid, 0.15), "--test": (test, 0.15), "--seed": (seed, 0)}
    words = [word for name, (value, usual) in asked.items() if value != usual for word in (name, str(value))]
    space = ["--space", "mymodels:space"] if found.kind == "vector" else []
    echo("", *found.notes, "", f"next: nassearch search {shlex.join([source, *space, *words])} --hours 1")
    if space:
        echo("      with a space of your own in mymodels.py, as nassearch has none for vectors")


def read_size(text: str | None) -> Any:
    """Return what `--size` says: a number, or height and width.

    Raises:
        InvalidSetting: it is neither.
    """
    if text is None:
        return None
    sides = text.split(",")
    if len(sides) > 2 or not all(side.strip().isdecimal() and len(side) < 100 for side in sides):
        raise InvalidSetting(f"--size is a number, or height and width as in 48,64, not {excerpt(text)}")
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def class_counts(found: OwnDataset) -> dict[str, dict[str, int]]:
    """Return by class how many examples each part has."""
    import numpy as np

    parts = {
        part: np.bincount(found.part(part).labels, minlength=len(found.classes))
        for part in ("train", "valid", "test")
    }
    return {
        name: {part: int(counts[number]) for part, counts in parts.items()}
        for number, name in enumerate(found.classes)
    }
