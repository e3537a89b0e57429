"""Interpreter: an ordinary torch module, full width, for training and for proxies that need gradients."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch.networks.graph import FRAME_OPS, Block, Layer, Network, check_constant, live_positions
from nassearch.networks.modules.channels_last import last
from nassearch.networks.modules.speech import frame_module

CONV: tuple[Callable[..., nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORM: tuple[Callable[..., nn.Module], ...] = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
AVG_POOL: tuple[Callable[..., nn.Module], ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
MAX_POOL: tuple[Callable[..., nn.Module], ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)

ACTIVATION: dict[str, Callable[..., nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
}


class TorchNetwork(nn.Module):
    """A network as a torch module: every layer of the graph is a module, layers that nothing reads included;
    those hold parameters but are not computed.

    The initial weights are those of PyTorch's default initialisation, drawn in the order of the layers from
    `generator` alone; the global generator is neither read nor moved.

    Args:
        network: what to build.
        generator: source of the initial weights; None leaves weights at zero, for callers that fill them.
    """

    def __init__(self, network: Network, generator: torch.Generator | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TorchBlock(block, generator) for block in network.blocks())

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs `[B, channels, *size]` to logits `[B, classes]`."""
        x = inputs
        for block in self.blocks:
            x = block(x)
        return x

    def forward_whole(self, inputs: Tensor) -> Tensor:
        """Map inputs to logits as `forward` does; layers that nothing reads are computed too, for hooks on them."""
        x = inputs
        for block in self.blocks:
            assert isinstance(block, TorchBlock)
            x = block.compute(x, range(len(block.block)))[len(block.block) - 1]
        return x

    @torch.no_grad()
    def relu_patterns(self, inputs: Tensor) -> list[tuple[Tensor, int]]:
        """Return where ReLUs see positive inputs, bool `[B, units]`, and how many ReLUs see just that.

        Layers that nothing reads count too: published networks multiply by zero where an edge carries nothing, and
        compute what leads there.
        """
        patterns: list[tuple[Tensor, int]] = []
        x = last(inputs)
        for block in self.blocks:
            assert isinstance(block, TorchBlock)
            values = block.compute(x, range(len(block.block)))
            read = Counter(layer.inputs[0] for layer in block.block if layer.op == "relu")
            patterns += [((values[position] > 0).flatten(1), calls) for position, calls in read.items()]
            x = values[len(block.block) - 1]
        return patterns


class TorchBlock(nn.Module):
    """One block of a network; `layers[position]` is the module of that layer."""

    def __init__(self, block: Block, generator: torch.Generator | None) -> None:
        super().__init__()
        self.block, self.live = block, live_positions(block)
        self.layers = nn.ModuleList(_module(layer, block, generator) for layer in block)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(x, self.live)[len(self.block) - 1]

    def compute(self, x: Tensor, positions: Iterable[int]) -> dict[int, Tensor]:
        """Return what the layers at these positions give, by position; they include all that they read."""
        values: dict[int, Tensor] = {}
        for position in positions:
            layer = self.block[position]
            if layer.op == "input":
                y = x
            elif layer.op == "zeros":
                y = x.new_zeros(len(x), layer.channels, *layer.size)
            elif layer.op == "add":
                y = sum((values[i] for i in layer.inputs[1:]), values[layer.inputs[0]])
            elif layer.op == "multiply":
                y = product(*(values[i] for i in layer.inputs))
            elif layer.op == "concat":
                y = torch.cat([values[i] for i in layer.inputs], 1)
            elif layer.op == "truncate":
                y = values[layer.inputs[0]][:, : layer.channels]
            elif layer.op == "tail":
                y = values[layer.inputs[0]][:, -layer.channels :]
            elif layer.op == "shift":
                y = shifted(values[layer.inputs[0]])
            elif layer.op == "global_pool":
                y = values[layer.inputs[0]].flatten(2).mean(2)
            else:
                y = self.layers[position](values[layer.inputs[0]])
            values[position] = y
        return values


def shifted(x: Tensor) -> Tensor:
    """Move `[B, C, *size]` by one place to the beginning of every axis, with zeros at the end."""
    inner = (slice(None), slice(None), *(slice(1, None),) * (x.dim() - 2))
    return F.pad(x[inner], (0, 1) * (x.dim() - 2))


def product(x: Tensor, gate: Tensor) -> Tensor:
    """Multiply `[B, C, *size]` by a gate of the same shape, or `[B, C]`."""
    return x * gate.view(*gate.shape, *[1] * (x.dim() - gate.dim()))


def _module(layer: Layer, block: Block, generator: torch.Generator | None) -> nn.Module:
    axes = len(layer.size) - 1
    if layer.op in ACTIVATION:
        return ACTIVATION[layer.op]()
    if layer.op == "batch_norm":
        return BATCH_NORM[axes](layer.channels)
    if layer.op == "avg_pool":
        return AVG_POOL[axes](layer.kernel, layer.stride, layer.padding, count_include_pad=False)
    if layer.op == "max_pool":
        return MAX_POOL[axes](layer.kernel, layer.stride, layer.padding)
    if layer.op in FRAME_OPS:
        return frame_module(layer, block[layer.inputs[0]], generator)
    if layer.op not in ("conv", "linear"):
        return nn.Identity()
    width = block[layer.inputs[0]].channels // layer.groups
    # On the meta device the constructor draws nothing from the global generator.
    if layer.op == "linear":
        module: nn.Module = nn.Linear(width, layer.channels, bias=layer.bias, device="meta")
    else:
        window = layer.kernel, layer.stride, layer.padding, layer.dilation
        how = {"groups": layer.groups, "bias": layer.bias, "device": "meta"}
        module = CONV[axes](width * layer.groups, layer.channels, *window, **how)
    module = module.to_empty(device="cpu")
    bound = 1 / math.sqrt(width * layer.kernel ** len(layer.size))
    with torch.no_grad():
        for parameter in module.parameters():
            if generator is None:
                parameter.zero_()
            else:  # kaiming_uniform(a=sqrt(5)) is U(-bound, bound), for weight and bias alike
                parameter.uniform_(-bound, bound, generator=generator)
    return module


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread for a while: scores then have the same bits however many workers there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def fill_constant(model: nn.Module, weight: float) -> nn.Module:
    """Set every `weight`, gain of batch norm included, to one constant and every bias to 0; return the model."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(weight if name.endswith("weight") else 0.0)
    return model


def constant_outputs(network: Network, inputs: Tensor, weight: float) -> Tensor:
    """Return one logit of the full-width network under a constant weight, float32 `[B]`.

    The reference for `collapsed`: batch norm on the statistics of the batch, no gradient.

    Raises:
        InvalidSetting: it has layer norm.
    """
    check_constant(network)
    model = fill_constant(TorchNetwork(network, None), weight).train()
    with one_thread(), torch.inference_mode():
        logits: Tensor = model(inputs)
        return logits[:, 0]
