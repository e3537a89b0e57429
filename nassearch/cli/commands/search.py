"""nassearch search"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import assignments, echo, echo_json, json_option
from nassearch.cli.ending import status
from nassearch.cli.limits import limit_options, limits_of
from nassearch.cli.live import counted
from nassearch.cli.oracle import epochs_of, training_options

if TYPE_CHECKING:
    from nassearch.search.trained.searching import Found


@click.command()
@click.argument("data")
@click.option(
    "--hours", type=float, default=None, help="Wall clock for all of it, the final training included."
)
@click.option(
    "--budget", type=int, default=None, metavar="N", help="Models to train. [default: 20 without --hours]"
)
@click.option("--strategy", default="gp", show_default=True, help="See: nassearch list strategies.")
@click.option(
    "--scorer", default=None, help="Ranks the warm-up; a proxy, with options in brackets. [default: epsilon]"
)
@click.option("--warmup", type=int, default=0, metavar="N", help="Score N architectures before the search.")
@click.option("--move", default=None, metavar="SCORER", help="Let a proxy guide each step.")
@click.option("--set", "settings", multiple=True, callback=assignments, metavar="KEY=VALUE",
              help="A setting of the strategy; repeat for more.")  # fmt: skip
@training_options
@click.option("--fidelity", default=None, metavar="EPOCHS",
              help="Epochs of shorter trainings that --strategy sh may ask for, with commas.")  # fmt: skip
@click.option("--final-epochs", type=int, default=None, metavar="N",
              help="Of the winner's final training; 0 for none. "
                   "[default: three times the others', with --hours alone what fits into half of them]")  # fmt: skip
@limit_options
@click.option(
    "--objectives", default=None, metavar="A,B",
    help="Search for several things: accuracy, and params, flops, memory or latency. gp, nsga and rand can.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the split, the search and the trainings."
)
@click.option("--workers", type=int, default=1, show_default=True,
              help="Trainings at a time; processors are shared among them.")  # fmt: skip
@click.option("--executor", default="processes", show_default=True,
              help="processes or ray; with the address of a cluster as in ray:HOST:6379.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Folder for all of it; one that is there is gone on with. [default: results/NAME]")  # fmt: skip
@json_option
def search(data: str, as_json: bool, out: Path | None, **flags: Any) -> None:
    """Find a network for DATA of your own: train as few as possible, then the best one for longer.

    DATA is a folder of images with a folder for each class, an .npz, CSV or Parquet file, or module:function. What is
    in it is found out, see: nassearch data DATA. Kill it or press Ctrl-C, give the command again, and it goes on.

    \b
    Examples:
      nassearch search ./my_images --hours 2
      nassearch search ./my_images --budget 30 --max-params 500k --max-latency 5ms --workers 2
      nassearch search images.npz --space mymodels:space --hours 1 --out results/mine
      nassearch search images.npz --strategy sh --fidelity 3 --recipe epochs=12
      nassearch search images.npz --objectives accuracy,latency --workers 2
    """
    from nassearch.cli.live import Live
    from nassearch.search.trained.asked import Search
    from nassearch.search.trained.searching import run_search

    constraints = limits_of(flags)
    given = {name: value for name, value in flags.items() if value is not None}
    asked = Search(data, **given | {"constraints": constraints, "fidelity": epochs_of(flags["fidelity"])})
    with Live(shown=not as_json) as live:
        found = run_search(asked, out, watch=live.watch, tell=live.tell, seen=live.seen)
    if as_json:
        echo_json(_as_json(found))
    else:
        _tell(found)
    if found.interruption is not None:
        raise click.exceptions.Exit(status(found.interruption))


def _as_json(found: Found) -> dict[str, Any]:
    best = found.folder.best
    return {
        "folder": str(found.folder.path),
        "made": dict(found.folder.made),
        "models": len(found.folder.entries),
        "best": None if best is None else {"text": best.text, "valid": best.valid, "params": best.params},
        "winner": found.winner,
        "stopped": found.stopped,
    }


def _tell(found: Found) -> None:
    folder, made = found.folder, found.folder.made
    entries, best, winner = folder.entries, folder.best, found.winner
    data, place = made["data"], shlex.quote(str(folder.path))
    echo(
        f"{data['name']}: {data['kind']}s of {'x'.join(map(str, data['shape']))}, {len(data['classes'])} classes; "
        + ", ".join(f"{part} {count}" for part, count in data["sizes"].items()),
        f"{len(entries)} architectures of {made['space']} trained by {made['strategy']}, {_time(folder.spent)} in all",
    )
    if failed := [entry for entry in entries if entry.valid is None]:
        echo(f"without a network: {len(failed)}, the first {failed[0].status}: {failed[0].note}")
    if winner is None:
        if best is not None:
            echo("", f"stopped: the best so far is {best.text}", f"validation accuracy: {best.valid:.2f} %")
        return echo(f"folder:  {place}", "next:    give the same command to go on")
    low, high = winner["test_interval"] or (None, None)
    echo(
        "",
        f"winner:  {winner['text']}",
        f"         found as number {winner['found_after']} of {winner['models']}",
    )
    echo(f"size:    {winner['params']:,} parameters, {_count(winner['flops'])} multiply-accumulates")
    echo(
        f"trained: {counted(winner['epochs'], 'epoch')} in {_time(winner['seconds'])}; "
        f"validation accuracy {winner['valid']:.2f} %"
    )
    if winner["test"] is not None:
        echo(
            f"test:    {winner['test']:.2f} %, 95 % interval {low:.2f} to {high:.2f}, "
            f"{winner['test_examples']} examples that nothing had looked at before"
        )
    echo(
        f"folder:  {place}",
        f"next:    nassearch export {place} -o best.py, or nassearch report {place} -o report.html",
    )


def _count(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def _time(seconds: float) -> str:
    from nassearch.reports.curve_data import time_scale

    length, unit = time_scale(seconds)
    return f"{seconds / length:.1f} {unit}"
