"""Several workers ask a folder what to train, train it, and tell what it reached: a search on a cluster's scheduler.

    python examples/cluster.py --out results/cluster              begin a search, and start two workers here
    python examples/cluster.py --out results/cluster --worker a   one worker, as a job of a scheduler runs it

The folder is all that workers share. Kill any of them, start it again under the same name, and it goes on with what it
was at. What a worker had that never comes back is handed to another after an hour.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

import nassearch as ns

WORKERS, MODELS, HOUR = 2, 8, 3600


def images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images [count, 1, 8, 8] with lying, upright or slanting stripes, and which they have."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=count)
    rows, columns = np.mgrid[:8, :8]
    stripes = np.stack([rows, columns, rows + columns])[labels] + rng.integers(4, size=(count, 1, 1))
    noisy = (stripes % 4 < 2) + rng.normal(0, 0.5, (count, 8, 8))
    return torch.tensor(noisy[:, None], dtype=torch.float32), torch.tensor(labels)


def train(network: nn.Module) -> float:
    """Return the validation accuracy of a network after a few steps, in percent."""
    inputs, labels = images(512, seed=0)
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    for start in range(0, 512, 32):
        loss = nn.functional.cross_entropy(network(inputs[start : start + 32]), labels[start : start + 32])
        adam.zero_grad()
        loss.backward()
        adam.step()
    network.eval()
    with torch.no_grad():
        inputs, labels = images(256, seed=1)
        return 100 * float((network(inputs).argmax(1) == labels).float().mean())


def work(folder: Path, name: str) -> None:
    """Ask, train and tell until there is nothing more to do."""
    torch.set_num_threads(1)
    search = ns.AskTell.open(folder)
    while True:
        asks = search.ask(worker=name, again=HOUR)
        for ask in asks:
            start = time.monotonic()
            try:
                reached = train(ask.module())
            except RuntimeError as error:  # out of memory, for one
                search.tell(ask.id, failed=True, note=str(error)[:200])
                continue
            search.tell(ask.id, reached, seconds=time.monotonic() - start)
            print(f"{name}: {ask.text} reached {reached:.1f} percent", flush=True)
        if not asks and (search.ended or not search.pending):
            return
        if not asks:
            time.sleep(0.2)  # others are still training


def main(folder: Path) -> None:
    """Begin the search, or go on with it, start the workers and wait for them."""
    search = ns.AskTell.begin(
        folder,
        space="nasbench201(channels=4, cells=1)",
        input="1,8,8",
        classes=3,
        strategy="gp",
        settings={"features": "params"},
        budget=MODELS,
    )
    command = [sys.executable, __file__, "--out", str(folder)]
    workers = [subprocess.Popen([*command, "--worker", f"worker-{number}"]) for number in range(WORKERS)]
    if any(worker.wait() for worker in workers):
        sys.exit("a worker failed: run this again, and it goes on")
    (outcome,) = ns.read(folder)
    print(search)
    print(f"best of {len(outcome.rounds[0].archs)} models: {outcome.curve().median()[-1]:.1f} percent")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results/cluster"), help="folder that all workers share"
    )
    parser.add_argument("--worker", help="be the worker of this name")
    given = parser.parse_args()
    main(given.out) if given.worker is None else work(given.out, given.worker)
