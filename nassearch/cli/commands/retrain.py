"""nassearch retrain"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import assignments, echo, echo_json, json_option, watching


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--epochs", type=int, default=200, show_default=True, help="Passes over the training part.")
@click.option("--recipe", "settings", multiple=True, callback=assignments, metavar="KEY=VALUE",
              help="Another setting of the training; repeat for more. [default: those of the search]")  # fmt: skip
@click.option("--arch", default=None, metavar="TEXT", help="This architecture. [default: the winner]")
@click.option("--seed", type=int, default=None, help="Of the training. [default: that of the search]")
@click.option("--device", default=None, help="auto, cpu or cuda. [default: that of the search]")
@click.option(
    "--threads",
    type=int,
    default=None,
    help="Of the processor. [default: as the winner's final training]",
)
@json_option
def retrain(
    result: Path,
    epochs: int,
    settings: dict[str, Any],
    arch: str | None,
    seed: int | None,
    device: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Train the winner of the search in folder RESULT for longer, from fresh weights.

    It is recorded beside what the search found, which stays. Interrupted, the same command goes on. The test part is
    looked at once more, at the end.

    \b
    Examples:
      nassearch retrain results/my_images --epochs 200
      nassearch export results/my_images --retrained -o longer.py
    """
    from nassearch.errors import InvalidSetting
    from nassearch.export.results.again import train_again

    if "epochs" in settings:
        raise InvalidSetting("--epochs says how many there are: leave epochs out of --recipe")
    with watching(not as_json) as watch:
        progress = watch("epochs")
        found = train_again(
            result,
            {**settings, "epochs": epochs},
            arch,
            seed=seed,
            device=device,
            threads=threads,
            watch=lambda done, all_, valid: progress(done, all_),
        )
    if as_json:
        echo_json(found)
        return
    echo(f"{found['text']}, {found['recipe']['epochs']} epochs in {found['seconds']:.1f} s")
    echo(f"validation: {found['valid']:.2f} percent")
    if found["test"] is not None:
        low, high = found["test_interval"]
        echo(f"test:       {found['test']:.2f} percent, 95 % interval {low:.2f} to {high:.2f}")
        echo(f"            {found['test_note']}")
    known = "trained now" if found["new"] else "was trained before, nothing was done"
    echo(f"weights:    {result / found['weights']}  ({known})")
    echo(f"next:       nassearch export {shlex.quote(str(result))} --retrained -o retrained.py")
