"""Ports of proxies of activations beside the authors' functions: one function for each, of a folder with their code.

`both(theirs, model, batch, seed)` returns our value and theirs for one network of ours, with the same weights and
inputs; NaN: there is none. Their code wants a GPU and an old torch: `on_processor` stands in for these. It is run from
the folder, and nothing of it is here.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, reduce
from operator import mul
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.networks.graph import Network
from nassearch.networks.modules.copying import copied
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.activations.drawing import noise_like
from nassearch.networks.probe.activations.noised import features
from nassearch.networks.probe.activations.regions import crops
from nassearch.networks.probe.probe import Probe
from nassearch.networks.thinned import thinned
from nassearch.proxies.model import read_one
from nassearch.registry import load
from nassearch.types import Batch

Both = tuple[float, float]


class Whole(nn.Module):
    """A network of ours that computes the layers that nothing reads too, as published networks do."""

    def __init__(self, model: TorchNetwork) -> None:
        super().__init__()
        self.blocks, self.own = model.blocks, [model]

    def forward(self, x: Tensor) -> Tensor:
        return self.own[0].forward_whole(x)

    def forward_pre_GAP(self, x: Tensor) -> Tensor:
        return features(self.own[0], x)


def ours(name: str, model: nn.Module, batch: Batch, **options: Any) -> float:
    """Return our raw score of a model that has its weights."""
    (value,) = read_one([(load("proxies", name), {"batch_size": len(batch.inputs), **options})], model, batch)
    return value if isinstance(value, float) else math.nan


def swap(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    with code(theirs):
        from src.metrics.swap import SWAP  # type: ignore[import-not-found]

        found = SWAP(
            model=Whole(copied(model)).train(), inputs=torch.from_numpy(batch.inputs), device="cpu"
        ).forward()
    return ours("swap", model, batch), float(found)


def meco(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    """Look at our noise, of the size of the batch's images; theirs is of 64x64.

    Theirs counts modules that hold others too. Here none is called as such.
    """
    x = noise_like(Probe(model, torch.from_numpy(batch.inputs), seed=seed), 1, generator(seed))
    with code(theirs / "correlation"):
        path = theirs / "correlation" / "foresight" / "pruners" / "measures" / "meco.py"
        score = functions(path, ["get_score"], {"torch": torch, "np": np})["get_score"]
        with patch.object(torch, "randn", lambda *_, **__: x), torch.no_grad():
            found = score(Whole(copied(model)).train(), x, None, "cpu", 1)
    return ours("meco", model, batch, seed=seed), found


def zen(
    theirs: Path, model: TorchNetwork, batch: Batch, seed: int, momentum: float = 0.1, draws: int = 1
) -> Both:
    """Draw in the same order: weights by module, then both noises.

    Their batch norms give a running variance, which at their momentum is a tenth that of the newest batch and for the
    rest what was before; at momentum 1 it is the batch's.
    """
    path = theirs / "ZeroShotProxy" / "compute_zen_score.py"
    names = ["network_weight_gaussian_init", "compute_nas_score"]
    score = functions(path, names, {"torch": torch, "nn": nn, "np": np})["compute_nas_score"]
    net = copied(model).train()
    for part in net.modules():
        if isinstance(part, _BatchNorm):
            part.momentum = momentum
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        size = batch.inputs.shape[-1]
        found = score(None, Whole(net), 1e-2, size, len(batch.inputs), draws)["avg_nas_score"]
    return ours("zen", model, batch, seed=seed, draws=draws), found


def ntk_cond(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    path = theirs / "lib" / "procedures" / "ntk.py"
    score = functions(path, ["get_ntk_n"], {"torch": torch, "np": np})["get_ntk_n"]
    with on_processor():
        (found,) = score(
            [(torch.from_numpy(batch.inputs), None)], [copied(model)], train_mode=True, num_batch=1
        )
    return ours("ntk_cond", model, batch), float(found)


def linear_regions(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    """Count in the same cut-down network on the same crops."""
    path = theirs / "lib" / "procedures" / "linear_region_counter.py"
    held = {"torch": torch, "nn": nn, "np": np, "mul": mul, "reduce": reduce}
    made = functions(path, ["LinearRegionCount", "Linear_Region_Collector"], held)
    blocks = Network(tuple((tuple(block.block), 1) for block in model.blocks))  # type: ignore[arg-type]
    small = Whole(initialised(thinned(blocks, 3), seed, "kaiming", "zero")).train()
    x = crops(torch.from_numpy(batch.inputs), 3000, 3, generator(seed))
    with on_processor():
        counter = made["Linear_Region_Collector"](
            models=[small], input_size=(len(x), 1, 3, 3), sample_batch=1
        )
        counter.forward(small, counter.LRCounts[0], x)
        (found,) = [each.getLinearReginCount() for each in counter.LRCounts]
    return ours("linear_regions", model, batch, seed=seed), float(found)


def epe_nas(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    made = functions(
        theirs / "search.py", ["get_batch_jacobian", "eval_score_perclass"], {"torch": torch, "np": np}
    )
    x, labels = torch.tensor(batch.inputs), torch.from_numpy(batch.labels)  # type: ignore[arg-type]
    net = copied(model).train()
    try:
        jacobian, _ = made["get_batch_jacobian"](Pair(net), x, labels, None, None)
    except AttributeError:  # the logits do not depend on the inputs
        return ours("epe_nas", model, batch), math.nan
    found = made["eval_score_perclass"](
        jacobian.flatten(1).numpy(), [labels.tolist()], len(set(labels.tolist()))
    )
    return ours("epe_nas", model, batch), float(found)


class Pair(nn.Module):
    """A network that gives features, which nobody looks at, and logits."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[None, Tensor]:
        return None, self.net(x)


PORTS: dict[str, Callable[[Path, TorchNetwork, Batch, int], Both]] = {
    "swap": swap,
    "meco": meco,
    "zen": zen,
    "zen-momentum1": partial(zen, momentum=1.0),
    "zen-32draws": partial(zen, draws=32),
    "ntk_cond": ntk_cond,
    "linear_regions": linear_regions,
    "epe_nas": epe_nas,
}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def functions(path: Path, names: list[str], held: dict[str, Any]) -> dict[str, Any]:
    """Run the definitions of these functions and classes of a file, and nothing else of it."""
    tree = ast.parse(path.read_text())
    kinds = ast.FunctionDef | ast.ClassDef
    tree.body = [node for node in tree.body if isinstance(node, kinds) and node.name in names]
    space = dict(held)
    exec(compile(tree, str(path), "exec"), space)
    return space


@contextmanager
def code(folder: Path) -> Iterator[None]:
    """Import from a folder for a while."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def on_processor() -> Iterator[None]:
    """Let code that is written for a GPU and for torch of 2021 run here."""

    def symeig(x: Tensor) -> tuple[Tensor, None]:
        return torch.linalg.eigvalsh(x), None

    with (
        patch.object(Tensor, "cuda", lambda self, *_, **__: self),
        patch.object(torch.cuda, "current_device", lambda: 0),
        patch.object(torch, "symeig", symeig, create=True),
        # x += x.T, which torch of today refuses
        patch.object(Tensor, "__iadd__", lambda self, other: self + other),
    ):
        yield
