"""Digests of what is no pass of a torch model, as JSON: a process to be started as if on several processors.

python tests/support/on_processors.py FOLDER
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from golden import cases

from nassearch import Experiment
from nassearch.benchmarks.batches import synthetic_batch
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK
from nassearch.errors import InvalidSetting
from nassearch.networks.constant.recurrent import collapsed_recurrent_outputs
from nassearch.scorers import build_scorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.statistics import correlation
from nassearch.types import Task

PATHS = ("collapsed", "compiled") if find_spec("numba") else ("collapsed",)
SPECS = (
    *(f"epsilon(path={path})" for path in PATHS),
    *("synflow", "synflow(log=true)", "logsynflow", "logsynflow(shift=1e-6)", "params", "flops"),
    *("rank(epsilon, synflow, log=true)", "vote(epsilon, synflow, params)", "fallback(epsilon, synflow)"),
)
SEARCHES = (
    ("rand", "epsilon"),
    ("ae", "epsilon"),
    ("ls", "epsilon"),
    ("rl", "epsilon"),
    ("rl", "logsynflow"),
)


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every score, search and statistic, by what it is of."""
    found = {}
    space, _, task, batch = cases().pop("nasbench-nlp words")
    networks = [space.network(arch, task) for arch in space.all()]
    found["recurrent epsilon"] = _digest(collapsed_recurrent_outputs(networks, batch.inputs, (1e-3, 1.0)))
    tasks = {name: (space, task, batch) for name, (space, _, task, batch) in cases().items()}
    # Sums over long rows, and over rows whose length is no multiple of that of a vector.
    tasks |= {
        f"{count} {name}": (NASBench201(), task, synthetic_batch("normal", task, count))
        for name, task, count in (
            ("signals", MNIST1D_TASK, 256),
            ("signals", MNIST1D_TASK, 101),
            ("images", Task((3, 32, 32), 10, channels=(4, 4, 4), cells=1), 80),
        )
    }
    for name, (space, task, batch) in tasks.items():
        archs = space.sample_many(10, np.random.default_rng(1))
        for spec in SPECS:
            if space.name == "nasbench-nlp" and "synflow" in spec:  # sampled: passes of a torch model
                continue
            try:
                found[f"{name} {spec}"] = _digest(build_scorer(spec, space, task, batch)(archs))
            except InvalidSetting:  # it has no meaning there
                found[f"{name} {spec}"] = ""
    for strategy, scorer in SEARCHES:
        path = folder / f"{strategy} {scorer}.jsonl"
        Experiment(strategy, rounds=2, budget=80, scorer=scorer, warmup=300, move=True).run(path)
        found[f"{strategy} {scorer}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path = folder / "gp.jsonl"
    Experiment("gp", rounds=2, budget=40, scorer="epsilon").run(path)
    found["gp"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path = folder / "robot.jsonl"
    settings = {"proxies": ["params", "flops", "random"], "steps": 30}
    Experiment("robot", rounds=2, budget=40, settings=settings).run(path)
    found["robot"] = hashlib.sha256(path.read_bytes()).hexdigest()
    scores, accuracies = np.random.default_rng(0).random((2, 1001))
    found["slope"] = _digest(np.array(correlation.slope(scores, accuracies)))
    found["rho"] = _digest(np.array(correlation.spearman(scores, accuracies).value))
    return found


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of architectures that cannot be scored
    print(json.dumps(digests(Path(sys.argv[1]))))
