"""Score one torch module that belongs to no search space and no benchmark."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.errors import InvalidSetting, quoted
from nassearch.proxies.base import Proxy
from nassearch.proxies.model import raw_of_model
from nassearch.proxies.scores import INFINITE
from nassearch.scorers.spec import check_scorer, parse_spec
from nassearch.types import Batch

Asked = tuple[Proxy, dict[str, Any]]
"""A proxy and the options that it was given."""


def score(model: Any, batch: Any, proxies: Sequence[str | Proxy]) -> dict[str, float]:
    """Score a torch module by proxies; higher is better.

        scores = nassearch.score(model, (images, labels), ["synflow", "naswot", "snip(batch_size=32)"])

    The module is left as it was, its parameters, buffers, mode, hooks and gradients as well as the global generators of
    torch, numpy and Python: proxies work on copies, on which hooks do not run. Those that agree in batch_size and seed
    share their passes.

    Args:
        model: a torch.nn.Module that maps inputs `[B, channels, *size]` to logits `[B, C]`. Its weights are its own;
            for the meaning that the papers give them they are those of a fresh initialisation.
        batch: a `Batch`, inputs `[B, channels, *size]`, or a pair of inputs and labels `[B]`; arrays or tensors. Inputs
            are floating-point numbers, or words `[B, T]`, whole numbers from 0. Of a batch smaller than a proxy's
            default batch_size all is looked at.
        proxies: texts such as `"synflow"` or `"snip(batch_size=32)"`, or proxies themselves.

    Returns:
        A score by text or name of each of `proxies`. NaN where a proxy has no value for this module; a
        `RuntimeWarning` says why.

    Raises:
        UnknownName: no such proxy, or no such option of it.
        InvalidSetting: a text cannot be read, is there twice, or the proxy needs labels and there are none.
        InvalidModel: no module, one without parameters or with weights that are none, or one that does not map these
            inputs to finite logits with a place for each label.
    """
    scores, reasons = score_or_tell(model, batch, proxies)
    for spec, reason in reasons.items():
        warnings.warn(f"{spec} has no score: {reason}", RuntimeWarning, stacklevel=2)
    return scores


def score_or_tell(
    model: Any, batch: Any, proxies: Sequence[str | Proxy], classes: int | None = None
) -> tuple[dict[str, float], dict[str, str]]:
    """Return scores as `score` does, and the reason of each that is NaN; `classes` is what the logits must be."""
    from nassearch.networks.modules.foreign import derivatives
    from nassearch.networks.tracing.trying import try_out

    if isinstance(proxies, str | Proxy) or not isinstance(proxies, Sequence) or not proxies:
        raise InvalidSetting(f"proxies are a list such as ['synflow', 'naswot'], not {quoted(proxies)}")
    asked = [_asked(given) for given in proxies]
    names = [given.name if isinstance(given, Proxy) else given for given in proxies]
    if len(set(names)) < len(names):
        raise InvalidSetting(f"{', '.join(names)}: name each proxy once")
    batch = as_batch(batch)
    for proxy, options in asked:
        proxy.check(options, batch)
    with derivatives():
        try_out(model, batch, classes)
        values = [_finite_or_text(value) for value in raw_of_model(asked, model, batch)]
    scores, reasons = {}, {}
    for spec, (proxy, _), value in zip(names, asked, values, strict=True):
        if isinstance(value, str) or value != value:
            reasons[spec] = (
                value if isinstance(value, str) else "it is not a number (NaN) for this model and batch"
            )
            value = float("nan")
        scores[spec] = value if proxy.higher_is_better else -value
    return scores, reasons


def _finite_or_text(value: float | str) -> float | str:
    return INFINITE if isinstance(value, float) and np.isinf(value) else value


def _asked(spec: Any) -> Asked:
    if isinstance(spec, Proxy):
        return spec, {}
    if not isinstance(spec, str):
        raise InvalidSetting(
            f"a module is scored by a proxy, named by a text such as 'synflow' or as @proxy made it, not {quoted(spec)}"
        )
    name, args, options = parse_spec(spec)
    if name in registry.names("lookups"):
        raise InvalidSetting(f"{spec} looks up architectures of a search space, and there is one model here")
    if args:
        raise InvalidSetting(
            f"{spec} compares architectures with each other, and there is one model here: ask for "
            f"{', '.join(args)} alone"
        )
    check_scorer(spec)
    return registry.load("proxies", name), options


def as_batch(given: Any) -> Batch:
    """Return a batch from a `Batch`, inputs, or a pair of inputs and labels.

    Raises:
        InvalidSetting: it is none of these, holds too little, or is not finite.
    """
    if isinstance(given, Batch):
        inputs, labels = given.inputs, given.labels
    elif isinstance(given, tuple | list) and len(given) == 2:
        inputs, labels = given
    else:
        inputs, labels = given, None
    inputs = _array(inputs, "inputs [B, channels, *size], or words [B, T]", "fiu")
    words = inputs.dtype.kind != "f"
    if words and (inputs.ndim != 2 or inputs.min(initial=0) < 0):
        raise InvalidSetting(
            f"inputs {list(inputs.shape)} of {inputs.dtype} are neither floating-point numbers [B, channels, *size] "
            "nor words [B, T], whole numbers from 0: convert them"
        )
    if inputs.ndim < 2 or len(inputs) < 2:
        raise InvalidSetting(
            f"a batch holds inputs [B, channels, *size] with at least 2 of them, not {list(inputs.shape)}"
        )
    if not inputs.size or not np.isfinite(inputs).all():
        raise InvalidSetting("an input of the batch is not a finite number: leave it out")
    if labels is not None:
        labels = _array(labels, "labels [B]", "iu").astype(np.int64)
        if labels.shape != inputs.shape[:1]:
            raise InvalidSetting(
                f"labels are one number for each of the {len(inputs)} inputs, not {list(labels.shape)}"
            )
    return Batch(np.ascontiguousarray(inputs, dtype=np.int64 if words else np.float32), labels)


def _array(values: Any, what: str, kinds: str) -> Any:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if values.is_floating_point() else values  # numpy has no bfloat16
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in kinds:
        numbers = "floating-point or whole numbers" if "f" in kinds else "whole numbers"
        raise InvalidSetting(
            f"a batch is inputs, or a pair (inputs, labels): {what} are an array or a tensor of {numbers}, not "
            f"{type(values).__name__} {array.dtype}"
        )
    return array
