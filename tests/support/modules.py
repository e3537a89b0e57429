"""Small torch modules of many makes, and what must stay as it was when they are scored."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 5


def head(width: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))


class Dense(nn.Module):
    """Two layers that are concatenated with what they read."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(7, 4, 3, padding=1)
        self.norm, self.end = nn.BatchNorm2d(11), head(11)

    def forward(self, x: Tensor) -> Any:
        x = torch.cat([x, F.relu(self.first(x))], 1)
        x = torch.cat([x, F.relu(self.second(x))], 1)
        return self.end(F.relu(self.norm(x)))


class SqueezeExcite(nn.Module):
    """Channels weighed by what is in all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.down, self.up, self.end = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1), head(8)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        return self.end(x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True))))))


class Attention(nn.Module):
    """One block of a vision transformer, with a class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.norm, self.end = nn.LayerNorm(8), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        return self.end(self.norm(self.block(x))[:, 0])


class Twice(nn.Module):
    """One module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.same, self.end = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), head(4)

    def forward(self, x: Tensor) -> Any:
        return self.end(F.relu(self.same(F.relu(self.same(self.stem(x))))))


def plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout(0.3), head(6)
    )


def depthwise() -> nn.Module:
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU6(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8)]
    return nn.Sequential(
        *layers, nn.ReLU(inplace=True), nn.Conv2d(8, 8, 1, groups=2), nn.Hardswish(), head(8)
    )


def layer_norm() -> nn.Module:
    flat = 3 * 8 * 8
    return nn.Sequential(
        nn.Flatten(), nn.LayerNorm(flat), nn.Linear(flat, 6), nn.GELU(), nn.Linear(6, CLASSES)
    )


MODELS: dict[str, Any] = {
    "plain": plain,
    "dense": Dense,
    "depthwise": depthwise,
    "squeeze_excite": SqueezeExcite,
    "layer_norm": layer_norm,
    "attention": Attention,
    "twice": Twice,
}


def make(name: str, seed: int = 0) -> nn.Module:
    """Return a model with weights from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = MODELS[name]()
    return model


def state(model: nn.Module) -> dict[str, Any]:
    """Return all that a user could see change: tensors bit for bit and by identity, modes, hooks, random numbers."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "tensors": [
            (n, id(t), t.data_ptr(), t.dtype, t.requires_grad, t.is_leaf, bits(t)) for n, t in tensors
        ],
        "gradients": [(n, id(p.grad), bits(p.grad)) for n, p in model.named_parameters()],
        "modules": [(n, id(m), m.training, sorted(m.__dict__)) for n, m in model.named_modules()],
        "hooks": [
            [list(v.items()) for k, v in sorted(m.__dict__.items()) if "hook" in k and isinstance(v, dict)]
            for m in model.modules()
        ],
        "random": bits(torch.get_rng_state()),
        "torch": (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()),
    }


def bits(tensor: Tensor | None) -> bytes | None:
    return None if tensor is None else tensor.detach().contiguous().numpy().tobytes()
