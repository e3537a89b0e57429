"""A torch module of somebody's own as a program of torch, which needs the code that built it no more."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from nassearch import __version__
from nassearch.errors import InvalidModel, told
from nassearch.export.code.file import Reading, constants, functions

if TYPE_CHECKING:
    from torch import Tensor, nn

IMPORTS = """
from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
"""
LOAD = '''
def load(weights: Path = WEIGHTS, program: Path = PROGRAM) -> nn.Module:
    """Return the network with its weights, ready to predict; it is no module to train on."""
    network = torch.export.load(program).module()
    network.load_state_dict(load_file(weights))
    return network
'''


def program_bytes(module: nn.Module, inputs: Tensor) -> bytes:
    """Return a module as a program for batches of any size, weights included.

    Args:
        module: in evaluation mode.
        inputs: two examples or more.

    Raises:
        InvalidModel: torch cannot follow it.
    """
    import torch

    dynamic = ({0: torch.export.Dim("batch")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(module, (inputs,), dynamic_shapes=dynamic)
            for part in program.graph_module.modules():  # paths of this machine, and lines of the user's code
                for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
                    node.meta.pop("stack_trace", None)
            stream = io.BytesIO()
            torch.export.save(program, stream)
        except Exception as error:
            raise InvalidModel(
                f"torch.export cannot follow the module ({told(error).splitlines()[0][:200]}): let forward take one "
                "tensor of any batch size, and decide nothing by its values"
            ) from error
    return stream.getvalue()


def program_answers(content: bytes, weights: bytes) -> Any:
    """Return the module of a program that was just written, with these weights."""
    import torch
    from safetensors.torch import load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.export.load(io.BytesIO(content)).module()
    module.load_state_dict(load(weights))
    return module


def write_loader(reads: Reading, space: str, text: str, trained: bool) -> str:
    """Return the text of a file that loads such a program."""
    weights = "are in the file beside this one" if trained else "beside it are drawn, not trained"
    lines = [f'"""A network that nassearch {__version__} has found. Its weights {weights}.', ""]
    lines += ["    network = load()", "    predict(network, inputs)  # raw inputs: see normalise()", ""]
    lines += ["It needs torch and safetensors, and neither nassearch nor the code that the network"]
    lines += ["was built by: its computation is the program in the file with the suffix .pt2.", '"""']
    functional = ["from torch.nn import functional"] if reads.shrunk else []
    lines += [*IMPORTS.rstrip("\n").split("\n"), *functional, "", *constants(reads, space, text)]
    lines += ['PROGRAM = Path(__file__).with_suffix(".pt2")', *functions(reads, LOAD)]
    return "\n".join(lines) + "\n"
