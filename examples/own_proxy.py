"""A proxy of your own: searched with, compared with its absence, and held against the accuracies of a benchmark.

    python examples/own_proxy.py --out results/own_proxy

It needs no data: the benchmark is the one in the package.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import nassearch as ns
from nassearch.proxies import proxy
from nassearch.spaces import Network
from nassearch.types import Batch, Floats


@proxy(reference="an example; baseline")
def windows(networks: Sequence[Network], batch: Batch | None = None, *, power: float = 1.0) -> Floats:
    """Sum the widths of all convolutions' windows, each to a power; higher is better."""
    kernels = [
        [layer.kernel for block in n.blocks() for layer in block if layer.op == "conv"] for n in networks
    ]
    return np.array([sum(kernel**power for kernel in each) for each in kernels], np.float64)


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    ns.register("proxies", windows)  # a name for as long as this process runs

    # Twice the same search, 20 rounds each: one begins with the best of 1,000 architectures by the proxy.
    guided = ns.Experiment("ae", warmup=1000, scorer="windows", rounds=20, budget=100).run(
        out / "guided.jsonl", overwrite=True
    )
    alone = ns.Experiment("ae", rounds=20, budget=100).run(out / "alone.jsonl", overwrite=True)
    compared = ns.compare([guided, alone], target=93, baseline=alone)
    for row in compared.rows:
        models = row["models_to_target"] or "more than 100"
        print(f"{row['label']}: a median of 93 percent after {models} models")
    ns.plot([guided, alone]).savefig(out / "curves.png")

    # What is it worth on its own, beside another proxy, with another power, and in a combination?
    proxies = ["windows", "windows(power=2.0)", "synflow", "rank(windows, synflow)"]
    found = ns.correlate("nasbench201", proxies, sample=500)
    for report in found.reports:
        rho = report.figures["dropped"]["rho"]
        print(f"{report.proxy}: rho {rho.value:.3f}, 95 % interval {rho.low:.3f} to {rho.high:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("results/own_proxy"), help="folder for what it writes"
    )
    main(parser.parse_args().out)
