"""Options of commands whose oracle trains on data of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import assignments, shared
from nassearch.cli.live import Live
from nassearch.errors import InvalidSetting, excerpt

if TYPE_CHECKING:
    from nassearch.benchmarks import TrainedBenchmark
    from nassearch.types import Progress

BENCHMARK = "nasbench201"
"""What `--benchmark` is where nobody gives it."""

space_option = click.option(
    "--space", default=None, metavar="SPACE",
    help="What is searched: a space, with options in brackets, or module:attribute. [default: nasbench201]",
)  # fmt: skip
recipe_option = click.option(
    "--recipe", multiple=True, callback=assignments, metavar="KEY=VALUE",
    help="How each network is trained, as in epochs=20; repeat for more.",
)  # fmt: skip


def _size(ctx: click.Context, param: click.Parameter, text: str | None) -> Any:
    """Read what `--size` says: a number, or height and width."""
    if text is None:
        return None
    sides = text.split(",")
    if len(sides) > 2 or not all(side.strip().isdecimal() and len(side) < 100 for side in sides):
        raise InvalidSetting(f"--size is a number, or height and width as in 48,64, not {excerpt(text)}")
    numbers = tuple(map(int, sides))
    return numbers[0] if len(numbers) == 1 else numbers


data_options = shared(
    click.option("--size", default=None, metavar="PIXELS", callback=_size,
                 help="Height and width to which images are brought: a number for both, or two as in 48,64. "
                 "[default: what they have, or 64 where sizes differ or are above 128]"),
    click.option("--valid", type=float, default=None, metavar="SHARE",
                 help="Of validation, where the data have none. [default: 0.15]"),
    click.option("--test", type=float, default=None, metavar="SHARE",
                 help="Of the test part, where the data have none. [default: 0.15]"),
)  # fmt: skip
training_options = shared(
    space_option,
    recipe_option,
    data_options,
    click.option("--device", default=None, metavar="NAME",
                 help="auto, cpu or cuda. [default: auto, a GPU where there is one]"),
    click.option("--threads", type=int, default=None,
                 help="Of each training on a processor. [default: 1; nassearch search: more for large networks]"),
)  # fmt: skip
oracle_options = shared(
    click.option("--oracle", type=click.Choice(["table", "train"]), default="table", show_default=True,
                 help="What says how good a network is: the table of a benchmark, or training on --data."),
    click.option("--data", default=None, metavar="SOURCE",
                 help="With --oracle train: a folder of images, an .npz, CSV or Parquet file, or module:function."),
    training_options,
    click.option("--fidelity", default=None, metavar="EPOCHS",
                 help="Epochs of shorter trainings that sh may ask for, with commas."),
    click.option("--trainings", type=click.Path(path_type=Path), default=None, metavar="FOLDER",
                 help="Where trainings are recorded, for searches to share. [default: a folder below --out]"),
)  # fmt: skip


def refuse_training(given: Mapping[str, Any]) -> None:
    """Raise `InvalidSetting` where something is said of trainings; for runs on a table."""
    for name, value in given.items():
        if value not in (None, {}):
            raise InvalidSetting(
                f"--{name} is for searches that train, and this one looks into a table: add --oracle train "
                "--data SOURCE"
            )


@contextmanager
def watching_trainings(folder: Path | None, shown: bool) -> Iterator[Callable[[str], Progress]]:
    """Show the trainings in a folder while they go on, and give what makes callbacks for the progress of other work."""
    with Live(folder, shown=shown) as live:
        yield live.watch


def trained_oracle(
    flags: Mapping[str, Any], out: Path, watch: Callable[[str], Progress], given: Mapping[str, Any]
) -> TrainedBenchmark:
    """Open what trains, as the options of `oracle_options` say.

    Args:
        flags: the other options of the command, of which seed, benchmark and dataset matter.
        out: folder of results, or a file in it.
        watch: told of the reading of data.
        given: the options by name, without `oracle`.

    Raises:
        InvalidSetting: options that have no meaning together; see also `open_oracle`.
    """
    from nassearch.benchmarks.trained.oracle import open_oracle

    if given["data"] is None:
        raise InvalidSetting("--oracle train trains on data of your own: name them, as in --data ./my_images")
    if flags["benchmark"] != BENCHMARK or flags["dataset"] is not None:
        raise InvalidSetting(
            "--benchmark and --dataset name a table, and this search trains: say --space and --data instead"
        )
    return open_oracle(
        given["data"],
        given["space"] or BENCHMARK,
        given["recipe"],
        given["trainings"],
        below=(out.parent if out.suffix == ".jsonl" else out) / "trained",
        size=given["size"],
        **{name: given[name] for name in ("valid", "test") if given[name] is not None},
        seed=flags["seed"],
        device=given["device"] or "auto",
        threads=1 if given["threads"] is None else given["threads"],
        fidelity=epochs_of(given["fidelity"]),
        watch=watch,
    )


def epochs_of(text: str | None) -> list[int]:
    """Read numbers of epochs with commas between them."""
    try:
        return [int(each) for each in (text or "").split(",") if each.strip()]
    except ValueError:
        raise InvalidSetting(f"--fidelity is numbers of epochs, such as 3,6, not {text!r}") from None
