"""Epsilon: how differently a network spreads a batch under two constant weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.errors import InvalidModel, InvalidSetting
from nassearch.networks.graph import Network
from nassearch.networks.recurrent import RecurrentNetwork
from nassearch.proxies.base import proxy
from nassearch.types import Batch, Task

if TYPE_CHECKING:
    from nassearch.spaces.base import SearchSpace

EXPONENTS = range(-7, 2)
"""Powers of ten among which the automatic choice looks for two weights."""
TRIED, FAILED = 100, 10
"""Architectures that the automatic choice scores per pair, and how many NaN rule a pair out."""

PROPORTIONAL = (
    "nothing in the network normalises signals or tells paths of different depth apart, so that outputs under any two "
    "constant weights are proportional, and epsilon is 0 up to rounding: score it by another proxy, such as synflow"
)
ROUNDINGS = 32
"""How many roundings of its largest number an output may be off, our choice: in networks whose epsilon is 0 in theory
those of up to 32 channels at full width were off by up to 14. The least score of NAS-Bench-201 and the least of 1,758
released ones are 15 times what this comes to there."""
SUSPECT = 1e-2
"""Below it the epsilon of a module may be rounding of float32 alone, which is tried out; it takes one more pass."""
MODULE_WEIGHTS = (1e-3, 1.0)
"""The two weights for a module that is not of a space, our choice: many a deep module is silent below the first."""


def resolve(
    space: SearchSpace, task: Task, batch: Batch | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Fill in a pair for `weights="auto"`, or for none where the space has no default."""
    weights = options.get("weights")
    if weights in (None, "auto"):
        assert batch is not None  # it is among the needs
        weights = choose_weights(space, task, batch)
    return {**options, "weights": _pair(weights)}


def _check(options: Mapping[str, Any]) -> None:
    if options["weights"] not in (None, "auto"):
        _pair(options["weights"])


@proxy(
    reference="Light and Accurate: NAS via two constant shared weights initialisations, eqs. 1-4 (arXiv 2302.04406)",
    needs=("inputs",),
    per_key=True,
    chunk=16,
    resolve=resolve,
    check=_check,
    revision=3,
)
def epsilon(
    networks: Sequence[Network],
    batch: Batch | None,
    *,
    weights: Sequence[float] | str | None = None,
    literal: bool = False,
    path: str = "collapsed",
    device: str = "cpu",
) -> list[float | str]:
    """Compare the normalised outputs under two constant weights; higher is better.

    Args:
        networks: N networks.
        batch: the fixed inputs.
        weights: the two constants. None: the default of the space; "auto": see `choose_weights`. Both are turned
            into a pair by the scorer, since they need the space.
        literal: follow equations 1-4 to the letter. Otherwise, as the authors' code does, the entries that the
            normalisation puts at 0 are left out.
        path: "collapsed" runs one channel; "compiled" does so in a kernel that needs numba, and "torch" on a device of
            torch, and the scores of both differ by rounding; "full" runs every channel in torch, the slow reference.
        device: for path "torch", such as "cuda".

    Returns:
        float `[N]`; NaN where all outputs are equal under one of the weights, and a text where they are proportional
        under any two, so that epsilon is 0 and what is computed would be rounding.

    Raises:
        InvalidSetting: weights are not two different positive numbers, or no such path or device.
    """
    from nassearch.networks.constant.degrees import is_proportional

    assert batch is not None
    pair = _pair(weights)
    roundings = 0 if any(isinstance(n, RecurrentNetwork) for n in networks) else ROUNDINGS
    found = [
        distance(rows, literal, roundings) for rows in outputs(networks, batch.inputs, pair, path, device)
    ]
    return [
        PROPORTIONAL if isinstance(network, Network) and is_proportional(network) else value
        for network, value in zip(networks, found, strict=True)
    ]


epsilon.for_networks(RecurrentNetwork)(epsilon.function)  # only `outputs` differ


def _check_of_model(options: Mapping[str, Any]) -> None:
    if options["path"] != "full":
        raise InvalidSetting(f"epsilon of a module has the path full alone, not {options['path']!r}")
    if isinstance(options["weights"], str):
        raise InvalidSetting(
            f"epsilon of a module takes two numbers such as weights=(1e-7, 1), not {options['weights']!r}, which tries "
            "architectures of a space"
        )


@partial(epsilon.for_model, check=_check_of_model)
def _epsilon(
    model: Any,
    batch: Batch | None,
    *,
    weights: Sequence[float] | str | None = None,
    literal: bool = False,
    path: str = "full",
) -> float:
    """Score one module at full width; its own weights play no part. `weights` None stands for `MODULE_WEIGHTS`.

    Raises:
        InvalidModel: it has no epsilon under these weights.
    """
    _check_of_model({"path": path, "weights": weights})
    assert batch is not None
    from nassearch.networks.modules.foreign import module_outputs

    pair = _pair(MODULE_WEIGHTS if weights is None else weights)
    rows = module_outputs(model, batch.inputs, pair)
    value = distance(rows, literal, ROUNDINGS)
    if value < SUSPECT and _scales(rows[0], module_outputs(model, batch.inputs, [_near(*pair)])[0]):
        raise InvalidModel(PROPORTIONAL)
    if np.isnan(value):
        raise InvalidModel(
            f"under one of the weights {pair[0]:g} and {pair[1]:g} the outputs of all inputs are equal, or not finite: "
            "try others, as in epsilon(weights=(1e-2, 0.1)); layer norm over equal channels leaves none that work"
        )
    return value


def _near(low: float, high: float) -> float:
    """Return the power of two times one weight that is nearest to the other."""
    return low * 2.0 ** round(math.log2(high / low))


def _scales(row: Any, other: Any) -> bool:
    """Say whether rows of outputs, under a weight and a power of two times it, are the same up to a factor, bit by bit.

    Where nothing normalises or saturates and all paths have equally many weights, a power of two goes through float32
    without rounding.
    """
    (low, a), (least, b) = (np.frexp(each[np.argmax(np.abs(each))])[::-1] for each in (row, other))
    return bool(a == b) and np.array_equal(np.ldexp(row, -low), np.ldexp(other, -least))


def _pair(weights: Any) -> tuple[float, float]:
    try:
        low, high = map(float, weights)
    except (TypeError, ValueError):
        raise InvalidSetting(
            f"weights of epsilon are two numbers such as (1e-7, 1), not {weights!r}; a scorer built for a space "
            "also takes 'auto'"
        ) from None
    if not 0 < low < np.inf or not 0 < high < np.inf or low == high:
        raise InvalidSetting(
            f"weights of epsilon are two different positive numbers, not {low:g} and {high:g}"
        )
    return low, high


def outputs(
    networks: Sequence[Network], inputs: Any, weights: Sequence[float], path: str, device: str = "cpu"
) -> Any:
    """Return one logit per network and weight, float32 `[N, W, B]`; of recurrent networks see `_recurrent_outputs`."""
    if device != "cpu" and path != "torch":
        raise InvalidSetting(
            f"device of epsilon goes with path=torch, and path is {path}: leave one of them out"
        )
    if isinstance(networks[0], RecurrentNetwork):
        return _recurrent_outputs(networks, inputs, weights, path)
    if path == "collapsed":
        from nassearch.networks.constant.collapsed import collapsed_outputs

        return collapsed_outputs(networks, inputs, weights)
    if path == "compiled":
        try:
            from nassearch.networks.constant.compiled.interpreter import compiled_outputs
        except ModuleNotFoundError as error:
            raise InvalidSetting(
                "path=compiled of epsilon needs numba: pip install 'nassearch[fast]', or take path=collapsed"
            ) from error
        return compiled_outputs(networks, inputs, weights)
    if path == "torch":
        from nassearch.networks.constant.collapsed_torch import torch_outputs

        return torch_outputs(networks, inputs, weights, device)
    if path != "full":
        raise InvalidSetting(f"path of epsilon is collapsed, compiled, torch or full, not {path!r}")
    import torch

    from nassearch.networks.modules.network import constant_outputs

    x = torch.from_numpy(inputs)
    return np.stack([np.stack([constant_outputs(n, x, w).numpy() for w in weights]) for n in networks])


def _recurrent_outputs(networks: Any, inputs: Any, weights: Sequence[float], path: str) -> Any:
    """Return unit 0 of the last layer after each word, float32 `[N, W, T * B]`, as the authors' code reads it.

    Embedding and start of the states: see `nassearch.networks.modules.recurrent.constant_outputs`.
    """
    if path == "collapsed":
        from nassearch.networks.constant.recurrent import collapsed_recurrent_outputs

        return collapsed_recurrent_outputs(networks, inputs, weights)
    if path != "full":
        raise InvalidSetting(f"path of epsilon of recurrent networks is collapsed or full, not {path!r}")
    import torch

    from nassearch.networks.modules.recurrent import constant_outputs

    words = torch.tensor(inputs)
    return np.stack([np.stack([constant_outputs(n, words, w).numpy() for w in weights]) for n in networks])


def distance(rows: Any, literal: bool = False, roundings: int = 0) -> float:
    """Return epsilon of two rows of outputs, float32 `[2, B]`; NaN where a row is constant or not finite.

    A mean gap that so many roundings of the largest output would make is 0: such scores tie, since rounding would rank
    them.
    """
    with np.errstate(all="ignore"):
        low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
        normal = (rows - low) / (high - low)  # eq. 1
        if not literal:
            normal = np.where(normal == 0, np.nan, normal)
        normal = normal.astype(np.float64)
        gaps = np.abs(normal[0] - normal[1])  # eq. 2
        gaps, valid = gaps[~np.isnan(gaps)], normal[~np.isnan(normal)]
        if (literal and len(valid) < normal.size) or not len(gaps):
            return float("nan")
        noise = (
            roundings
            * np.finfo(np.float32).eps
            * (np.abs(rows).max(axis=1, keepdims=True) / (high - low)).max()
        )
        return float(gaps.mean() / valid.mean()) if gaps.mean() > noise else 0.0  # eqs. 3 and 4


def choose_weights(space: SearchSpace, task: Task, batch: Batch, seed: int = 0) -> tuple[float, float]:
    """Return the widest pair of powers of ten that leaves fewer than 10 % of 100 random architectures unscored.

    Windows of one width are tried from the smallest weights up. The architectures are the same for every window.

    Raises:
        InvalidSetting: no window will do.
    """
    archs = space.sample_many(TRIED, np.random.default_rng(seed))
    networks = [space.network(arch, task) for arch in archs]
    seen: dict[tuple[int, float], Any] = {}

    def row(k: int, weight: float) -> Any:
        if (k, weight) not in seen:
            seen[k, weight] = outputs([networks[k]], batch.inputs, [weight], "collapsed")[0, 0]
        return seen[k, weight]

    for width in range(len(EXPONENTS) - 1, 0, -1):
        for low in EXPONENTS[:-width]:
            pair = (10.0**low, 10.0 ** (low + width))
            failed = 0
            for k in range(TRIED):
                failed += bool(np.isnan(distance(np.stack([row(k, weight) for weight in pair]))))
                if failed >= FAILED:
                    break
            else:
                return pair
    raise InvalidSetting(
        f"no two powers of ten from 1e{EXPONENTS[0]} to 1e{EXPONENTS[-1]} score 90 % of {TRIED} random architectures "
        f"of {space.name} on this batch; give them: epsilon(weights=(LOW, HIGH))"
    )
