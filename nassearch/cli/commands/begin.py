"""nassearch begin"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import assignments, batch_option, echo, echo_json, json_option, watching
from nassearch.cli.limits import limit_options, limits_of, objectives_option


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str]:
    return [each.strip() for each in (value or "").split(",") if each.strip()]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--space", default=None, metavar="SPACE",
              help="What is searched: a space, with options in brackets, or module:attribute.")  # fmt: skip
@click.option(
    "--benchmark", default=None, help="In the place of --space: that of a benchmark, with its inputs."
)
@click.option("--dataset", default=None, help="Of --benchmark. [default: its first]")
@click.option("--budget", type=int, default=None, metavar="N", help="Models to ask for. [default: no end]")
@click.option("--strategy", default="gp", show_default=True, help="See: nassearch list strategies.")
@click.option(
    "--scorer", default=None, help="Ranks the warm-up; a proxy, with options in brackets. [default: epsilon]"
)
@click.option("--warmup", type=int, default=0, metavar="N", help="Score N architectures before the search.")
@click.option("--move", default=None, metavar="SCORER", help="Let a proxy guide each step.")
@click.option("--move-at", default=None, metavar="STEP", help="Which step. [default: the strategy's first]")
@click.option("--move-ratio", type=int, default=None, metavar="R", help="Scores per model, for rl and rand.")
@click.option(
    "--explore", type=float, default=0.25, show_default=True, help="Share of moves (ae, ls) that are random."
)
@click.option("--set", "settings", multiple=True, callback=assignments, metavar="KEY=VALUE",
              help="A setting of the strategy; repeat for more.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the search.")
@click.option("--input", "input", default=None, metavar="SHAPE",
              help="Of one input: 3,32,32 for images, 12 for vectors, words:35 for texts. "
              "[default: that of --batch FILE, else 3,32,32]")  # fmt: skip
@click.option(
    "--vocabulary", type=int, default=None, metavar="N", help="Different words, where inputs are such."
)
@click.option(
    "--classes", type=int, default=None, metavar="N", help="Logits. [default: labels of --batch, else 10]"
)
@batch_option
@objectives_option
@click.option("--told", default=None, callback=_names, metavar="NAME,..",
              help="Objectives that only you can tell: energy, or robustness:max for higher is better.")  # fmt: skip
@limit_options
@click.option(
    "--quantity", default="accuracy", show_default=True, help="What the values are that you will tell."
)
@click.option("--unit", default="percent", show_default=True, help="Of them.")
@click.option("--lower-is-better", is_flag=True, help="As of a loss.")
@click.option("--epochs", type=int, default=None, metavar="N", help="Of a whole training, for --fidelity.")
@click.option("--fidelity", default=None, callback=_names, metavar="EPOCHS",
              help="Epochs of shorter trainings that --strategy sh may ask for, with commas.")  # fmt: skip
@click.option("--workers", type=int, default=None, help="Processes that score. [default: 1]")
@json_option
def begin(folder: Path, as_json: bool, workers: int | None, fidelity: list[str], **flags: Any) -> None:
    """Begin a search in FOLDER whose architectures you train yourself, wherever that is.

    Then nassearch ask FOLDER says what to train, and nassearch tell FOLDER takes what it reached. To begin the same
    search again changes nothing; with another --budget it goes on to that.

    \b
    Examples:
      nassearch begin results/mine --space nasbench201 --strategy gp --set features=params,synflow --budget 50
      nassearch begin results/mine --space mymodels:space --input 1,28,28 --classes 10 --max-params 500k
      nassearch begin results/mine --benchmark nasbench101 --strategy ae --warmup 3000 --scorer synflow
      nassearch begin results/mine --space mobile --strategy nsga --told energy --objectives accuracy,energy
    """
    from nassearch.cli.oracle import epochs_of
    from nassearch.search.asking.ask_tell import AskTell

    constraints = limits_of(flags)
    with watching(not as_json) as watch:
        search = AskTell.begin(
            folder,
            watch=watch,
            workers=workers,
            constraints=constraints,
            fidelity=epochs_of(",".join(fidelity)),
            **flags,
        )
    if as_json:
        return echo_json({"folder": str(folder), "made": search.made, "search": search.label})
    budget = search.wanted.budget
    echo(
        f"{search.label}, in {search.oracle.text}: {'any number of' if budget is None else budget} models",
        f"next: nassearch ask {folder}",
    )
