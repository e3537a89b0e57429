"""The module of each layer as code, and where its weights lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nassearch.export.code.kinds import ACTIVATION, NONLINEAR, Codes, Kind
from nassearch.export.code.layout import Call, Code

GATES = {"sigmoid": "nn.Sigmoid", "hard_sigmoid": "nn.Hardsigmoid"}
CAPPED = "nn.Hardtanh(0.0, 20.0)"
"""A ReLU and the cap behind it."""


class Module(NamedTuple):
    """Code that makes a module, and where in it the weights of layers are: `(position, path)`."""

    code: Code
    weights: tuple[tuple[int, str], ...] = ()

    def below(self, path: str) -> list[tuple[int, str]]:
        """Return where the weights are, seen from what holds this module under a name."""
        return [(position, f"{path}.{inner}" if inner else path) for position, inner in self.weights]


def in_order(modules: Sequence[Module]) -> Module:
    """Return modules one after the other; a single one is left alone."""
    if len(modules) == 1:
        return modules[0]
    return Module(Call("nn.Sequential(", tuple(module.code for module in modules)), _weights(modules))


def kept(modules: Sequence[Module]) -> Module:
    """Return modules beside each other, in a list."""
    codes = Call("[", tuple(module.code for module in modules), "]")
    return Module(Call("nn.ModuleList(", (codes,)), _weights(modules))


def _weights(modules: Sequence[Module]) -> tuple[tuple[int, str], ...]:
    return tuple(at for place, module in enumerate(modules) for at in module.below(str(place)))


def modules_of(kind: Kind, positions: Sequence[int], codes: Codes) -> list[Module]:
    """Return the modules of layers that follow each other."""
    found: list[Module] = []
    for at, position in enumerate(positions):
        op = kind.layers[position][0]
        if op == "cap" and at and codes.get((positions[at - 1], "class")) == NONLINEAR["relu"]:
            found[-1] = Module(CAPPED)
        else:
            found += _modules(kind, position, codes)
    return found


def _modules(kind: Kind, position: int, codes: Codes) -> Iterable[Module]:
    op, _, bias = kind.layers[position]
    number = {name: code for (at, name), code in codes.items() if at == position}
    weighed = ((position, ""),)
    if op == "conv":
        yield Module(_conv(kind.axes, number, bias), weighed)
    elif op == "frame_conv":
        if (number["before"], number["after"]) != ("0", "0"):
            yield Module(f"nn.ConstantPad1d(({number['before']}, {number['after']}), 0.0)")
        yield Module(_conv(1, number, bias), weighed)
    elif op == "linear":
        more = () if bias else ("bias=False",)
        yield Module(Call("nn.Linear(", (number["in"], number["out"], *more)), weighed)
    elif op == "batch_norm":
        yield Module(f"nn.BatchNorm{kind.axes}d({number['out']})", weighed)
    elif op == ACTIVATION:
        yield Module(f"{number['class']}()")
    elif op in GATES:
        yield Module(f"{GATES[op]}()")
    elif op == "cap":
        yield Module('nn.Hardtanh(float("-inf"), 20.0)')
    elif op in ("avg_pool", "max_pool"):
        yield Module(_pool(op, kind.axes, number))
    elif op == "global_pool":
        yield Module(f"nn.AdaptiveAvgPool{kind.axes}d(1)")
        yield Module("nn.Flatten()")
    elif op == "layer_norm":
        yield Module(f"ChannelNorm({number['out']})", weighed)
    else:
        assert op == "lstm"
        yield Module(Call("FrameLSTM(", (number["in"], number["out"])), weighed)


def _conv(axes: int, number: dict[str, str], bias: bool) -> Call:
    given = [number["in"], number["out"], number["kernel"]]
    usual = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1"}
    given += [f"{name}={number[name]}" for name in usual if number.get(name, usual[name]) != usual[name]]
    return Call(f"nn.Conv{axes}d(", (*given, *(() if bias else ("bias=False",))))


def _pool(op: str, axes: int, number: dict[str, str]) -> Call:
    given = [number["kernel"], f"stride={number['stride']}"]
    if number["padding"] != "0":
        given.append(f"padding={number['padding']}")
    if op == "max_pool":
        return Call(f"nn.MaxPool{axes}d(", tuple(given))
    if number["padding"] != "0":
        given.append("count_include_pad=False")
    return Call(f"nn.AvgPool{axes}d(", tuple(given))
