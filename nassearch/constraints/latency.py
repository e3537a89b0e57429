"""How long a network takes for one input: measured here, once for each machine, or told by a user's function."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from filelock import Timeout

from nassearch.constraints.costs import module_of
from nassearch.errors import BadData, BrokenPart, Busy
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.data_folder import data_dir
from nassearch.files.limits import WORK
from nassearch.files.locks import held
from nassearch.files.plain_json import read_json
from nassearch.provenance.identity import identity
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built
from nassearch.types import Arch, Task, is_number, plain

WARM_RUNS, WARM_SECONDS = 3, 0.02
RUNS, BLOCK_SECONDS, FEWEST = 20, 0.2, 3
"""Runs of a block: so many, or as many as take so long, but no fewer than three."""
BLOCKS, ALIKE = 12, 0.05
"""Blocks at most; two that are alike to such a share end it."""
PATIENCE = 600
"""Seconds that a process waits for another one on the machine that measures."""


def measure_latency(
    model: Any, input_shape: tuple[int, ...], *, words: bool = False, threads: int = 1
) -> float:
    """Return the milliseconds that a torch module takes for one input on this processor.

    The protocol: a copy in evaluation mode, without derivatives, float32, batch size 1, so many threads; three runs
    and 20 ms at least to warm up; then blocks of 20 runs, fewer where these would take longer than 0.2 s. A block
    gives the median of its runs. Blocks go on until the two lowest medians differ by less than 5 %, 12 at most, and
    the lowest is the answer: other work on the machine only ever adds.

    Args:
        model: left as it is; what it holds is copied.
        input_shape: `(channels, *size)`; the input is normal noise, or words, all 1.
        words: whether inputs are words.
        threads: of torch, while it measures.

    Raises:
        InvalidModel: it is no module, or cannot be copied.
        Exception: whatever the module raises.
    """
    import torch

    from nassearch.networks.modules.foreign import of_one, own_copy

    model = own_copy(model).float().eval()
    generator = torch.Generator().manual_seed(0)
    one = (
        torch.ones(1, *input_shape, dtype=torch.int64)
        if words
        else torch.randn(1, *input_shape, generator=generator)
    )
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            return of_one(lambda inputs: _settled(lambda: model(inputs)), one, 4)[0]
    finally:
        torch.set_num_threads(before)


def _settled(run: Callable[[], Any]) -> float:
    """Return the lowest median of blocks of runs, in milliseconds, once two are alike."""
    warm = [_seconds(run) for _ in range(WARM_RUNS)]
    while sum(warm) < WARM_SECONDS:
        warm.append(_seconds(run))
    runs = max(FEWEST, min(RUNS, int(BLOCK_SECONDS / max(min(warm), 1e-9))))
    medians: list[float] = []
    while len(medians) < BLOCKS:
        medians = sorted([*medians, median(_seconds(run) for _ in range(runs))])
        if len(medians) > 1 and medians[1] <= (1 + ALIKE) * medians[0]:
            break
    return 1e3 * medians[0]


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def machine() -> str:
    """Return what latencies depend on beside the network, as a text: machine, processors and torch."""
    import torch

    facts = platform.node(), platform.machine(), platform.processor(), os.cpu_count(), torch.__version__
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


class MeasuredLatency:
    """Milliseconds of architectures on this machine, each measured once and kept in the user's data directory.

    What was measured once stays what it is, so that an architecture near a limit does not pass today and fail
    tomorrow, and all processes go by the same numbers. One process measures at a time.

    Args:
        space, task: whose networks.
        threads: see `measure_latency`.
    """

    def __init__(self, space: SearchSpace, task: Task, threads: int = 1) -> None:
        self.space, self.task, self.threads = space, task, threads
        self._about = json.dumps([space.name, identity(space), task.as_dict(), threads], sort_keys=True)
        self._known: dict[str, float] = {}
        self._end = 0

    @property
    def path(self) -> Path:
        """Return the file of this machine."""
        return data_dir() / f"latencies-{machine()}.jsonl"

    def __call__(self, arch: Arch) -> float:
        name = hashlib.sha256(f"{self._about} {arch}".encode()).hexdigest()[:24]
        if name not in self._known:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._read()
                if name not in self._known:
                    module = module_of(built(self.space, arch, self.task))
                    words, shape = self.task.tokens, self.task.input_shape
                    self._known[name] = round(
                        measure_latency(module, shape, words=words, threads=self.threads), 4
                    )
                    self._add(name, arch)
        return self._known[name]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with held(self.path, PATIENCE):
                yield
        except Timeout as error:
            raise Busy(
                f"another process has measured latencies for {PATIENCE} seconds ({self.path}); wait for it, then run "
                "this again"
            ) from error

    def _read(self) -> None:
        self._end = 0
        if not self.path.exists():
            return
        with guarded(self.path, "remove it: what it holds is measured again"):
            text = read_bytes(self.path, WORK)
        self._end = text.rfind(b"\n") + 1
        try:
            for line in text[: self._end].splitlines():
                row = read_json(line)
                self._known[str(row["of"])] = float(row["ms"])
        except (ValueError, TypeError, KeyError) as error:
            raise BadData(
                f"{self.path} is no file of latencies: {error!r}; remove it: what it holds is measured again"
            ) from error

    def _add(self, name: str, arch: Arch) -> None:
        row = {"of": name, "space": self.space.name, "arch": self.space.format(arch), "ms": self._known[name]}
        with guarded(self.path, "make room, then run this again"), self.path.open("ab") as file:
            file.truncate(self._end)  # what a kill left of a line
            file.write(json.dumps(row).encode() + b"\n")


class ToldLatency:
    """Milliseconds of architectures by a function of the model, which is asked once for each.

    Args:
        function: takes a `torch.nn.Module` in evaluation mode and returns milliseconds, the same ones every time.
        space, task: whose networks.
        name: of the function, for messages.
    """

    def __init__(self, function: Callable[[Any], float], space: SearchSpace, task: Task, name: str) -> None:
        self.function, self.space, self.task, self.name = function, space, task, name
        self._known: dict[Arch, float] = {}

    def __call__(self, arch: Arch) -> float:
        """Return the milliseconds of one.

        Raises:
            BrokenPart: the function returns no number of at least 0.
            Exception: whatever it raises.
        """
        if arch not in self._known:
            found = plain(self.function(module_of(built(self.space, arch, self.task)).eval()))
            if not is_number(found) or found < 0:
                raise BrokenPart(
                    f"{self.name} returned {found!r} for {self.space.format(arch)}: a latency is a number of "
                    "milliseconds"
                )
            self._known[arch] = float(found)
        return self._known[arch]
