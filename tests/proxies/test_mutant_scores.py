"""The contracts of proxies and combinations find each of these faults, and say which rule is broken."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np
import pytest
from mutants import complaint, complaints

from nassearch.networks.counting import parameters
from nassearch.proxies.base import Proxy, proxy
from nassearch.proxies.model import ModelProxy, model_proxy
from nassearch.scorers.combinations import rank, share
from nassearch.scorers.combined import Combination, combination
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.testing import CombinationContract, ProxyContract
from nassearch.testing.proxies.asked import made_up_batch
from nassearch.types import Task

TASK = Task((3, 8, 8), 4, (3, 4), 1)
PROXY = ProxyContract()
FIRST: list[Any] = []
"""What a mutant remembers, as no proxy should."""


def counts(networks: Any) -> Any:
    return np.array([parameters(network) for network in networks], np.float64)


@proxy(reference="made up")
def sound(networks, batch=None, *, power=1.0):
    """Count parameters; higher is better."""
    return counts(networks) ** power


@proxy(reference="made up", needs=("inputs",), higher_is_better=False)
def sound_of_data(networks, batch=None, *, inverted=False):
    """Count parameters per unit of the inputs' spread; lower is better."""
    spread = float(np.std(batch.inputs, dtype=np.float64))
    return counts(networks) / (spread if 0 < spread < 1e9 else np.nan) * (-1 if inverted else 1)


@model_proxy(reference="made up", needs=("inputs", "labels"), reads=("gradients",))
def sound_of_models(probe, *, power=1.0):
    """Take the largest gradient; higher is better."""
    return max(float(g.abs().max()) for g in probe.gradients) ** power


@proxy(reference="made up")
def centred(networks, batch=None):
    """Depend on the company."""
    return counts(networks) - counts(networks).mean()


@proxy(reference="made up")
def summed_up(networks, batch=None):
    """Depend on the order."""
    return counts(networks).cumsum()


@proxy(reference="made up")
def noisy(networks, batch=None):
    """Draw without a seed."""
    return counts(networks) + np.random.default_rng().random(len(networks))


@proxy(reference="made up")
def reseeds(networks, batch=None):
    """Seed what belongs to everybody."""
    random.seed(0)
    return counts(networks) + random.random()


@proxy(reference="made up")
def remembers(networks, batch=None):
    """Depend on what was asked before."""
    FIRST.append(networks)
    return counts(networks) + len(FIRST)


@proxy(reference="made up")
def infinite(networks, batch=None):
    """Divide by zero."""
    return np.where(counts(networks) == counts(networks).min(), np.inf, counts(networks))


@proxy(reference="made up")
def nothing(networks, batch=None):
    """Score nothing."""
    return np.full(len(networks), np.nan)


@proxy(reference="made up", needs=("inputs",))
def breaks(networks, batch=None):
    """Fail where the inputs do not vary."""
    if batch.inputs.std() == 0:
        raise ZeroDivisionError
    return counts(networks) / float(batch.inputs.std(dtype=np.float64))


@proxy(reference="made up", needs=("inputs",))
def peeks(networks, batch=None):
    """Look at labels without saying so."""
    return counts(networks) * float(np.abs(batch.inputs).mean()) + (
        0 if batch.labels is None else batch.labels.sum()
    )


@proxy(reference="made up", needs=("inputs", "labels"))
def asks_too_much(networks, batch=None):
    """Need labels and not look at them."""
    return counts(networks) * float(np.abs(batch.inputs).mean())


@proxy(reference="made up", per_key=True)
def counts_by_key(networks, batch=None):
    """Count dead layers, and declare one value per key."""
    return counts(networks)


@proxy(reference="made up")
def takes_anything(networks, batch=None, *, mode=None):
    """Take any value of an option for one."""
    return counts(networks) * (2 if mode else 1)


@proxy(reference="made up")
def default_unlike_none_given(networks, batch=None, *, power=None):
    """Treat a default that is given otherwise than one that is not."""
    return counts(networks)


@proxy(reference="")
def unexplained(networks, batch=None):
    return counts(networks)


@proxy(reference="made up", higher_is_better="yes")  # type: ignore[arg-type]
def vague(networks, batch=None):
    """Leave the direction open."""
    return counts(networks)


@proxy(reference="made up")
def of_modules(networks, batch=None):
    """Spoil modules."""
    return counts(networks)


@of_modules.for_model
def _of_modules(model, batch):
    model.train()
    return 1.0


@model_proxy(reference="made up", reads=())
def spoils_others(probe):
    """Change the weights that others read."""
    for weight in probe.weights:
        weight.mul_(2)
    return float(probe.logits.abs().sum())


@model_proxy(reference="made up", reads=())
def sees_others(probe):
    """Depend on what others have computed."""
    return float(probe.logits.abs().sum()) + ("_first" in vars(probe))


MUTANTS = [
    (centred, "test_a_network_scores_alone_as_among_others", "does not depend on the others"),
    (summed_up, "test_networks_in_another_order_score_the_same", "in another order"),
    (noisy, "test_same_call_same_scores", "the same bits"),
    (reseeds, "test_leaves_generators_and_batch_alone", "Python's generator"),
    (remembers, "test_same_call_same_scores", "the same bits"),
    (infinite, "test_one_float_for_each_network", "never infinite"),
    (nothing, "test_one_float_for_each_network", "can be scored"),
    (breaks, "test_what_cannot_be_scored_is_nan", "ZeroDivisionError"),
    (peeks, "test_looks_at_what_it_needs_and_at_nothing_else", "scores depend on labels"),
    (asks_too_much, "test_looks_at_what_it_needs_and_at_nothing_else", "no score depends on them"),
    (counts_by_key, "test_one_value_per_key_where_that_is_declared", "one key have one value"),
    (takes_anything, "test_wrong_values_of_options_are_refused", "was taken for mode"),
    (unexplained, "test_declares_what_it_is", "where it comes from"),
    (vague, "test_declares_what_it_is", "True or False"),
    (of_modules, "test_leaves_a_module_as_it_was", "left as it was"),
    (spoils_others, "test_no_proxy_depends_on_which_are_asked_beside_it", "whichever proxies are asked"),
    (sees_others, "test_no_proxy_depends_on_which_are_asked_beside_it", "whichever proxies are asked"),
]


def given(part: Proxy) -> dict[str, Any]:
    space = NASBench201()
    archs = space.sample_many(4, np.random.default_rng(4))
    networks = [space.network(arch, TASK) for arch in archs]
    facts = {"proxy": part, "space": space, "task": TASK, "archs": archs, "networks": networks}
    return facts | {
        "batch": made_up_batch(TASK),
        "options": {"batch_size": 6} if isinstance(part, ModelProxy) else {},
    }


@pytest.mark.parametrize("part", [sound, sound_of_data, sound_of_models], ids=lambda part: part.name)
def test_a_proxy_without_a_fault_passes(part: Proxy) -> None:
    assert complaints(PROXY, given(part)) == {}


@pytest.mark.parametrize(("part", "test", "told"), MUTANTS, ids=[f"{m[0].name}-{m[1]}" for m in MUTANTS])
def test_the_contract_of_proxies_finds(part: Proxy, test: str, told: str) -> None:
    found = complaint(PROXY, test, given(part))
    assert found is not None
    assert re.search(told, found), found


@combination(reference="made up")
def average(parts, among, *, scale=1.0):
    """Average the shares of those compared with that are no better."""
    with np.errstate(invalid="ignore"):
        shares = np.array([share(own, others) for own, others in zip(parts, among, strict=True)])
        known = (~np.isnan(shares)).sum(axis=0)
        return np.where(known, np.nansum(shares, axis=0) / np.maximum(known, 1), np.nan) * scale


@combination(reference="made up")
def lower_is_better(parts, among):
    """Turn the direction."""
    return -average.function(parts, among)


@combination(reference="made up")
def by_place(parts, among):
    """Break ties by the order of the architectures."""
    return average.function(parts, among) + np.arange(parts.shape[1]) * 1e-9


@combination(reference="made up")
def within_the_call(parts, among):
    """Compare with those in the call, whoever is to be compared with."""
    return average.function(parts, parts)


@combination(reference="made up")
def nan_is_zero(parts, among):
    """Take no score for 0."""
    return np.nan_to_num(average.function(parts, among))


@combination(reference="made up")
def minus_infinity(parts, among):
    """Take no score for the worst there is."""
    found = average.function(parts, among)
    return np.where(np.isnan(parts).any(axis=0) & ~np.isnan(found), -np.inf, found)


@combination(reference="made up")
def writes(parts, among):
    """Fill in what is missing, for everybody."""
    parts[np.isnan(parts)] = 0
    return parts.sum(axis=0)


@combination(reference="made up")
def whole_numbers(parts, among):
    """Return another type."""
    return np.nan_to_num(average.function(parts, among) * 100).astype(int)


@combination(reference="made up")
def any_mode(parts, among, *, mode=None):
    """Take any value of an option for one."""
    return average.function(parts, among)


@combination(reference="made up")
def first_value(parts, among):
    """Look at who is compared with first."""
    return average.function(parts, among) + np.nan_to_num(among[0, 0]) * 1e-6


@combination(reference="made up")
def second_decides(parts, among):
    """Let the last part decide."""
    return average.function(parts[-1:], among[-1:])


class Decided(CombinationContract):
    first_decides = True


COMBINATIONS = [
    (lower_is_better, "test_higher_in_every_part_is_higher", "higher is better"),
    (by_place, "test_order_and_company_mean_nothing", "in another order"),
    (within_the_call, "test_order_and_company_mean_nothing", "alone as among others"),
    (first_value, "test_order_and_company_mean_nothing", "order of those that are compared with"),
    (nan_is_zero, "test_nan_where_nothing_is_known_and_nowhere_infinite", "has no score"),
    (minus_infinity, "test_nan_where_nothing_is_known_and_nowhere_infinite", "never infinite"),
    (whole_numbers, "test_one_float_for_each_architecture", "float64"),
    (any_mode, "test_wrong_values_of_options_are_refused", "was taken for mode"),
    (second_decides, "test_the_first_part_decides_where_that_is_declared", "kept exactly"),
    (average, "test_the_first_part_decides_where_that_is_declared", "kept exactly"),
]


@pytest.mark.parametrize("part", [average, rank], ids=lambda part: part.name)
def test_a_combination_without_a_fault_passes(part: Combination) -> None:
    assert complaints(CombinationContract(), {"combination": part}) == {}


@pytest.mark.parametrize(
    ("part", "test", "told"), COMBINATIONS, ids=[f"{m[0].name}-{m[1]}" for m in COMBINATIONS]
)
def test_the_contract_of_combinations_finds(part: Combination, test: str, told: str) -> None:
    found = complaint(Decided(), test, {"combination": part})
    assert found is not None
    assert re.search(told, found), found


def test_a_combination_that_writes_is_stopped() -> None:
    with pytest.raises(ValueError, match="read-only"):
        CombinationContract().test_one_float_for_each_architecture(writes)
