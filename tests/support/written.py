"""Networks of every space as files of code, and a process that knows nothing of nassearch and runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from nassearch.export.code.file import Reading, write_file
from nassearch.export.code.network import write_network
from nassearch.export.code.recurrent import write_recurrent
from nassearch.networks.graph import Network
from nassearch.networks.modules.network import TorchNetwork
from nassearch.networks.modules.recurrent import RecurrentModule
from nassearch.networks.recurrent import RecurrentNetwork

STRANGE = (
    *(
        "cat",
        "it's",
        'say "hi"',
        "'\"",
        "a\nb",
        "\\",
        "\\n",
        "`x`",
        "```",
        "<script>alert(1)</script>",
        "</b>",
    ),
    *(
        "\u202egnp.exe",
        "\u2066x",
        "\x1b[31mred",
        "\x00",
        "\ud800",
        '"""',
        "'''",
        "{x}",
        "%s",
        "| a | b |",
        "# h",
    ),
    *(
        "https://example.org",
        "@all",
        "[a](javascript:x)",
        "![i](x)",
        "猫",
        "é",
        "\U0001f408",
        "",
        " ",
        "a\tb",
        "$x$",
    ),
)
"""Names of classes that mean something in Python, Markdown, HTML or a terminal."""

ALONE = """
import importlib, json, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "nassearch":
            raise ImportError("there is no nassearch here")
sys.meta_path.insert(0, Nothing())
import numpy as np, torch
folder = sys.argv[1]
sys.path.insert(0, folder)
torch.set_num_threads(1)
told = {}
for name in sys.argv[2:]:
    module = importlib.import_module(name)
    network, given = module.load(), np.load(f"{folder}/{name}.npz")
    with torch.inference_mode():
        found = network(torch.from_numpy(given["x"])).numpy()
    same = (found == given["y"]) | (np.isnan(found) & np.isnan(given["y"]))
    largest = np.abs(given["y"][np.isfinite(given["y"])]).max(initial=0) or 1.0
    apart = float(np.where(same, 0, np.abs(found - given["y"])).max() / largest)
    count = sum(parameter.numel() for parameter in network.parameters())
    told[name] = [apart, count, list(getattr(module, "CLASSES", ())), network.training]
assert "nassearch" not in sys.modules
print(json.dumps(told))
"""


def stirred(module: nn.Module, seed: int) -> nn.Module:
    """Give batch norm other statistics than those it begins with, so that a mistake in them shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                for tensor, low, high in (
                    (layer.weight, 0.5, 1.5),
                    (layer.bias, -0.5, 0.5),
                    (layer.running_mean, -0.1, 0.1),
                    (layer.running_var, 0.5, 2.0),
                ):
                    assert tensor is not None
                    tensor.uniform_(low, high, generator=generator)
    return module.eval()


def write(folder: Path, name: str, network: Any, classes: tuple[str, ...], seed: int = 0) -> int:
    """Write a network, its weights, and inputs with what the searched module answers; return its parameters."""
    generator = torch.Generator().manual_seed(seed)
    if isinstance(network, RecurrentNetwork):
        module: nn.Module = RecurrentModule(network, generator).eval()
        written, reads = write_recurrent(network), Reading((7,), words=True)
        inputs = torch.randint(0, network.vocabulary, (3, 7), generator=generator)
    else:
        assert isinstance(network, Network)
        module, written = stirred(TorchNetwork(network, generator), seed), write_network(network)
        shape = network.input_shape
        reads = Reading(shape, classes, (0.5,) * shape[0], (0.25,) * shape[0])
        inputs = torch.randn(3, *shape, generator=generator)
    (folder / f"{name}.py").write_text(write_file(written, reads, "a space", STRANGE[2], True))
    state = {written.renamed(key): tensor.contiguous() for key, tensor in module.state_dict().items()}
    save_file(state, folder / f"{name}.safetensors")
    with torch.inference_mode():
        np.savez(folder / f"{name}.npz", x=inputs.numpy(), y=module(inputs).numpy())
    return sum(parameter.numel() for parameter in module.parameters())


def run_alone(folder: Path, names: list[str]) -> dict[str, Any]:
    """Run files in a new process that cannot import nassearch."""
    command = [sys.executable, "-I", "-c", ALONE, str(folder), *names]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found
