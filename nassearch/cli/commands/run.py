"""nassearch run"""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import (
    assignments,
    axis_option,
    batch_option,
    benchmark_options,
    echo,
    echo_json,
    json_option,
    table,
    told,
    view_options,
    watching,
    work_options,
)
from nassearch.cli.limits import limit_options, limits_of, objectives_option
from nassearch.cli.oracle import oracle_options, refuse_training, trained_oracle, watching_trainings


@click.command()
@click.argument("strategy")
@benchmark_options
@oracle_options
@click.option("--budget", type=int, default=300, show_default=True, help="Models trained in a round.")
@click.option(
    "--rounds", type=int, default=100, show_default=True, help="Repeats, each with seeds of its own."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the whole experiment.")
@click.option(
    "--scorer",
    default=None,
    help="Ranks the warm-up; a proxy, with options in brackets. [default: epsilon]",
)
@click.option("--warmup", type=int, default=0, metavar="N", help="Score N architectures before each search.")
@click.option("--move", default=None, metavar="SCORER", help="Let a proxy guide each step.")
@click.option("--move-at", default=None, metavar="STEP",
              help="Which step, see: nassearch list strategies. [default: the strategy's first]")  # fmt: skip
@click.option(
    "--move-ratio",
    type=int,
    default=None,
    metavar="R",
    help="Scores per model trained, for rl and rand. [default: 10]",
)
@click.option(
    "--explore", type=float, default=0.25, show_default=True, help="Share of moves (ae, ls) that are random."
)
@click.option("--set", "settings", multiple=True, callback=assignments, metavar="KEY=VALUE",
              help="A setting of the strategy; repeat for more.")  # fmt: skip
@batch_option
@objectives_option
@limit_options
@axis_option
@view_options
@click.option(
    "--target", type=float, default=None, metavar="ACC", help="Report the models needed to reach this value."
)
@work_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
              help="Folder for the result, or a file ending in .jsonl; one that is there is gone on with.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Begin a result that is there anew.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, SVG or PDF. [default: beside the result]",
)
@json_option
def run(
    strategy: str,
    out: Path,
    plot: Path | None,
    workers: int | None,
    executor: str,
    cache: bool,
    overwrite: bool,
    x: str,
    as_json: bool,
    oracle: str,
    data: str | None,
    space: str | None,
    recipe: dict[str, Any],
    size: Any,
    valid: float | None,
    test: float | None,
    fidelity: str | None,
    device: str | None,
    threads: int | None,
    trainings: Path | None,
    **flags: Any,
) -> None:
    """Search with STRATEGY over seeded rounds; print a summary and draw the curve.

    \b
    Examples:
      nassearch run ae --warmup 3000 --move epsilon
      nassearch run rl --move synflow --move-ratio 100
      nassearch run rand --dataset cifar100 --scorer synflow --warmup 3000 --target 73
      nassearch run nsga --dataset cifar10 --objectives accuracy,edgegpu_latency
      nassearch run ae --dataset cifar10 --show edgegpu_latency
      nassearch run ae --set population=1000 --set tournament=20 --set fitness=synflow
      nassearch run gp --oracle train --data ./my_images --recipe epochs=20 --budget 20 --rounds 5
    """
    from nassearch.errors import InvalidSetting
    from nassearch.files.bounded import refuse_special
    from nassearch.reports.curve_data import collect
    from nassearch.reports.curve_figure import draw_curves
    from nassearch.reports.drawing.looks import check_suffix
    from nassearch.reports.summary import best_of, summarise
    from nassearch.search.curves import milestones
    from nassearch.search.experiment import Experiment
    from nassearch.statistics.digits import exact

    given = {"data": data, "space": space, "recipe": recipe, "size": size, "valid": valid, "test": test,
             "fidelity": fidelity, "device": device, "threads": threads, "trainings": trainings}  # fmt: skip
    display: AbstractContextManager[Any]
    if oracle == "train":
        with watching(not as_json) as watch:
            flags["benchmark"] = trained_oracle(flags, out, watch, given)
        display = watching_trainings(flags["benchmark"].folder, not as_json)
    else:
        refuse_training(given)
        display = watching(not as_json)
    experiment = Experiment(strategy, constraints=limits_of(flags), **flags)
    path = out if out.suffix == ".jsonl" else out / experiment.file_name
    if path is not out and out.is_file():
        raise InvalidSetting(
            f"--out is a folder, or a file whose name ends in .jsonl, and {out} is another file"
        )
    picture = plot or path.with_suffix(".png")
    check_suffix(picture)
    refuse_special(path, "choose another --out")
    refuse_special(picture, "choose another --plot")
    with display as watch:
        outcome = experiment.run(
            path, overwrite=overwrite, workers=workers, executor=executor, cache=cache, watch=watch
        )
    curve = outcome.curve(x=x)
    quantity, best = outcome.quantity, best_of(experiment.oracle, curve.show, outcome.header)
    title = f"{experiment.as_dict()['benchmark']}, {experiment.dataset_name}"
    draw_curves(collect({experiment.label: curve}, quantity=quantity, title=title, best=best), picture)
    summary = summarise(outcome.rounds, curve, experiment.target, quantity)
    if as_json:
        counts = {
            "rounds": {"read": outcome.found, "computed": curve.rounds - outcome.found},
            "scores": outcome.scores._asdict(),
        }
        echo_json({"experiment": experiment.as_dict(), "summary": summary, **counts, "results": str(path)})
        return
    low, median, high = (summary[name] for name in ("q25", "median", "q75"))
    by = quantity.chosen_by(experiment.show, experiment.choose)
    rounds = f"{curve.rounds} round{'s' if curve.rounds > 1 else ''}"
    at = milestones([curve])
    shown = [q[m - 1] for q in (low, median, high) for m in at]
    write = quantity.writer(shown if best is None else [*shown, quantity.shown(best)])
    counted = "models trained" if x == "models" else "different models"
    table(
        [
            f"{title}: {experiment.label}",
            f"{quantity.titled(curve.show)} ({quantity.unit}) of the best so far{by}, over {rounds} "
            f"from seed {experiment.seed}",
            "",
        ],
        [counted, "lower quartile", "median", "upper quartile"],
        [[m, *(write(q[m - 1]) for q in (low, median, high))] for m in at],
    )
    highest = f"best there is: {'unknown' if best is None else write(quantity.shown(best))}"
    if curve.is_further:
        highest = f"{'higher' if quantity.sign > 0 else 'lower'} is better"
        if (known := int(curve.known[-1])) < curve.rounds:
            highest += f", known of {known} of {rounds} at the end"
    echo("", f"{highest}   revisits: {summary['revisits']:.1f} per round   training: {_time(summary)}")
    if experiment.target is not None:
        reached = summary["models_to_target"] or f"not within {curve.budget}"
        echo(f"{'' if x == 'models' else 'different '}models to {exact(experiment.target)}: {reached}")
    echo(
        f"rounds:  {outcome.found} of {curve.rounds} rounds were there, {curve.rounds - outcome.found} computed now",
        *([f"scores:  {told(outcome.scores)}"] if experiment.guided else []),
        f"results: {path}",
        f"plot:    {picture}",
        f"next:    run another search, then: nassearch compare {shlex.quote(str(path.parent))}/*.jsonl",
    )


def _time(summary: dict[str, Any]) -> str:
    from nassearch.reports.curve_data import time_scale

    if summary["seconds"] is None:
        return "time unknown"
    length, unit = time_scale(summary["seconds"])
    return f"{summary['seconds'] / length:.1f} {unit} per round"
