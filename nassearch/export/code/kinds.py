"""Blocks of one kind differ in numbers alone: each kind becomes one class, and the numbers its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nassearch.networks.graph import Block, Layer, live_positions

CHANNELS = ("in", "out")
NONLINEAR = {"relu": "nn.ReLU", "relu6": "nn.ReLU6", "swish": "nn.SiLU", "hard_swish": "nn.Hardswish"}
"""Activations that blocks of one kind may differ in, and their classes."""
ACTIVATION = "activation"
"""What stands for each of them in a kind."""
Numbers = dict[tuple[int, str], Any]
"""By position in the block and name of the number."""
Codes = dict[tuple[int, str], str]


class Kind(NamedTuple):
    """What blocks of one class have in common.

    Attributes:
        axes: of the signal that comes in.
        layers: op, inputs and bias of each; `ACTIVATION` is the op of all of `NONLINEAR`.
        live: positions of what the output depends on.
    """

    axes: int
    layers: tuple[tuple[str, tuple[int, ...], bool], ...]
    live: tuple[int, ...]

    @classmethod
    def of(cls, block: Block) -> Kind:
        """Return the kind of a block."""
        layers = tuple(
            (ACTIVATION if layer.op in NONLINEAR else layer.op, layer.inputs, layer.bias) for layer in block
        )
        return cls(len(block[0].size), layers, tuple(live_positions(block)))

    @property
    def unread(self) -> list[int]:
        """Return the positions of layers that the output does not depend on."""
        return [position for position in range(len(self.layers)) if position not in self.live]

    @property
    def in_a_row(self) -> bool:
        """Say whether it is one layer after the other, each with its module."""
        rows = all(reads == (at - 1,) for at, (_, reads, _) in enumerate(self.layers) if at)
        return rows and all(op in MODULES for op, _, _ in self.layers[1:])


MODULES = frozenset(
    {
        *("conv", "frame_conv", "linear", "lstm", "batch_norm", "layer_norm", "cap", ACTIVATION),
        *("avg_pool", "max_pool", "global_pool", "sigmoid", "hard_sigmoid"),
    }
)
"""Layers that are modules of their own; all others are expressions."""


def numbers_of(block: Block) -> Numbers:
    """Return every number that building the layers of a block takes."""
    found: Numbers = {}
    for position, layer in enumerate(block):
        origin = block[layer.inputs[0]] if layer.inputs else layer
        for name, value in _numbers(layer, origin, block[0]):
            found[position, name] = value
    return found


def _numbers(layer: Layer, origin: Layer, entry: Layer) -> Iterable[tuple[str, Any]]:
    if layer.op in ("conv", "frame_conv", "linear", "lstm"):
        yield "in", origin.channels
    if layer.op in (
        "conv",
        "frame_conv",
        "linear",
        "lstm",
        "batch_norm",
        "layer_norm",
        "truncate",
        "tail",
        "zeros",
    ):
        yield "out", layer.channels
    if layer.op in ("conv", "frame_conv", "avg_pool", "max_pool"):
        yield "kernel", layer.kernel
        yield "stride", layer.stride
    if layer.op in ("conv", "avg_pool", "max_pool"):
        yield "padding", layer.padding
    if layer.op in ("conv", "frame_conv"):
        yield "groups", layer.groups
        yield "dilation", layer.dilation
    if layer.op == "frame_conv":
        reach = (layer.size[0] - 1) * layer.stride + (layer.kernel - 1) * layer.dilation + 1
        yield "before", layer.padding
        yield "after", reach - origin.size[0] - layer.padding
    if layer.op in NONLINEAR:
        yield "class", NONLINEAR[layer.op]
    if layer.op == "zeros":
        yield "size", layer.size
        yield "like", (layer.channels, layer.size) == (entry.channels, entry.size)


@dataclass(frozen=True)
class Signature:
    """The arguments of a kind, and how its layers name their numbers.

    Attributes:
        arguments: values by name, one for each of the blocks it was made from, in their order.
        codes: what stands in the place of a number.
    """

    arguments: dict[str, tuple[Any, ...]]
    codes: Codes


def signature(kind: Kind, blocks: Sequence[Block]) -> Signature:
    """Return the arguments that tell blocks of a kind apart, and their channels."""
    each = [numbers_of(block) for block in blocks]
    columns = {slot: tuple(numbers[slot] for numbers in each) for slot in each[0]}
    for position, name in [*columns]:
        if name == "like" and all(columns.pop((position, name))):
            del columns[position, "out"], columns[position, "size"]
    arguments, codes = _channels(kind, columns, blocks), Codes()
    names = {column: name for name, column in arguments.items()}
    for (position, name), column in columns.items():
        at = position, name
        if name in CHANNELS:
            codes[at] = names[column]
        elif name == "groups" and set(column) != {1} and column == columns[position, "in"]:
            codes[at] = codes[position, "in"]
        elif len(set(column)) == 1:
            codes[at] = str(column[0])
        elif name == "padding" and column == tuple(k // 2 for k in columns[position, "kernel"]):
            codes[at] = f"{codes[position, 'kernel']} // 2"
        else:
            codes[at] = _argument(
                arguments, {"kernel": "kernel_size", "class": ACTIVATION}.get(name, name), column
            )
    return Signature(arguments, codes)


def _argument(arguments: dict[str, tuple[Any, ...]], name: str, column: tuple[Any, ...]) -> str:
    """Return the name of an argument with these values, which is added where there is none."""
    tried, number = name, 1
    while arguments.setdefault(tried, column) != column:
        number += 1
        tried = f"{name}{number}"
    return tried


def _channels(
    kind: Kind, columns: dict[tuple[int, str], tuple[Any, ...]], blocks: Sequence[Block]
) -> dict[str, tuple[Any, ...]]:
    """Return the channels that a kind is built from, by name: those of its ends first."""
    used = dict.fromkeys(column for (_, name), column in columns.items() if name in CHANNELS)
    entry, exit_ = (tuple(block[end].channels for block in blocks) for end in (0, -1))
    if entry == exit_:
        found = {"channels": entry} if entry in used else {}
    else:
        ends = {"in_channels": entry, "out_channels": exit_}
        found = {name: column for name, column in ends.items() if column in used}
    inner = [column for column in used if column not in found.values()]
    for column in inner:
        at = next(slot for slot, other in columns.items() if other == column and slot[1] in CHANNELS)
        _argument(found, _inner_name(kind, at[0], columns), column)
    return found


def _inner_name(kind: Kind, position: int, columns: dict[tuple[int, str], tuple[Any, ...]]) -> str:
    if kind.layers[position][0] == "linear":
        return "squeezed_channels"
    return "expanded_channels" if depthwise(kind, columns) else "hidden_channels"


def depthwise(kind: Kind, columns: dict[tuple[int, str], Any]) -> bool:
    """Say whether a convolution of it looks at each channel by itself."""
    return any(
        name == "groups" and column == columns[position, "in"] and set(column) != {1}
        for (position, name), column in columns.items()
    )
