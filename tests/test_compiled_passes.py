"""Batch norm's passes in a kernel: against the reference, through whole networks, and what a pass holds at its peak."""

from __future__ import annotations

import sys
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.networks.channels import Channels, last
from nassearch.networks.channels_kernel import CompiledChannels
from nassearch.networks.initialise import initialised
from nassearch.networks.probe import Probe
from nassearch.networks.tape_probe import TapeProbe
from nassearch.networks.torch_module import one_thread
from nassearch.proxies.base import together
from nassearch.scorers import ProxyScorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Arch, Batch, Task

SPACE = NASBench201()
SMALL = Task((3, 8, 8), 10, channels=(4, 8, 16), cells=2)
SIGNAL = Task((1, 20), 10, channels=(3, 4, 5), cells=1, reduction="pool")
FULL = Task((3, 32, 32), 10)
ARCHS: list[Arch] = [*SPACE.sample_many(3, np.random.default_rng(0)), (0,) * 6, (3,) * 6, (2, 2, 1, 2, 4, 2)]
NAMES = ("grad_norm", "snip", "grasp", "fisher", "jacob_cov")
FAST, PLAIN = CompiledChannels(), Channels()


def data(task: Task, size: int = 6) -> Batch:
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((size, *task.input_shape)).astype(np.float32)
    return Batch(inputs, rng.integers(task.classes, size=size))


# One position at a time, many side by side, more than one piece of 64 rows, more channels than a row is wide.
@pytest.mark.parametrize("shape", [(3, 5, 7, 3), (8, 16, 8, 8), (64, 4, 16, 32), (2, 700, 3, 1), (4, 3, 9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernel_and_reference_agree(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = [last(torch.randn(shape, generator=generator, dtype=dtype)) for _ in range(4)]
    x, y, z, _ = tensors
    by = torch.randn(5, shape[1], generator=generator, dtype=torch.float64)
    exact = torch.stack([x, x * y, x * z]).double().transpose(1, 2).flatten(2).sum(2)
    # Float32: at most 64 terms of about 1 are added up in it, each rounded to 6e-8 of sums of about 10.
    rounding = 1e-12 if dtype == torch.float64 else 64 * 6e-8 * 10 * np.sqrt(x.numel() / shape[1] / 64 + 1)
    for others in ([y], [y, z]):
        found = FAST.sums(x, *others)
        assert len(found) == 1 + len(others)
        torch.testing.assert_close(torch.stack(found), exact[: len(found)], rtol=1e-10, atol=rounding)
    for count in (1, 2, 4):
        terms = list(zip(tensors[:count], by, strict=False))
        ours, theirs = FAST.combined(by[4], *terms), PLAIN.combined(by[4], *terms)
        assert ours.dtype == dtype
        # Numbers up to some 10, of five terms, each rounded.
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13 if dtype == torch.float64 else 1e-5)


@pytest.mark.parametrize("task", [SMALL, SIGNAL], ids=["images", "signals"])
@pytest.mark.parametrize("arch", ARCHS, ids=SPACE.format)
def test_probes_of_both_paths_agree(arch: Arch, task: Task) -> None:
    batch = data(task)
    assert batch.labels is not None
    inputs, labels = torch.from_numpy(batch.inputs).double(), torch.from_numpy(batch.labels)
    model = initialised(SPACE.network(arch, task), 0).double()
    settings: dict[str, Any] = {"reads": Probe.READS}
    with one_thread():
        fast = TapeProbe(model, inputs, labels, channels=FAST, **settings)
        plain = Probe(model, inputs, labels, **settings)
        for name in NAMES:
            reader = registry.load("proxies", name).reader({})
            # Float64 through the layers of a small network; eigenvalues beside k = 1e-5 lose some of it.
            assert reader(fast) == pytest.approx(reader(plain), rel=1e-7, abs=1e-12, nan_ok=True), name


def test_scores_of_the_compiled_path_are_the_same_bytes_for_any_workers_and_company() -> None:
    batch, archs = data(SMALL, 8), ARCHS[:4]
    options = {"batch_size": 8, "path": "compiled"}
    proxies = [registry.load("proxies", name) for name in NAMES]
    requests = [(p, options, batch) for p in proxies]
    joint = [scores for scores, _ in together(requests, [SPACE.network(arch, SMALL) for arch in archs])]
    for proxy, scores in zip(proxies, joint, strict=True):
        assert proxy([SPACE.network(archs[1], SMALL)], batch, **options)[0] == scores[1]
    two = ProxyScorer(proxies[2], SPACE, SMALL, batch, options, workers=2)(archs)
    assert two.tobytes() == joint[2].tobytes()


def test_a_path_that_is_none_and_one_that_needs_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    snip, batch = registry.load("proxies", "snip"), data(SMALL)
    network = SPACE.network(ARCHS[0], SMALL)
    with pytest.raises(InvalidSetting, match="torch or compiled, not 'quick'"):
        snip([network], batch, batch_size=6, path="quick")
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "nassearch.networks.channels_kernel")
    with pytest.raises(
        InvalidSetting, match=r"needs numba: pip install 'nassearch\[fast\]', or take path=torch"
    ):
        snip([network], batch, batch_size=6, path="compiled")


class Held(TorchDispatchMode):
    """Counts the bytes of tensors that are alive, and the most there were."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else (found,):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return found

    def _note(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size


def most(size: int) -> float:
    """Return the most MiB of tensors that the five proxies of the cell of six 3x3 convolutions hold."""
    batch = data(FULL, size)
    assert batch.labels is not None
    held = Held()
    with one_thread(), held:
        model = initialised(SPACE.network((3,) * 6, FULL), 0)
        probe = TapeProbe(
            model,
            torch.from_numpy(batch.inputs),
            torch.from_numpy(batch.labels),
            reads=["saliency"],
            owned=True,
            channels=FAST,
        )
        for name in NAMES:
            registry.load("proxies", name).reader({})(probe)
    return held.most / 2**20


def test_what_a_pass_holds_at_its_peak_is_bounded() -> None:
    # Of each convolution what its ReLU gives, normed output, its tangent and dL/dz; the first is shared by those that
    # read one node: 21 tensors in each of 5 cells, 64, 32 and 16 KiB of a sample in the three stages, are 11.5 MiB.
    # The rest passes through: what docs/any-model.md says. z as well would make it 16.
    assert 11.5 < (most(4) - most(2)) / 2 < 13
