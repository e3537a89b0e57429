"""How the authors' code of SWAP, MeCo, Zen-NAS, TE-NAS and EPE-NAS is called."""

from __future__ import annotations

import ast
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
from _theirs import Port, Theirs
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.networks.graph import Network
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.activations.noised import features
from nassearch.networks.probe.activations.regions import crops
from nassearch.networks.thinned import thinned
from nassearch.types import Batch

SEED = 0
"""Of our proxies by default: what theirs draw globally comes from it too."""


def swap(folder: Path) -> Theirs:
    sys.path.insert(0, str(folder))
    from src.metrics.swap import SWAP  # type: ignore[import-not-found]

    def score(model: TorchNetwork, batch: Batch) -> float:
        return float(SWAP(_Whole(model), torch.tensor(batch.inputs), device="cpu").forward())

    return score


def meco(folder: Path) -> Theirs:
    """Their input is noise of 3x64x64; here it is of the size of the task, the same that ours looks at."""
    path = folder / "correlation" / "foresight" / "pruners" / "measures" / "meco.py"
    theirs = _definitions(path, "get_score", torch=torch, np=np)["get_score"]

    def score(model: TorchNetwork, batch: Batch) -> float:
        x = torch.randn(1, *batch.inputs.shape[1:], generator=_generator())
        with patch.object(torch, "randn", lambda **_: x), torch.no_grad():
            return float(theirs(_Whole(model), x, None, "cpu", 1))

    return score


def zen(folder: Path, momentum: float = 0.1) -> Theirs:
    """Our draws are theirs: the weights in the order of the modules, then both noises."""
    path = folder / "ZeroShotProxy" / "compute_zen_score.py"
    names = ("network_weight_gaussian_init", "compute_nas_score")
    theirs = _definitions(path, *names, torch=torch, nn=nn, np=np)["compute_nas_score"]

    def score(model: TorchNetwork, batch: Batch) -> float:
        for part in model.modules():
            if isinstance(part, _BatchNorm):
                part.momentum = momentum
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            size = batch.inputs.shape[-1]
            return float(theirs(None, _Whole(model), 1e-2, size, len(batch.inputs), 1)["avg_nas_score"])

    return score


def ntk_cond(folder: Path) -> Theirs:
    theirs = _definitions(folder / "lib" / "procedures" / "ntk.py", "get_ntk_n", torch=torch, np=np)[
        "get_ntk_n"
    ]

    def score(model: TorchNetwork, batch: Batch) -> float:
        with _on_processor():
            (found,) = theirs([(torch.tensor(batch.inputs), None)], [model], train_mode=True, num_batch=1)
        return float(found)

    return score


def linear_regions(folder: Path) -> Theirs:
    """The counting alone: both look at our cut-down network and our crops."""
    path = folder / "lib" / "procedures" / "linear_region_counter.py"
    names = ("LinearRegionCount", "Linear_Region_Collector")
    made = _definitions(path, *names, torch=torch, nn=nn, np=np, mul=mul, reduce=reduce)

    def score(model: TorchNetwork, batch: Batch) -> float:
        blocks: Any = [(tuple(block.block), 1) for block in model.blocks]  # type: ignore[arg-type]
        small = initialised(thinned(Network(tuple(blocks)), 3), SEED, "kaiming", "zero").train()
        x = crops(torch.tensor(batch.inputs), 3000, 3, _generator())
        with _on_processor():
            kept = made["Linear_Region_Collector"](models=[_Whole(small)], input_size=x.shape, sample_batch=1)
            kept.forward(kept.models[0], kept.LRCounts[0], x)
            return float(kept.LRCounts[0].getLinearReginCount())

    return score


def epe_nas(folder: Path) -> Theirs:
    made = _definitions(folder / "search.py", "get_batch_jacobian", "eval_score_perclass", torch=torch, np=np)

    def score(model: TorchNetwork, batch: Batch) -> float:
        assert batch.labels is not None
        x, labels = torch.tensor(batch.inputs), torch.tensor(batch.labels)
        try:
            jacobian, _ = made["get_batch_jacobian"](_Both(model), x, labels, None, None)
        except AttributeError:  # the logits do not depend on the inputs
            return float("nan")
        classes = len(set(labels.tolist()))
        return float(made["eval_score_perclass"](jacobian.flatten(1).numpy(), [labels.tolist()], classes))

    return score


class _Whole(nn.Module):
    """A network of ours that computes the layers that nothing reads too, as published networks do."""

    def __init__(self, model: TorchNetwork) -> None:
        super().__init__()
        self.blocks, self.own = model.blocks, [model]

    def forward(self, x: Tensor) -> Tensor:
        return self.own[0].forward_whole(x)

    def forward_pre_GAP(self, x: Tensor) -> Tensor:
        return features(self.own[0], x)


class _Both(nn.Module):
    """A model that gives features, which nobody looks at, beside logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[None, Tensor]:
        return None, self.model(x)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _definitions(path: Path, *names: str, **held: Any) -> dict[str, Callable[..., Any]]:
    """Run the definitions of these functions and classes of a file, and nothing else of it, with `held` in its scope."""
    tree = ast.parse(path.read_text())
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name in names]
    exec(compile(tree, str(path), "exec"), held)
    return held


@contextmanager
def _on_processor() -> Iterator[None]:
    """Let code for a GPU, and for a torch that had `symeig` and took `x += x.T`, run here."""
    played = {
        "cuda": lambda self, *_, **__: self,
        "__iadd__": lambda self, other: self + other,
    }
    with (
        patch.multiple(Tensor, **played),
        patch.object(torch.cuda, "current_device", lambda: 0),
        patch.object(torch, "symeig", lambda x: (torch.linalg.eigvalsh(x), None), create=True),
    ):
        yield


PORTS = {
    "swap": Port("pym1024/SWAP", swap, "swap"),
    "meco": Port("HamsterMimi/MeCo", meco, "meco", what="its sum over layers"),
    "zen": Port("idstcv/ZenNAS", zen, "zen"),
    "zen_batch": Port(
        "idstcv/ZenNAS", partial(zen, momentum=1.0), "zen", what="its score with batch norms of momentum 1"
    ),
    "ntk_cond": Port("VITA-Group/TENAS", ntk_cond, "ntk_cond", {"batch_size": 16}),
    "linear_regions": Port("VITA-Group/TENAS", linear_regions, "linear_regions", what="its count"),
    "epe_nas": Port("VascoLopes/EPE-NAS", epe_nas, "epe_nas", {"batch_size": 64}),
}
