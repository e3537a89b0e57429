"""How proxies rank the recurrent cells at hand of NAS-Bench-NLP: tables 3, 5 and 9 of arXiv 2302.04406.

    python experiments/papers/nasbench_nlp.py --data FOLDER --home HOME --ablations

The published tables are about 14,322 cells on Penn Treebank; at hand are some 250 of them, and 263 on WikiText-2. Scores
are cached: a run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # for _common
from _common import markdown, say
from _papers import FIGURES, SHORT

from nassearch.benchmarks.nasbench_nlp import NASBenchNLPBenchmark
from nassearch.benchmarks.read.importing import import_file
from nassearch.networks.constant.recurrent import collapsed_recurrent_outputs
from nassearch.networks.modules.recurrent import EMBEDDINGS
from nassearch.proxies.epsilon import distance
from nassearch.reports.correlate import Report, correlate
from nassearch.statistics.intervals import Estimate, Resampling, judge

PROXIES = ("epsilon", "synflow", "params")
TABLE_3 = {"epsilon": (0.34, -0.16, 0.23, -0.14, 0.0357, 3), "synflow": (0.34, 0.10, None, None, 0.22, None)}
"""Penn Treebank, in the order of FIGURES. The released notebook computes the row of epsilon against the loss itself and
turns the signs of rho and tau: its top 10 % and top 5 % are those with the highest losses."""
SIGNED = ("rho", "rho_top", "tau", "tau_top")
TABLE_9 = {
    (-7, -6): (2393, -0.24), (-7, -5): (2391, -0.22), (-7, -4): (2388, -0.35), (-7, -3): (2332, -0.42),
    (-7, -2): (1215, -0.30), (-7, -1): (585, -0.49), (-7, 0): (403, -0.12), (-6, -5): (3286, -0.11),
    (-6, -4): (3283, -0.24), (-6, -3): (3226, -0.33), (-6, -2): (1639, -0.26), (-6, -1): (841, -0.41),
    (-6, 0): (594, -0.09), (-5, -4): (3948, -0.32), (-5, -3): (3892, -0.35), (-5, -2): (1900, -0.32),
    (-5, -1): (913, -0.38), (-5, 0): (649, -0.18), (-4, -3): (3987, -0.35), (-4, -2): (1943, -0.37),
    (-4, -1): (925, -0.43), (-4, 0): (663, -0.26), (-3, -2): (1936, -0.32), (-3, -1): (918, -0.38),
    (-3, 0): (663, -0.23), (-2, -1): (910, -0.36), (-2, 0): (654, -0.25), (-1, 0): (652, -0.27),
}  # fmt: skip
"""By the exponents of the two weights: cells scored of 5,000 (as the text of table 5 says), and rho with the loss."""
TABLE_5 = {
    "uniform positive 0.1": (782, -0.38),
    "uniform positive 1": (776, -0.37),
    "uniform centred 0.1": (783, -0.40),
    "uniform centred 1": (782, -0.46),
    "random 0.1": (783, -0.42),
    "random 1": (782, -0.47),
}


def prepare(data: Path, home: Path | None) -> None:
    """Import tables and batches into a data directory, and make it the one in use."""
    folder, part = data / "nasbench_nlp", NASBenchNLPBenchmark
    path = Path(tempfile.mkdtemp(prefix="nassearch-")) if home is None else home
    os.environ["NASSEARCH_DATA"] = str(path.absolute())
    for dataset, file in (("wikitext-2", "wikitext2_logs.zip"), ("ptb", "ptb_loss.csv")):
        if not part.table_path(dataset).exists():
            import_file(part, folder / file)
        if not part.batch_path(dataset).exists():
            part.import_batch(folder / "ptb.valid.txt", dataset)


def shown(estimate: Estimate) -> str:
    if np.isnan(estimate.low):
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def row(report: Report) -> list[object]:
    scored = int((~np.isnan(report.scores)).sum())
    figures = report.figures["dropped"]
    return [report.proxy, f"{scored} of {len(report.scores)}", *(shown(figures[name]) for name in FIGURES)]


def main_tables() -> str:
    text = ""
    for dataset in NASBenchNLPBenchmark.datasets():
        found = correlate(
            "nasbench-nlp",
            PROXIES,
            dataset=dataset,
            neighbourhoods=0,
            watch=lambda _: lambda d, n: say(f"{d} of {n}"),
        )
        rows = [row(report) for report in found.reports]
        if dataset == "ptb":
            turned = judge(found.reports[0].scores, -found.accuracies, Resampling())
            counted = [-turned[name].value if name in SIGNED else turned[name].value for name in FIGURES]
            rows.append(["epsilon, counted as in the notebook", "", *counted])
            rows += [
                [f"{name}, paper", "", *("" if v is None else v for v in values)]
                for name, values in TABLE_3.items()
            ]
        text += f"\n**{dataset}**: {len(found.archs)} cells, test loss\n\n"
        text += markdown(("proxy", "scored", *SHORT), rows)
    return text


def ablation(head: str, scores: Callable[[str], np.ndarray], published: dict[str, tuple[int, float]]) -> str:
    """Return a table of rho with the test loss on Penn Treebank, with its sign as published."""
    benchmark = NASBenchNLPBenchmark.open("ptb")
    losses = np.array([-benchmark.expected(arch).test for arch in benchmark.space.all()])
    rows = []
    for name, (scored, theirs) in published.items():
        values = scores(name)
        count = int((~np.isnan(values)).sum())
        rows.append([name, count, shown(judge(values, losses, Resampling())["rho"]), scored, theirs])
    return markdown((head, f"scored of {len(losses)}", "rho", "paper: scored of 5,000", "paper: rho"), rows)


def ablations() -> str:
    benchmark = NASBenchNLPBenchmark.open("ptb")
    batch = benchmark.batch()
    assert batch is not None
    networks = [benchmark.space.network(arch, benchmark.dataset.task) for arch in benchmark.space.all()]
    exponents = range(-7, 1)
    by_weight = []
    for done, network in enumerate(networks):
        outputs = collapsed_recurrent_outputs([network], batch.inputs, [10.0**e for e in exponents])[0]
        by_weight.append([distance(outputs[[e - exponents[0] for e in pair]]) for pair in TABLE_9])
        say(f"weights: {done + 1} of {len(networks)}")
    columns = dict(zip(TABLE_9, np.array(by_weight).T, strict=True))

    def embedded(kind: str) -> np.ndarray:
        say(f"embedding: {kind}")
        outputs = (collapsed_recurrent_outputs([n], batch.inputs, (1e-5, 1e-3), kind)[0] for n in networks)
        return np.array([distance(rows) for rows in outputs])

    names = {f"1e{low}, 1e{high}": (low, high) for low, high in TABLE_9}
    text = "\n**Weights** (table 9), Penn Treebank, rho with the loss: lower is better\n\n"
    text += ablation(
        "weights", lambda name: columns[names[name]], {n: TABLE_9[pair] for n, pair in names.items()}
    )
    text += "\n**Embeddings** (table 5), weights 1e-5 and 1e-3, Penn Treebank, rho with the loss\n\n"
    return text + ablation("embedding", embedded, {kind: TABLE_5[kind] for kind in EMBEDDINGS})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with nasbench_nlp/{wikitext2_logs.zip,ptb_loss.csv,ptb.valid.txt}",
    )
    parser.add_argument("--home", type=Path, help="keep tables and scores here; default: a temporary folder")
    parser.add_argument("--ablations", action="store_true", help="also weights and embeddings of epsilon")
    args = parser.parse_args()
    prepare(args.data, args.home)
    print(main_tables())
    count = NASBenchNLPBenchmark.open("ptb").space.size
    print(
        f"With {count} cells a rho counts as different from 0 beyond about {np.tanh(1.96 / np.sqrt(count - 3)):.2f} "
        "(Fisher's z, 95 %): enough to tell a proxy that works from one that does not, but not a rho of .2 from one of "
        f".3. Within the top 10 % are {count // 10} cells, whose rho and tau say nothing; of the top 5 % ({count // 20} "
        f"cells) 64 scores hold {64 * (count // 20) / count:.1f} by chance alone."
    )
    if args.ablations:
        print(ablations())


if __name__ == "__main__":
    main()
