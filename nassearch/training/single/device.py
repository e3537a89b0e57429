"""Where and how a network is computed: the device, its threads, its precision and its layout of memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from nassearch.checks import whole
from nassearch.errors import InvalidSetting, quoted

DEVICES = "device is auto, cpu or cuda, where there is one"


def find_device(text: str) -> torch.device:
    """Return the device of this name, `auto` for a GPU where there is one, and the processor elsewhere.

    Raises:
        InvalidSetting: there is none of this name here.
    """
    if text == "auto":
        text = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(text)
        torch.empty(1, device=found)  # a GPU in use has generators, which a training seeds
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidSetting(f"{DEVICES}, not {quoted(text)} ({why})") from None
    if found.type not in ("cpu", "cuda"):
        raise InvalidSetting(f"{DEVICES}, not {quoted(text)}")
    return found


@contextmanager
def computing(device: torch.device, threads: int) -> Iterator[None]:
    """Compute on so many threads, and on a GPU by kernels that add in one order, as far as torch has them."""
    before = torch.get_num_threads()
    torch.set_num_threads(whole("threads", threads, most=1024))
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, before)
        if device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True))
        yield


def placed(module: nn.Module, device: torch.device, shape: Sequence[int]) -> nn.Module:
    """Move a module to a device, with channels last in memory where it is for images.

    So tensor cores want it, and a processor is a tenth faster on cells of NAS-Bench-201, a third on inverted residuals.
    """
    layout = torch.channels_last if len(shape) == 3 else torch.preserve_format
    return module.to(device, memory_format=layout)  # type: ignore[call-overload, no-any-return]


def casting(device: torch.device, precision: str) -> torch.autocast:
    """Return a context in which products are bfloat16, where that is asked for or comes for nothing."""
    halves = precision == "bfloat16" or (
        precision == "auto"
        and device.type == "cuda"
        and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=halves)
