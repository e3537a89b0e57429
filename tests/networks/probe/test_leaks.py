"""Nothing of a module stays in memory once it has been scored."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CODE = """
import sys, warnings
from pathlib import Path
import numpy as np, torch
from torch import nn
import nassearch
from nassearch import registry

def module(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1),
                         nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
batch = rng.normal(size=(16, 3, 32, 32)).astype(np.float32), np.arange(16) % 10
proxies = [name for name in registry.names("proxies") if name != "cv"]  # which redraws the weights a hundred times
for number in range(40):
    if number == 10:
        before = resident()
    nassearch.score(module(number), batch, proxies)
print((resident() - before) / 30)
"""


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the memory of a process is read from /proc"
)
def test_thirty_modules_leave_no_memory_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CODE)], capture_output=True, text=True, check=True
    )
    # Signals and graph of one pass are 5 MiB, and a proxy that kept them kept those of several passes; the allocator
    # moves the memory of the process by less than a tenth of one from module to module.
    assert float(done.stdout) < 1, f"{float(done.stdout):.2f} MiB stay for each module"
