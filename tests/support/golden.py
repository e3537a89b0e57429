"""Scores of every proxy, as they were under its revision. As a script it keeps new ones:

python tests/support/golden.py             # puts in what is new, refuses what has moved
python tests/support/golden.py synflow     # puts in what has moved of one proxy, whose revision was raised
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recipes import GRU, LSTM, RNN

from nassearch import registry
from nassearch.benchmarks.batches import synthetic_batch
from nassearch.benchmarks.nasbench201 import MNIST1D_TASK
from nassearch.errors import InvalidSetting
from nassearch.provenance.identity import identity
from nassearch.scorers import ProxyScorer, parse_spec
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nasbench_asr.space import NASBenchASR
from nassearch.spaces.nasbench_nlp.recipes import to_arch
from nassearch.spaces.nasbench_nlp.space import NASBenchNLP
from nassearch.spaces.nats_size import NATSSize
from nassearch.types import Arch, Batch, Task

FILE = Path(__file__).with_name("golden_scores.json")
CLOSE = 1e-4
"""Relative. Processors and numbers of threads round differently, and the gradients of fifty layers multiply it; what
is meant to move a number moves one of these by more."""
LOOSE = {"lswag": 0.1, "zico": 0.1}
"""Relative, of proxies that divide by a difference of two gradients: where that is small, rounding alone decides how
large the quotient is, and one of a thousand can be as large as all others of its layer together."""

Cases = dict[str, tuple[SearchSpace, list[Arch], Task, Batch]]
VARIANTS = ("synflow(estimator=sampled, seed=3)", "epsilon(weights=(1e-4, 1.0))")
"""Scorers beside every proxy with its default options."""


def cases() -> Cases:
    """Return a few architectures of every space on small tasks, by the name of the case."""
    image = Task((3, 8, 8), 4, channels=(4, 8), cells=1)
    nlp = NASBenchNLP([to_arch(recipe) for recipe in (RNN, LSTM, GRU)])
    spaces: dict[str, tuple[SearchSpace, Task]] = {
        "nasbench201 signals": (NASBench201(), MNIST1D_TASK),
        "nasbench201 images": (NASBench201(), image),
        "nasbench101 images": (NASBench101(), image),
        "nats-size images": (NATSSize(), image),
        "nasbench-asr sound": (NASBenchASR(), Task((80, 12), 48, channels=(100, 100), cells=1)),
        "nasbench-nlp words": (nlp, Task((12,), 50, channels=(12, 12, 8), cells=1, words=50)),
    }
    found: Cases = {}
    for name, (space, task) in spaces.items():
        rng = np.random.default_rng(0)
        inputs = synthetic_batch("uniform" if task.tokens else "normal", task, 16).inputs
        batch = Batch(inputs, rng.integers(0, task.classes, len(inputs)))
        found[name] = space, list(dict.fromkeys(space.sample_many(2, rng))), task, batch
    return found


def specs() -> list[str]:
    """Return the scorers that are held to what they were."""
    return [*registry.BUILT_IN["proxies"], *VARIANTS]


def compute(spec: str, case: tuple[SearchSpace, list[Arch], Task, Batch]) -> list[float] | None:
    """Return the scores of a case by a proxy, None where it has no meaning there."""
    space, archs, task, batch = case
    name, _, options = parse_spec(spec)
    proxy = registry.load("proxies", name)
    if "batch_size" in proxy.options:
        options["batch_size"] = len(batch.inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of architectures that cannot be scored, which is kept as NaN
        try:
            return ProxyScorer(proxy, space, task, batch, options)(archs).tolist()
        except InvalidSetting:
            return None


def measured(spec: str) -> dict[str, Any]:
    """Return what is kept of a scorer: the revision of its proxy, and its scores by case."""
    scores = {name: found for name, case in cases().items() if (found := compute(spec, case)) is not None}
    return {"revision": revision(spec), "scores": scores}


def revision(spec: str) -> str:
    """Return the revision of the proxy that a spec names."""
    return identity(registry.load("proxies", parse_spec(spec)[0]))


def kept() -> dict[str, Any]:
    """Return what is in the file, by scorer."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def moved(spec: str, old: Mapping[str, Sequence[float]], new: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the cases where the scores of a scorer are not the same."""
    close = LOOSE.get(parse_spec(spec)[0], CLOSE)
    return [
        name
        for name in sorted(old.keys() | new.keys())
        if len(old.get(name, ())) != len(new.get(name, ()))
        or not np.allclose(old[name], new[name], rtol=close, atol=0, equal_nan=True)
    ]


def main(raised: Sequence[str]) -> None:
    """Put in what is new; of the proxies named, what has moved too."""
    there, found = kept(), {}
    for spec in specs():
        found[spec], old = measured(spec), there.get(spec)
        if old is None or not moved(spec, old["scores"], found[spec]["scores"]):
            found[spec] = found[spec] if old is None else {**old, "revision": found[spec]["revision"]}
        elif old["revision"] == found[spec]["revision"]:
            sys.exit(f"{spec} has moved: raise the revision beside its declaration, if that is meant")
        elif parse_spec(spec)[0] not in raised:
            sys.exit(f"{spec} has moved with its revision: name it to put it in")
        print(spec, found[spec]["revision"], *found[spec]["scores"])
    lines = []
    for spec, facts in found.items():  # a line per case, so that changes to several proxies merge
        scores = [f"   {json.dumps(name)}: {json.dumps(values)}" for name, values in facts["scores"].items()]
        head = f' {json.dumps(spec)}: {{\n  "revision": {json.dumps(facts["revision"])},\n  "scores": {{\n'
        lines.append(head + ",\n".join(scores) + "\n  }\n }")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
