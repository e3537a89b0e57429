"""How the defaults of `bp` were chosen, and what the small network costs against the released code's.

    python experiments/papers/settings_bp.py --data FOLDER --out results [--home FOLDER] [--rounds 24] [--paper-rounds 2]

On validation accuracy of CIFAR-10 alone, with expected synflow as the proxy: no other data set has a say. Writes
OUT/settings-bp.md. A row changes one thing of the default. Run again with the same --home, what is there already is
not computed again, and its time is not known then.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import data_options, markdown, prepare, say

from nassearch.search.experiment import Experiment
from nassearch.types import Floats

BUDGET = 100
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"width": 32},
    {"depth": 2},
    {"depth": 4},
    {"epochs": 50},
    {"epochs": 200},
    {"rate": 0.001},
    {"rate": 0.01},
    {"warm_up_epochs": 20},
    {"warm_up_epochs": 100},
    {"iterations": 10},
)
PAPER = {"preset": "paper"}


def search(settings: dict[str, Any], warmup: int, rounds: int) -> tuple[Floats, list[object]]:
    """Return the best validation accuracy so far, `[rounds, BUDGET]`, and a row of the table."""
    experiment = Experiment(
        "bp",
        dataset="cifar10",
        scorer="synflow",
        warmup=warmup,
        budget=BUDGET,
        rounds=rounds,
        settings=settings,
    )
    folder = Path(os.environ["NASSEARCH_DATA"]) / f"rounds-{rounds}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / experiment.file_name
    known, start = path.exists(), time.process_time()
    best = experiment.run(path, workers=1).curve("valid", "valid").values
    seconds = "" if known else (time.process_time() - start) / rounds
    label = ", ".join(f"{name}={value}" for name, value in settings.items()) or "default"
    say(f"{label}, warm-up {warmup}: {best[:, 20:].mean():.2f}")
    means = [float(best[:, models - 1].mean()) for models in (20, 50, BUDGET)]
    return best, [label, warmup, *means, seconds]


def study(variants: list[dict[str, Any]], warmups: list[int], rounds: int) -> str:
    """Compare variants with the first of them, round by round on the same random streams."""
    rows = []
    for warmup in warmups:
        plain: Floats | None = None
        for settings in variants:
            if "warm_up_epochs" in settings and not warmup:
                continue
            best, row = search(settings, warmup, rounds)
            course = best[:, 20:].mean(axis=1)
            plain = course if plain is None else plain
            gain = course - plain
            error = gain.std(ddof=1) / np.sqrt(rounds) if rounds > 1 else np.nan
            rows.append([*row[:-1], float(course.mean()), f"{gain.mean():+.2f} ± {error:.2f}", row[-1]])
    at = [f"at {models}" for models in (20, 50, BUDGET)]
    head = ["setting", "warm-up", *at, "mean of 21 to 100", "against the default", "seconds a round"]
    return markdown(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    data_options(parser)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--paper-rounds", type=int, default=2, help="0 to leave the released setting out")
    parser.add_argument("--warmups", type=int, nargs="+", default=[0, 256])
    args = parser.parse_args()
    prepare(args.data, args.home)
    text = (
        f"Best validation accuracy of CIFAR-10 so far, mean of {args.rounds} rounds; differences are paired by "
        "round, ± one standard error; processor seconds on one core.\n\n"
        + study(list(VARIANTS), args.warmups, args.rounds)
    )
    if args.paper_rounds:
        text += f"\nThe released setting, {args.paper_rounds} rounds of each:\n\n"
        text += study([{}, PAPER], args.warmups, args.paper_rounds)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "settings-bp.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
