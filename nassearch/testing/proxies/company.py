"""What a proxy gives one network depends neither on other networks nor on other proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.proxies.base import Proxy
from nassearch.proxies.model import ModelProxy, read_one, together
from nassearch.testing.proxies.asked import Options, ProxySetting, ask, modules
from nassearch.testing.surroundings import equal
from nassearch.types import Batch

ORDERS = 2
"""Random orders of all model proxies that each is asked in."""


class CompanyContract(ProxySetting):
    """The part of `ProxyContract` on what stands beside a network and a proxy."""

    def test_networks_in_another_order_score_the_same(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        scores, _ = ask(proxy, networks, batch, options)
        order = np.arange(len(networks))[::-1]
        turned, _ = ask(proxy, [networks[place] for place in order], batch, options)
        assert equal(turned, scores[order]), "in another order every network has the same bits"

    def test_a_network_scores_alone_as_among_others(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        scores, _ = ask(proxy, networks, batch, options)
        alone = [float(ask(proxy, [network], batch, options)[0][0]) for network in networks]
        assert equal(scores, alone), (
            "what one network gets does not depend on the others in the call, so not on the size of a chunk either"
        )
        twice, _ = ask(proxy, [networks[0], networks[1], networks[0]], batch, options)
        assert equal(twice, scores[[0, 1, 0]]), "a network that is there twice has its score twice"

    def test_no_proxy_depends_on_which_are_asked_beside_it(
        self, proxy: Proxy, networks: list[Any], batch: Batch, options: Options
    ) -> None:
        """Ask with one proxy of each kind of `reads` before and after, then in random orders of all."""
        if not isinstance(proxy, ModelProxy):
            return
        settings = proxy.settings(options)

        def scored(company: list[ModelProxy]) -> list[str]:
            asked = [(other, options if other is proxy else settings, batch) for other in company]
            return [_spoken(*answer) for answer in together(asked, networks[:1])]

        _compared(proxy, scored)

    def test_no_proxy_of_a_module_depends_on_which_are_asked_beside_it(
        self, proxy: Proxy, options: Options
    ) -> None:
        """Do the same with a module of images, and one of words, whose inputs carry no gradient."""
        if not isinstance(proxy, ModelProxy):
            return
        shared = {name: proxy.settings(options)[name] for name in ("batch_size", "seed")}
        for model, batch in modules().values():

            def scored(company: list[ModelProxy], model: Any = model, batch: Batch = batch) -> list[str]:
                asked = [(other, options if other is proxy else shared) for other in company]
                return [str(answer) for answer in read_one(asked, model, batch)]

            _compared(proxy, scored)


def _compared(proxy: ModelProxy, scored: Callable[[list[ModelProxy]], list[str]]) -> None:
    """Fail where this proxy scores otherwise in company than alone, or one that is asked after it does."""
    (alone,) = scored([proxy])
    for company, place in _companies(proxy):
        found = scored(company)
        assert found[place] == alone, _difference(company, place, alone, found[place])
        if len(company) == 2 and place == 0:
            (without,) = scored(company[1:])
            assert found[1] == without, _difference(company, 1, without, found[1])


def _companies(proxy: ModelProxy) -> Iterator[tuple[list[ModelProxy], int]]:
    """Yield lists of proxies that hold this one, and where."""
    others: list[ModelProxy] = []
    for name in sorted(registry.BUILT_IN["proxies"]):
        other = registry.load("proxies", name)
        if isinstance(other, ModelProxy) and other is not proxy and name != "cv":
            others.append(other)  # cv reads nothing that is shared, and takes seconds
    kinds = {(other.reads, other.needs): other for other in others}
    for other in kinds.values():
        yield [other, proxy], 1
        yield [proxy, other], 0
    rng = np.random.default_rng(2)
    for _ in range(ORDERS):
        company = [others[place] for place in rng.permutation(len(others))]
        place = int(rng.integers(len(others) + 1))
        yield [*company[:place], proxy, *company[place:]], place


def _spoken(scores: Any, failures: dict[int, str]) -> str:
    return f"{scores.tolist()} {failures}"


def _difference(company: list[ModelProxy], place: int, alone: str, found: str) -> str:
    before, after = company[:place], company[place + 1 :]
    return (
        f"a proxy scores the same whichever proxies are asked beside it: {company[place].name} is {found} after "
        f"{', '.join(p.name for p in before) or 'nothing'} and before {', '.join(p.name for p in after) or 'nothing'}, "
        f"and {alone} alone"
    )
