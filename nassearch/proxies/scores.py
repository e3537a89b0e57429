"""What a proxy returns: one number for each network, or the reason why it has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from nassearch.errors import BrokenPart, InvalidModel, NassearchError, quoted, told
from nassearch.networks.module_network import as_network
from nassearch.types import Floats

Scores = tuple[Floats, dict[int, str]]
"""Raw scores `[N]`, and by position what went wrong where a network could not be scored; its score is NaN."""
RULE = "a proxy returns one number for each network, in their order; NaN, or in a list a text why, where it has none"
INFINITE = "its value is infinite, beyond float64, and no score that others could be compared with"


def checked(name: str, function: Callable[..., Any], networks: Sequence[Any], batch: Any) -> Scores:
    """Return what a proxy's function gives for networks, parted into scores and reasons.

    Raises:
        BrokenPart: that is not one number for each network, or someone else's function fails.
    """
    try:
        found = function(networks, batch)
    except (NassearchError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if is_ours(function):
            raise
        raise BrokenPart(
            f"the proxy {name} fails: {told(error)}; mend it, and return NaN for a network that cannot be scored"
        ) from error
    return parted(name, found, len(networks))


def parted(name: str, found: Any, count: int) -> Scores:
    """Part what a proxy returned into scores and reasons.

    >>> parted("depth", [1.0, "no layer"], 2)
    (array([ 1., nan]), {1: 'no layer'})
    """
    found = found.detach().cpu().numpy() if hasattr(found, "detach") else found
    shape = (
        list(np.shape(found)) if isinstance(found, np.ndarray) else [len(found)] if _is_list(found) else None
    )
    if shape != [count]:
        met = type(found).__name__ if shape is None else f"{type(found).__name__} {shape}"
        raise BrokenPart(f"the proxy {name} returned a {met} for {count} networks: {RULE}")
    if isinstance(found, np.ndarray) and found.dtype.kind in "fiub":
        return found.astype(np.float64), {}
    reasons: dict[int, str] = {}
    scores = np.full(count, np.nan)
    for place, each in enumerate(found):
        if isinstance(each, str):
            reasons[place] = each
        else:
            scores[place] = _number(name, each)
    return scores, reasons


def number(name: str, found: Any) -> float:
    """Return the raw score of one model.

    Raises:
        InvalidModel: it is a text, which says why there is none.
        BrokenPart: it is neither a number nor a text.
    """
    if isinstance(found, str):
        raise InvalidModel(found)
    return _number(name, found)


def read(name: str, function: Callable[[Any], Any], probe: Any) -> float:
    """Return the raw score that a proxy's function reads from a probe, as `number` does."""
    return number(name, function(probe))


def _number(name: str, found: Any) -> float:
    found = found.detach().cpu().numpy() if hasattr(found, "detach") else found
    if isinstance(found, np.ndarray) and found.size == 1:
        found = found.reshape(())[()]
    if not isinstance(found, Real | np.bool_):
        what = (
            f"array {list(found.shape)}"
            if isinstance(found, np.ndarray)
            else f"{type(found).__name__} {quoted(found)}"
        )
        raise BrokenPart(f"the proxy {name} returned the {what} as a score: {RULE}")
    try:
        return float(found)
    except OverflowError:  # a whole number beyond float64
        return math.inf if found > 0 else -math.inf  # type: ignore[operator]


def _is_list(found: Any) -> bool:
    return isinstance(found, Sequence) and not isinstance(found, str | bytes)


def is_ours(function: Any) -> bool:
    """Say whether a function is nassearch's own, so that what it raises is a mistake of ours."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__module__", "")).startswith("nassearch.")


def by_kind(
    networks: Sequence[Any], count: int, score: Callable[[type, Sequence[Any]], Sequence[Scores]]
) -> list[Scores]:
    """Return `count` scores and reasons of networks, those of each kind as `score(kind, networks)` gives them."""
    answers: list[Scores] = [(np.full(len(networks), np.nan), {}) for _ in range(count)]
    places: dict[type, list[int]] = {}
    networks = [as_network(network) for network in networks]
    for place, network in enumerate(networks):
        places.setdefault(type(network), []).append(place)
    for kind, here in places.items():
        found = score(kind, [networks[place] for place in here])
        for (scores, reasons), (some, texts) in zip(answers, found, strict=True):
            scores[here] = some
            reasons.update((here[k], text) for k, text in texts.items())
    return answers


def finite(scores: Floats, reasons: Mapping[int, str]) -> Scores:
    """Return scores with NaN in the place of what is infinite, and the reasons with that of these.

    >>> finite(np.array([1.0, np.inf]), {})[0]
    array([ 1., nan])
    """
    infinite = np.isinf(scores)
    if not infinite.any():
        return scores, dict(reasons)
    told = dict.fromkeys(np.flatnonzero(infinite).tolist(), INFINITE)
    return np.where(infinite, np.nan, scores), {**told, **reasons}
