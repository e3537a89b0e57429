"""A whole file: the module, what its inputs and classes are, and how its weights are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nassearch import __version__
from nassearch.export.code.layout import lay_out, literal, tuple_of
from nassearch.export.code.network import Written


@dataclass(frozen=True)
class Reading:
    """What a network reads and what its logits mean.

    Attributes:
        shape: of one input, `(channels, *size)`; of words `(T,)`.
        classes: names; () where nobody has named them.
        mean, std: of the channels, on the scale 0 to 1 where inputs are bytes; () where inputs are taken as they are.
        words: whether inputs are words.
        shrunk: whether raw inputs are larger than `shape`, and averaged to it first.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    words: bool = False
    shrunk: bool = False


IMPORTS = """from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
"""
LOAD = '''
def load(weights: Path = WEIGHTS) -> Network:
    """Return the network with its weights, ready to predict."""
    network = Network()
    network.load_state_dict(load_file(weights))
    return network.eval()
'''
NORMALISE = '''
def normalise(inputs: Tensor) -> Tensor:
    """Map raw inputs [B, C, ...] to what the network reads: bytes, or floats on the scale of MEAN."""
    scale = 255.0 if inputs.dtype == torch.uint8 else 1.0
    shape = (1, -1) + (1,) * (inputs.dim() - 2)
    mean, std = (torch.tensor(each).view(shape) * scale for each in (MEAN, STD))
    return (inputs.float() - mean.to(inputs.device)) / std.to(inputs.device)
'''
SHRINK = """    small = functional.interpolate(inputs.float(), list(INPUT_SHAPE[1:]), mode="area")
    inputs = small.round() if scale > 1 else small
"""
AS_THEY_ARE = '''
def normalise(inputs: Tensor) -> Tensor:
    """Return inputs [B, C, ...] as they are: how they were normalised is not known."""
    return inputs.float()
'''
PREDICT = '''
def predict(network: nn.Module, inputs: Tensor) -> list[tuple[str, float]]:
    """Return the class of each raw input, and how probable the network takes it to be."""
    with torch.inference_mode():
        shares = torch.softmax(network(normalise(inputs)), 1)
    best = [(int(row.argmax()), float(row.max())) for row in shares]
    return [(CLASSES[place], share) for place, share in best]
'''


def write_file(written: Written, reads: Reading, space: str, text: str, trained: bool) -> str:
    """Return the text of a file that holds a network and needs torch and safetensors alone.

    Args:
        written: the module.
        reads: its inputs and classes.
        space, text: of the architecture.
        trained: whether its weights are.
    """
    weights = "are in the file beside this one" if trained else "beside it are drawn, not trained"
    lines = [f'"""A network that nassearch {__version__} has found. Its weights {weights}.', ""]
    lines += ["    network = load()"]
    if not reads.words:
        lines.append("    predict(network, inputs)  # raw inputs, uint8 or float: see normalise()")
    lines += ["", "It needs torch and safetensors, and not nassearch.", '"""', ""]
    body = "\n".join(written.lines)
    lines += IMPORTS.rstrip("\n").split("\n")
    if "functional." in body or reads.shrunk:
        lines.append("from torch.nn import functional")
    lines += ["", *constants(reads, space, text), *written.lines]
    lines += functions(reads, LOAD)
    return "\n".join(lines) + "\n"


def constants(reads: Reading, space: str, text: str) -> list[str]:
    """Return what is known of the network as constants; text from outside is inert in them."""
    lines = [f"SPACE = {literal(space)}", f"ARCHITECTURE = {literal(text)}"]
    lines += lay_out(tuple_of([str(n) for n in reads.shape]), 0, "INPUT_SHAPE = ")
    if not reads.words:
        lines += lay_out(tuple_of([literal(name) for name in reads.classes]), 0, "CLASSES = ")
    if reads.mean:
        lines += lay_out(tuple_of([repr(value) for value in reads.mean]), 0, "MEAN = ")
        lines += lay_out(tuple_of([repr(value) for value in reads.std]), 0, "STD = ")
    return [*lines, 'WEIGHTS = Path(__file__).with_suffix(".safetensors")']


def functions(reads: Reading, load: str) -> list[str]:
    """Return the functions that load a network and ask it, as lines."""
    parts: Sequence[str] = [load]
    if not reads.words:
        before, here, after = NORMALISE.partition("    shape = ")
        normalise = before + (SHRINK if reads.shrunk else "") + here + after
        parts = [load, normalise if reads.mean else AS_THEY_ARE, PREDICT]
    return [line for part in parts for line in ["", *part.rstrip("\n").split("\n")]]
