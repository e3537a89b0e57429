"""What every proxy has to keep."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from nassearch.errors import InvalidSetting, NassearchError, UnknownName
from nassearch.proxies.base import Proxy
from nassearch.proxies.model import ModelProxy
from nassearch.scorers.proxy import ProxyScorer
from nassearch.spaces.base import SearchSpace
from nassearch.testing.proxies.asked import (
    Options,
    ask,
    made_up_batch,
    modules,
    of_module,
    scores_of,
    takes_modules,
)
from nassearch.testing.proxies.company import CompanyContract
from nassearch.testing.surroundings import elsewhere, equal, left_as_found, module_state
from nassearch.types import Arch, Batch, Task

NEEDS = {"inputs", "labels"}
PAIRS = 6
"""Pairs of architectures with one key that are compared."""
PER_KEY = 1e-3
"""Relative: what rounding makes of epsilon, a difference of numbers near 1 in float32, when sums change their order."""
NONSENSE = "no such value"


class ProxyContract(CompanyContract):
    """Tests of one proxy. A subclass overrides `proxy`, and `space` and `task` where its networks are of another kind.

    `options` are what it is scored with: give those that make it quick.
    """

    def test_declares_what_it_is(self, proxy: Proxy) -> None:
        assert proxy.name.isidentifier(), "a proxy has a name that can be written in a scorer's text"
        assert proxy.reference, "a proxy says where it comes from: paper and equation, or baseline"
        assert proxy.__doc__, "a proxy has a docstring that says what it counts, and which way is better"
        assert set(proxy.needs) <= NEEDS, "needs are inputs and labels, or nothing"
        assert type(proxy.higher_is_better) is bool, "higher_is_better is True or False"
        assert type(proxy.is_per_key(proxy.options)) is bool, (
            "per_key is True or False, or says so of options"
        )
        assert proxy.chunk_size(proxy.options) >= 1, "chunk is a number of networks of at least 1"

    def test_one_float_for_each_network(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        scores, _ = ask(proxy, networks, batch, options)
        assert isinstance(scores, np.ndarray) and scores.dtype == np.float64, "scores are float64"
        assert scores.shape == (len(networks),), f"a proxy of {len(networks)} networks returns as many scores"
        assert not np.isinf(scores).any(), "what cannot be scored is NaN, never infinite"
        assert not np.isnan(scores).all(), (
            "some of the random networks can be scored: give others, or options"
        )

    def test_same_call_same_scores(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        first, again = (ask(proxy, networks, batch, options)[0] for _ in range(2))
        assert equal(first, again), "the same networks, batch and options give the same bits"

    def test_another_process_gives_the_same_scores(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        (there,) = elsewhere(scores_of, [(proxy, networks, batch, options)])
        assert equal(there, scores_of((proxy, networks, batch, options))), (
            "a proxy goes to another process and gives the same bits there"
        )

    def test_leaves_generators_and_batch_alone(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        before, blocks = batch.digest(), repr(networks)
        with left_as_found(proxy.name):
            ask(proxy, networks, batch, options)
        assert batch.digest() == before, "a proxy does not write to the batch"
        assert repr(networks) == blocks, "a proxy does not change the networks"

    def test_leaves_a_module_as_it_was(self, proxy: Proxy, options: Options) -> None:
        if not takes_modules(proxy):
            return
        for kind, (model, batch) in modules().items():
            before = module_state(model)
            with left_as_found(proxy.name):
                try:
                    value = of_module(proxy, model, batch, options)
                except NassearchError as error:
                    value = str(error)
            assert module_state(model) == before, f"a module, here of {kind}, is left as it was"
            assert isinstance(value, float | str) and value not in ("", None), (
                "a module has a score or a reason why not"
            )
            assert isinstance(value, str) or not np.isinf(value), (
                "what cannot be scored is NaN, never infinite"
            )

    def test_looks_at_what_it_needs_and_at_nothing_else(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options, task: Task
    ) -> None:
        other = made_up_batch(task, seed=1)
        scores, _ = ask(proxy, networks, batch, options)
        inputs_only = Batch(batch.inputs)
        changed = {
            "inputs": Batch(other.inputs, batch.labels),
            "labels": Batch(batch.inputs, other.labels),
        }
        for need, swapped in changed.items():
            same = equal(scores, ask(proxy, networks, swapped, options)[0])
            if need in proxy.needs:
                assert not same, f"needs says {need}, and no score depends on them: leave them out of needs"
            else:
                assert same, f"scores depend on {need}: needs says so"
        if "labels" not in proxy.needs:
            lesser = inputs_only if "inputs" in proxy.needs else None
            assert equal(scores, ask(proxy, networks, lesser, options)[0]), (
                "what needs leaves out may be missing"
            )
        for need, lesser in (("inputs", None), ("labels", inputs_only)):
            if need in proxy.needs:
                with pytest.raises(InvalidSetting, match=f"needs a batch with .*{need}|needs a batch"):
                    proxy(networks, lesser, **options)

    def test_one_value_per_key_where_that_is_declared(
        self, proxy: Proxy, space: SearchSpace, task: Task, batch: Batch, options: Options
    ) -> None:
        if not proxy.is_per_key({**proxy.options, **options}) or space.keys_differ:
            return
        rng = np.random.default_rng(9)
        alike: list[tuple[Arch, Arch]] = []
        for arch in space.sample_many(300, rng):
            near = [other for other in space.neighbours(arch) if space.key(other) == space.key(arch)]
            alike += [(arch, near[rng.integers(len(near))])] if near and len(alike) < PAIRS else []
        for one, other in alike:
            networks = [space.network(arch, task) for arch in (one, other)]
            a, b = ask(proxy, networks, batch, options)[0]
            assert np.isclose(a, b, rtol=PER_KEY, atol=0, equal_nan=True), (
                f"per_key says that architectures with one key have one value: {space.format(one)} has {a!r}, "
                f"{space.format(other)} has {b!r}"
            )

    def test_options_are_those_it_lists(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        scores, _ = ask(proxy, networks[:2], batch, options)
        spelt_out = {**proxy.options, **options}
        assert equal(scores, ask(proxy, networks[:2], batch, spelt_out)[0]), (
            "an option that is given its default changes nothing"
        )
        with pytest.raises(UnknownName, match="no_such_option"):
            proxy(networks[:2], batch, **options, no_such_option=1)

    def test_wrong_values_of_options_are_refused(
        self, proxy: Proxy, space: SearchSpace, task: Task, archs: list[Arch], batch: Batch, options: Options
    ) -> None:
        taken = []
        for name in sorted(proxy.options.keys() - set(self.texts)):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of a score that failed, which is not what is asked for
                    ProxyScorer(proxy, space, task, batch, {**options, name: NONSENSE})(archs[:1])
                taken.append(name)
            except NassearchError:
                continue
            except Exception as error:
                taken.append(f"{name} ({type(error).__name__})")
        assert not taken, (
            f"a value that an option cannot have is refused by an InvalidSetting or UnknownName which says the rule; "
            f"the text {NONSENSE!r} was taken for {', '.join(taken)}"
        )

    def test_what_cannot_be_scored_is_nan(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options, task: Task
    ) -> None:
        same = np.repeat(batch.inputs[:1], len(batch.inputs), axis=0)
        hard = {"equal inputs": same, "inputs of zeros": np.zeros_like(same)}
        if not task.tokens:
            hard["huge inputs"] = batch.inputs * np.float32(1e30)
        for what, inputs in hard.items():
            try:
                scores, reasons = ask(proxy, networks, Batch(inputs, batch.labels), options)
            except Exception as error:
                raise AssertionError(
                    f"what cannot be scored is NaN and the others go on: {what} raise {error!r}"
                ) from error
            assert not np.isinf(scores).any(), f"what cannot be scored is NaN, never infinite: here of {what}"
            assert all(reasons.values()), "what went wrong is said in words"

    def test_a_scorer_turns_what_is_better_when_lower(
        self, proxy: Proxy, space: SearchSpace, task: Task, archs: list[Arch], batch: Batch, options: Options
    ) -> None:
        if proxy.is_per_key({**proxy.options, **options}):
            archs = [space.of_key(space.key(arch)) or arch for arch in archs]
        raw, _ = ask(proxy, [space.network(arch, task) for arch in archs], batch, options)
        scorer = ProxyScorer(proxy, space, task, batch, options)
        assert equal(scorer(archs), raw if proxy.higher_is_better else -raw), (
            "in a scorer higher is better: it turns the sign where higher_is_better is False, and nothing else"
        )

    def test_a_model_proxy_declares_what_it_reads(self, proxy: Proxy) -> None:
        if isinstance(proxy, ModelProxy):
            from nassearch.networks.probe.probe import Probe

            unknown = sorted(proxy.reads - set(Probe.READS))
            assert not unknown, f"reads are of {', '.join(Probe.READS)}, not {', '.join(unknown)}"
