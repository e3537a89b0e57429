"""Recipes, logs and archives of NAS-Bench-NLP made up for tests."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Recipe = dict[str, dict[str, Any]]

RNN: Recipe = {
    "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    "h_new_0": {"op": "activation_tanh", "input": ["f"]},
}
LSTM: Recipe = {
    "in": {"op": "linear", "input": ["x", "h_prev_0"]},
    "in_act": {"op": "activation_tanh", "input": ["in"]},
    "gate": {"op": "linear", "input": ["x", "h_prev_0"]},
    "gate_act": {"op": "activation_sigm", "input": ["gate"]},
    "keep": {"op": "linear", "input": ["x", "h_prev_0"]},
    "keep_act": {"op": "activation_sigm", "input": ["keep"]},
    "out": {"op": "linear", "input": ["x", "h_prev_0"]},
    "out_act": {"op": "activation_sigm", "input": ["out"]},
    "h_new_1_kept": {"op": "elementwise_prod", "input": ["keep_act", "h_prev_1"]},
    "taken": {"op": "elementwise_prod", "input": ["in_act", "gate_act"]},
    "h_new_1": {"op": "elementwise_sum", "input": ["h_new_1_kept", "taken"]},
    "h_new_1_act": {"op": "activation_tanh", "input": ["h_new_1"]},
    "h_new_0": {"op": "elementwise_prod", "input": ["h_new_1_act", "out_act"]},
}
GRU: Recipe = {
    "r": {"op": "linear", "input": ["x", "h_prev_0"]},
    "r_act": {"op": "activation_sigm", "input": ["r"]},
    "z": {"op": "linear", "input": ["x", "h_prev_0"]},
    "z_act": {"op": "activation_sigm", "input": ["z"]},
    "rh": {"op": "elementwise_prod", "input": ["r_act", "h_prev_0"]},
    "new": {"op": "linear", "input": ["x", "rh"]},
    "new_act": {"op": "activation_leaky_relu", "input": ["new"]},
    "h_new_0": {"op": "blend", "input": ["z_act", "h_prev_0", "new_act"]},
}


def made_up(seed: int) -> Recipe:
    """Return a random recipe: 1 to 3 states, 1 to 4 linear nodes with activations, and what joins them."""
    rng = np.random.default_rng(seed)
    states = int(rng.integers(1, 4))
    given = [f"h_prev_{i}" for i in range(states)]
    recipe: Recipe = {}
    for i in range(int(rng.integers(states, states + 4))):
        reads = ["x", *rng.choice([*given, *recipe], size=int(rng.integers(1, 3))).tolist()]
        recipe[f"n{i}"] = {"op": "linear", "input": reads}
        kind = rng.choice(["activation_tanh", "activation_sigm", "activation_leaky_relu"])
        recipe[f"a{i}"] = {"op": str(kind), "input": [f"n{i}"]}
    for i in range(states):
        op, count = [("elementwise_sum", 2), ("elementwise_prod", 2), ("blend", 3)][int(rng.integers(3))]
        reads = rng.choice([*given, *recipe], size=count).tolist()
        recipe[f"h_new_{i}"] = {"op": op, "input": reads}
    return recipe


def disguised(recipe: Recipe, seed: int) -> Recipe:
    """Return the same cell with other names, nodes in another order, other numbers of states but the first, and the
    inputs of all but blend in another order."""
    rng = np.random.default_rng(seed)
    states = sum(name.removeprefix("h_new_").isdigit() for name in recipe)
    numbers = [0, *(1 + rng.permutation(states - 1)).tolist()]
    name = {old: f"v{new}" for old, new in zip(recipe, rng.permutation(len(recipe)).tolist(), strict=True)}
    name |= {f"h_{when}_{i}": f"h_{when}_{numbers[i]}" for when in ("prev", "new") for i in range(states)}
    name["x"] = "x"
    order = rng.permutation(list(recipe)).tolist()
    turned = {}
    for old in order:
        reads = [name[i] for i in recipe[old]["input"]]
        if recipe[old]["op"] != "blend":
            reads = rng.permutation(reads).tolist()
        turned[name[old]] = {"op": recipe[old]["op"], "input": reads}
    return turned


def log(recipe: Recipe, number: int, test: float, epochs: int = 3, **changes: Any) -> dict[str, Any]:
    """Return the log of a training that ends at a test loss; the validation loss is 0.5 above, an epoch takes 2 s."""
    losses = [test + 0.1 * left for left in reversed(range(epochs))]
    return {
        "data": "data/ptb",
        "recepie_id": number,
        "epochs": epochs,
        "recepie": json.dumps(recipe),
        "val_losses": [loss + 0.5 for loss in losses],
        "test_losses": losses,
        "wall_times": [2.0] * epochs,
        "status": "OK",
    } | changes


def archive(path: Path, logs: Mapping[str, Any]) -> Path:
    """Write a zip of logs by name; values that are no dictionary go in as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in logs.items():
            target.writestr(name, json.dumps(content) if isinstance(content, dict) else content)
    return path
