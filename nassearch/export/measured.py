"""What a network costs: counted, and measured on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nassearch.constraints import cost_of, measure_latency
from nassearch.export.subject import Subject

if TYPE_CHECKING:
    from torch import nn


def measured(subject: Subject, network: Any, module: nn.Module) -> dict[str, Any]:
    """Return parameters, multiply-accumulates of one input, bytes and milliseconds, by name."""
    costs = cost_of(subject.space, subject.arch, subject.task)
    latency = measure_latency(module, subject.task.input_shape, words=subject.task.tokens)
    return {
        "space": subject.space_text,
        "architecture": subject.text,
        "input_shape": list(subject.reads.shape),
        "words": subject.reads.words,
        "params": int(costs.params or 0),
        "flops": int(costs.flops or 0),
        "memory": int(costs.memory or 0),
        "latency_ms": latency,
    }
