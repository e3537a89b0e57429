"""A probe of a network of ours, by a tape in place of autograd: the same numbers within rounding, for less."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from nassearch.errors import NassearchError
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.salience import Saliency, of_layer
from nassearch.networks.probe.tape.tape import Tape
from nassearch.networks.tracing.recording import checked


class TapeProbe(Probe):
    """A probe of a `TorchNetwork` as it was initialised; see `nassearch.networks.probe.tape.tape.fits`.

    Batch norm couples its samples, so a batch is never split.
    """

    def _record(self, inputs: Tensor) -> Any:
        with torch.no_grad():
            tape = Tape(self.model.blocks, inputs)  # type: ignore[arg-type]
            checked(tape.logits, len(inputs))
        return tape

    @cached_property
    def _first(self) -> tuple[list[Tensor], list[Saliency]]:
        def work(tape: Tape, part: slice) -> tuple[list[Tensor], list[Saliency]]:
            calls: list[Saliency] = []

            def seen(layer: nn.Module, z: Tensor, gradient: Tensor) -> None:
                calls.append(of_layer(layer.weight, z, gradient))  # type: ignore[arg-type]

            logits = tape.logits.detach().requires_grad_()
            (delta,) = torch.autograd.grad(self._loss(logits, part), logits)
            with torch.no_grad():
                found = tape.backward(delta, seen if "saliency" in self.reads else None)
            by_weight = {id(m.weight): gradient for m, gradient in found.items()}
            weights = [weight.parameter for weight in self._weighted]
            return [by_weight.get(id(w), torch.zeros_like(w)) for w in weights], calls

        return self._parts(work)[0]

    @property
    def hessian_gradients(self) -> list[Tensor]:
        """Raise: the tape keeps their product with the weights alone, `curvature`."""
        raise NassearchError(
            "of a network of a search space the curvature is known, and no gradients of it: read that"
        )

    @cached_property
    def _curvature(self) -> float:
        self._first  # noqa: B018 - the backward pass that this one goes on from

        def work(tape: Tape, part: slice) -> float:
            with torch.no_grad():
                return tape.curvature()

        return self._parts(work)[0]

    @cached_property
    def _relu_patterns(self) -> list[tuple[Tensor, int]]:
        model: Any = self.model
        patterns: list[tuple[Tensor, int]] = self._parts(
            lambda _, part: model.relu_patterns(self.inputs), False
        )[0]
        return patterns

    def _to_inputs(self, recording: Any) -> Tensor:
        with torch.no_grad():
            return recording.input_gradients().flatten(1)  # type: ignore[no-any-return]
