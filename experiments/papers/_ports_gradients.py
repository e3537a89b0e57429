"""Ports of proxies of gradients beside the authors' functions, as in `_ports_activations`."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from _ports_activations import Both, Pair, code, on_processor, ours
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassearch.networks.modules.copying import copied
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.probe.samples.spectrum import decile_entropy
from nassearch.types import Batch


class Whole(nn.Module):
    """A network whose dead layers have gradients of 0, as published networks have, which compute them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        return self.model(x) + 0 * sum(weight.sum() for weight in self.parameters())

    def get_prunable_copy(self, bn: bool) -> nn.Module:
        return self


class Hidden(nn.Module):
    """A network of ours that is not seen to be one."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        return self.model(x)


def zico(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    inputs, labels = torch.tensor(batch.inputs), torch.tensor(batch.labels)
    loader = list(zip(inputs.chunk(2), labels.chunk(2), strict=True))
    # A zoo of models that it imports is not needed.
    with code(theirs), patch.dict(sys.modules, ModelLoader=types.ModuleType("ModelLoader")), on_processor():
        score = module(theirs / "ZeroShotProxy" / "compute_zico.py").getzico
        found = score(Whole(copied(model)).train(), loader, nn.CrossEntropyLoss())
    return ours("zico", model, batch), float(found)


def zico_autograd(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    """Return the same by gradients that torch rounds alike: ours of a module, which our own passes do not know."""
    return ours("zico", Hidden(model), batch), zico(theirs, model, batch, seed)[1]


def gradsign(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    with code(theirs / "zero-cost-nas-code"):
        from foresight.pruners import measures  # type: ignore[import-not-found]

        measures.load_all()
        inputs, labels = torch.tensor(batch.inputs), torch.tensor(batch.labels)
        found = measures.calc_measure(
            "grad_conflict",
            Whole(copied(model)).train(),
            torch.device("cpu"),
            inputs,
            labels,
            loss_fn=nn.functional.cross_entropy,
            split_data=1,
        )
    return ours("gradsign", model, batch, seed=seed), float(found)


def vkdnw(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    """Return the entropies of both matrices, of one weight for each of 128 layers."""
    net, get = _looked_at(theirs, model)
    with _copying_flatten():
        matrix = get.get_fisher(net, torch.tensor(batch.inputs), use_logits=False, params_grad_len=128, p=1)
    return ours("vkdnw", model, batch, size=False, passes=None), decile_entropy(matrix)


def vkdnw_transposed(theirs: Path, model: TorchNetwork, batch: Batch, seed: int) -> Both:
    """Return the same with their Jacobian and their factor L of diag(p) - p p^T as L^T J in the place of L J."""
    net, get = _looked_at(theirs, model)
    inputs = torch.tensor(batch.inputs)
    with _copying_flatten():
        jacobian = get.get_jacobian_index(net, inputs, 1, 128)
    logits = torch.cat([net(x[None])[1] for x in inputs]).detach()
    rows = (get.cholesky_covariance(logits).mT @ jacobian).double()
    return ours("vkdnw", model, batch, size=False, passes=None), decile_entropy(
        torch.einsum("bcp,bcq->pq", rows, rows) / len(rows)
    )


def _looked_at(theirs: Path, model: TorchNetwork) -> tuple[nn.Module, Any]:
    """Return a network whose parameters are its weights, with batch norm of the batch alone, and their file."""
    net = copied(model).train()
    for part in net.modules():
        if isinstance(part, _BatchNorm):
            part.track_running_stats = False
            part.running_mean = part.running_var = part.num_batches_tracked = None
        for name in ("weight", "bias") if isinstance(part, _BatchNorm) else ("bias",):
            if part._parameters.get(name) is not None:
                part.register_buffer(name, part._parameters.pop(name).data)
    return Pair(net), module(theirs / "NB201" / "ZeroShotProxy" / "compute_vkdnw_score.py")


def _copying_flatten() -> Any:
    """Let `flatten` copy: theirs writes into what it returns, and torch of today refuses that for a view."""
    flatten = Tensor.flatten
    return patch.object(Tensor, "flatten", lambda self, *a, **k: flatten(self, *a, **k).clone())


def module(path: Path) -> Any:
    """Import a file."""
    spec = importlib.util.spec_from_file_location(f"theirs_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


PORTS = {
    "zico": zico,
    "zico-autograd": zico_autograd,
    "gradsign": gradsign,
    "vkdnw": vkdnw,
    "vkdnw-transposed": vkdnw_transposed,
}
