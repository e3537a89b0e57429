"""nassearch data"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import echo, echo_json, json_option, table, watching
from nassearch.cli.oracle import data_options

if TYPE_CHECKING:
    from nassearch.datasets import OwnDataset

MOST_ROWS = 20
"""Classes that are shown; --json has all of them."""
AXES = {"image": "channels, height, width", "signal": "channels, length", "vector": "features"}


@click.command()
@click.argument("source")
@data_options
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split.")
@json_option
def data(source: str, seed: int, as_json: bool, **parts: Any) -> None:
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
        given = {name: value for name, value in parts.items() if value is not None}
        found = open_dataset(source, seed=seed, watch=watch, **given)
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
    asked = given | ({"seed": seed} if seed else {})
    words = [word for name, value in asked.items() for word in (f"--{name}", _word(value))]
    space = ["--space", "mymodels:space"] if found.kind == "vector" else []
    echo("", *found.notes, "", f"next: nassearch search {shlex.join([source, *space, *words])} --hours 1")
    if space:
        echo("      with a space of your own in mymodels.py, as nassearch has none for vectors")


def _word(value: Any) -> str:
    return ",".join(map(str, value if isinstance(value, tuple) else [value]))


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
