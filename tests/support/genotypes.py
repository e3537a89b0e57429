"""Genotypes of DARTS's space that papers print, with what they say of their networks, and the network as a module."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from nassearch.spaces.darts.cells import OPS, Edges

V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
KINDS = {"s": "sep_conv", "d": "dil_conv", "m": "max_pool", "a": "avg_pool"}


def genotype(normal: str, reduce: str) -> str:
    """Return a genotype: `s30` is a separable 3x3 convolution of input 0, `k1` a skip of input 1."""

    def edge(short: str) -> str:
        name = "skip_connect" if short[0] == "k" else f"{KINDS[short[0]]}_{short[1]}x{short[1]}"
        return f"('{name}', {short[-1]})"

    parts = [f"[{', '.join(map(edge, cell.split()))}]" for cell in (normal, reduce)]
    return f"Genotype(normal={parts[0]}, normal_concat=range(2, 6), reduce={parts[1]}, reduce_concat=range(2, 6))"


PUBLISHED = {
    # Name: genotype, millions of parameters and of multiply-accumulates at 36 channels and 20 cells, no auxiliary head.
    "DARTS, second order": (V2, 3.35, 528),
    "P-DARTS": (genotype("k0 d31 k0 s31 s31 s33 s30 d54", "a30 s51 s30 d52 m30 d31 d31 d53"), 3.43, 532),
    "PC-DARTS": (genotype("s31 k0 s30 d31 s50 s31 a30 d31", "s51 m30 s51 s52 s30 s33 s31 s32"), 3.63, 558),
    "GDAS": (genotype("k0 k1 k0 s52 s33 k0 s54 s33", "s50 s31 s52 s51 d52 s31 s50 s52"), 3.36, 519),
    "SNAS": (genotype("s30 s31 k0 d31 k1 k0 k0 s31", "m30 m31 m31 k2 k2 m31 m30 d52"), 2.66, 422),
}
EXACT = {V2: 3_349_342}
"""Parameters of the authors' code."""


class Cells(nn.Module):
    """The CIFAR network of DARTS, cells with two inputs and all, for even sizes and channels."""

    def __init__(self, normal: Edges, reduce: Edges, channels: int, layers: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels)
        )
        before, last, width, reduced = 3 * channels, 3 * channels, channels, False
        self.cells = nn.ModuleList()
        for place in range(layers):
            reduces = place in (layers // 3, 2 * layers // 3)
            width *= 2 if reduces else 1
            self.cells.append(Cell(reduce if reduces else normal, before, last, width, reduces, reduced))
            before, last, reduced = last, 4 * width, reduces
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        y: Tensor = self.classifier(last.mean((2, 3)))
        return y

    def in_order(self) -> list[nn.Module]:
        """Return the layers with parameters in the order of the description, which brings input 0 a cell before."""
        found = [*self.stem.modules(), *self.cells[0].entry[0].modules()]  # type: ignore[index, union-attr]
        for place, cell in enumerate(self.cells):
            found += [*cell.entry[1].modules(), *cell.ops.modules()]  # type: ignore[index, union-attr]
            if place + 1 < len(self.cells):
                found += self.cells[place + 1].entry[0].modules()  # type: ignore[index, union-attr]
        return [layer for layer in [*found, self.classifier] if isinstance(layer, WEIGHTED)]


class Cell(nn.Module):
    def __init__(
        self, edges: Edges, before: int, last: int, width: int, reduces: bool, reduced: bool
    ) -> None:
        super().__init__()
        first = Halved(before, width) if reduced else relu_conv_bn(before, width)
        self.entry = nn.ModuleList([first, relu_conv_bn(last, width)])
        self.edges = edges
        self.ops = nn.ModuleList(
            operation(OPS[op], width, 2 if reduces and source < 2 else 1)
            for node in edges
            for source, op in node
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        nodes = [bring(x) for bring, x in zip(self.entry, (before, last), strict=True)]
        for place, ((one, _), (other, _)) in enumerate(self.edges):
            nodes.append(self.ops[2 * place](nodes[one]) + self.ops[2 * place + 1](nodes[other]))
        return torch.cat(nodes[2:], 1)


class Halved(nn.Module):
    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.even, self.odd = (nn.Conv2d(before, width // 2, 1, 2, bias=False) for _ in range(2))
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        y: Tensor = self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1))
        return y


WEIGHTED = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)


def relu_conv_bn(before: int, width: int) -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))


def operation(name: str, width: int, stride: int) -> nn.Module:
    kernel = int(found[1]) if (found := re.search(r"_(\d)x\d$", name)) else 0

    def separable(stride: int, dilation: int = 1) -> list[nn.Module]:
        window = kernel, stride, dilation * (kernel // 2), dilation
        return [
            nn.ReLU(),
            nn.Conv2d(width, width, *window, groups=width, bias=False),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        ]

    if name == "skip_connect":
        return Halved(width, width) if stride == 2 else nn.Identity()
    if name.startswith("max"):
        return nn.MaxPool2d(3, stride, 1)
    if name.startswith("avg"):
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    layers = separable(stride, 2) if name.startswith("dil") else [*separable(stride), *separable(1)]
    return nn.Sequential(*layers)
