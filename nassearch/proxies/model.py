"""Proxies of one torch model on one batch: functions of a `Probe`.

`model_proxy` makes one. Proxies that are asked for together share the passes of one probe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.checks import check_names
from nassearch.errors import InvalidSetting, NassearchError, told
from nassearch.networks.graph import Network
from nassearch.networks.module_network import ModuleNetwork
from nassearch.networks.probe.reads import OF_BLOCKS, PROBE_REVISION, READS
from nassearch.proxies.base import NEEDS, Check, Proxy, check_call
from nassearch.proxies.kinds import Resolve
from nassearch.proxies.modules import SEED, fault_of, noise_for, own_options
from nassearch.proxies.scores import Scores, by_kind, number, read
from nassearch.types import Batch, Floats, plain

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe

PASS: dict[str, Any] = {"batch_size": 64, "seed": 0, "init": "default", "bias": "default"}
"""Options of every model proxy, with their defaults: what its probe depends on. Proxies that agree in them share one.

batch_size: how many of the batch to look at, from its beginning. seed: of the initial weights, the same for every
architecture. init, bias: see `nassearch.networks.modules.initialise`; a module that a user gives keeps its own weights.
"""


OF_WEIGHTS = frozenset({"init", "bias"})
"""Those that say how weights are drawn, which modules do themselves."""


@dataclass(frozen=True)
class ModelProxy(Proxy):
    """A proxy of one torch model on one batch. Its function maps a `Probe` to a raw score, NaN: not scorable.

    Attributes:
        reads: what of the probe it reads, of `nassearch.networks.probe.reads.READS`; nothing else of these can be read.
        defaults: values of `PASS` that its paper chose otherwise.
    """

    reads: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def options(self) -> dict[str, Any]:
        return {**super().options, **PASS, **self.defaults}

    def __call__(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Floats:
        """Return raw scores, float64 `[N]`.

        Raises:
            NassearchError: a network could not be scored; a scorer, which has many to score, goes on without it.
        """
        self.check(options := plain(options), batch)
        ((scores, failures),) = together([(self, options, batch)], networks)
        if failures:
            raise NassearchError(next(iter(failures.values())))
        return scores

    def scored(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Scores:
        self.check(options := plain(options), batch)
        return together([(self, options, batch)], networks)[0]

    def of_model(self, model: Any, batch: Batch | None, **options: Any) -> float:
        self.check(options := plain(options), batch)
        (value,) = read_one([(self, options)], model, batch)
        return number(self.name, value)

    @property
    def takes_modules(self) -> bool:
        """Return whether it has a meaning for torch modules, which have no blocks."""
        return self.reads.isdisjoint(OF_BLOCKS)

    @property
    def module_options(self) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if name not in OF_WEIGHTS}

    def options_of_modules(self, given: Mapping[str, Any], batch: Batch | None) -> dict[str, Any]:
        options = super().options_of_modules(given, batch)
        if batch is not None and "batch_size" not in given:
            options["batch_size"] = min(options["batch_size"], len(batch.inputs))
        return options

    def settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that its probe depends on."""
        return {name: {**self.options, **options}[name] for name in PASS}

    def settings_of_model(self, options: Mapping[str, Any], size: int) -> dict[str, Any]:
        """Return what the probe of a module depends on; a batch smaller than the default size is taken whole."""
        settings = self.settings(options)
        if OF_WEIGHTS & options.keys():
            raise InvalidSetting(f"{self.name} of a module looks at its own weights: leave out init and bias")
        count = settings["batch_size"] if "batch_size" in options else min(settings["batch_size"], size)
        return {"batch_size": count, "seed": settings["seed"]}

    def reader(self, options: Mapping[str, Any]) -> Callable[[Probe], float]:
        """Return what maps a probe to the score under these options."""
        own = {k: v for k, v in options.items() if k not in PASS}
        reader: Any = partial(read, self.name, partial(self.function, **own))
        reader.reads = self.reads
        return reader  # type: ignore[no-any-return]


def model_proxy(
    *,
    reference: str,
    reads: Sequence[str],
    needs: Sequence[str] = ("inputs",),
    higher_is_better: bool = True,
    resolve: Resolve | None = None,
    check: Check | None = None,
    revision: int = 1,
    **defaults: Any,
) -> Callable[[Callable[..., float | str]], ModelProxy]:
    """Declare a proxy of one torch model on one batch; `defaults` replace those of `PASS`.

    >>> @model_proxy(reference="an example", reads=["gradients"], needs=["inputs", "labels"], batch_size=128)
    ... def largest(probe, *, power=1):
    ...     return max(float(g.abs().max()) for g in probe.gradients) ** power
    >>> largest.options
    {'power': 1, 'batch_size': 128, 'seed': 0, 'init': 'default', 'bias': 'default'}
    """

    def declare(function: Callable[..., float | str]) -> ModelProxy:
        name = getattr(function, "__name__", "")
        check_names(f"need of proxy {name}", needs, NEEDS)
        check_names(f"thing to read of a probe, as proxy {name} declares it,", reads, READS)
        check_call(name, function, "probe")
        declared = ModelProxy(
            name,
            function,  # type: ignore[arg-type]
            frozenset(needs),
            higher_is_better,
            per_key=False,
            chunk=CHUNK,
            reference=reference,
            resolve=resolve,
            check_values=check,
            revision=f"{PROBE_REVISION}.{revision}",
            reads=frozenset(reads),
            defaults=defaults,
        )
        object.__setattr__(declared, "__doc__", function.__doc__)
        return declared

    return declare


CHUNK = 4
"""Networks per call of model proxies: a second or two of work, which is what an interruption loses."""
Request = tuple[Proxy, Mapping[str, Any], Batch | None]
"""A proxy, its options and its batch."""


def together(requests: Sequence[Request], networks: Sequence[Network]) -> list[Scores]:
    """Score networks by many proxies, in their order; model proxies with one batch and settings share a probe."""
    return by_kind(networks, len(requests), partial(_together, requests))


def _together(requests: Sequence[Request], kind: type, networks: Sequence[Any]) -> list[Scores]:
    answers: dict[int, Scores] = {}
    shared: dict[str, list[int]] = {}
    if issubclass(kind, ModuleNetwork):
        from nassearch.networks.modules.foreign import derivatives

        with derivatives():
            return _of_modules(requests, networks)
    requests = [(proxy, options, batch if proxy.needs else None) for proxy, options, batch in requests]
    for place, (proxy, options, batch) in enumerate(requests):
        if isinstance(proxy, ModelProxy) and proxy.for_networks.choose(proxy, kind, options) is None:
            key = f"{proxy.settings(options)} {batch.digest() if batch else None}"
            shared.setdefault(key, []).append(place)
        else:
            answers[place] = proxy.scored_alone(kind, networks, batch, options)
    if shared:
        from nassearch.networks.probe.passes import read_networks
    for places in shared.values():
        asked = [requests[place] for place in places]
        models: list[ModelProxy] = [proxy for proxy, _, _ in asked]  # type: ignore[misc]
        readers = [proxy.reader(options) for proxy, (_, options, _) in zip(models, asked, strict=True)]
        reads = frozenset().union(*(proxy.reads for proxy in models))
        _, options, batch = asked[0]
        found = read_networks(networks, batch, readers, reads, **models[0].settings(options))
        answers.update(zip(places, found, strict=True))
    return [answers[place] for place in range(len(requests))]


def read_one(
    asked: Sequence[tuple[ModelProxy, Mapping[str, Any]]], model: Any, batch: Batch | None
) -> list[float | str]:
    """Score one torch module, which is left as it was, by proxies that share a probe; without a batch by some alone.

    Returns for each a raw score, or what went wrong as text.
    """
    from nassearch.networks.probe.passes import read_model

    # Without a batch nobody looks at inputs.
    looked_at = Batch(np.zeros((2, 1), np.float32)) if batch is None else batch
    proxy, options = asked[0]
    settings = proxy.settings_of_model(options, len(looked_at.inputs))
    reads = frozenset().union(*(proxy.reads for proxy, _ in asked))
    return read_model(model, looked_at, [p.reader(o) for p, o in asked], reads, **settings)


Asked = tuple[Proxy, Mapping[str, Any]]
"""A proxy and its options."""


def raw_of_model(asked: Sequence[Asked], model: Any, batch: Batch) -> list[float | str]:
    """Return raw scores of one torch module, which is left as it was, or what went wrong as text.

    Proxies that agree in what their probe depends on share it.
    """
    answers: dict[int, float | str] = {}
    shared: dict[str, list[int]] = {}
    for place, (proxy, options) in enumerate(asked):
        if isinstance(proxy, ModelProxy):
            (key,) = _or_text(lambda p=proxy, o=options: [str(p.settings_of_model(o, len(batch.inputs)))], 1)  # type: ignore[misc]
            shared.setdefault(str(key), []).append(place)
        else:
            (answers[place],) = _or_text(lambda p=proxy, o=options: [p.of_model(model, batch, **o)], 1)  # type: ignore[misc]
    for places in shared.values():
        group: list[Any] = [asked[place] for place in places]
        found = _or_text(lambda g=group: read_one(g, model, batch), len(group))  # type: ignore[misc]
        answers.update(zip(places, found, strict=True))
    return [answers[place] for place in range(len(asked))]


def _or_text(ask: Callable[[], list[Any]], count: int) -> list[float | str]:
    try:
        return ask()
    except NassearchError as error:
        return [str(error)] * count
    except (Exception, SystemExit) as error:  # whatever the model's own code raises: other scores stay
        return [told(error)] * count


def _of_modules(requests: Sequence[Request], networks: Sequence[ModuleNetwork]) -> list[Scores]:
    """Score torch modules of a space, each as `nassearch.score` scores it."""
    answers: list[Scores] = [(np.full(len(networks), np.nan), {}) for _ in requests]
    by_batch: dict[Any, list[int]] = {}
    for place, (proxy, options, batch) in enumerate(requests):
        if proxy.for_networks.declares(ModuleNetwork) or not proxy.takes_modules:
            answers[place] = proxy.scored_alone(ModuleNetwork, networks, batch, options)
        else:
            # Who looks at no batch looks at noise of its own size.
            key = (
                batch.digest() if batch and proxy.needs else options.get("batch_size", 2),
                options.get(SEED, 0),
            )
            by_batch.setdefault(key, []).append(place)
    known = next((batch for _, _, batch in requests if batch is not None), None)
    for k, network in enumerate(networks):
        fault = fault_of(network, known) if by_batch else ""
        for (about, seed), places in by_batch.items():
            if fault:
                found: list[float | str] = [fault] * len(places)
            else:
                group = [requests[place] for place in places]
                batch = group[0][2] if isinstance(about, str) else noise_for(network, about, seed)
                assert batch is not None  # its digest is known
                found = raw_of_model([(p, _own(p, o)) for p, o, _ in group], network.module, batch)
            for place, value in zip(places, found, strict=True):
                scores, reasons = answers[place]
                if isinstance(value, str):
                    reasons[k] = value
                else:
                    scores[k] = value
    return answers


def _own(proxy: Proxy, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a proxy takes for one module, whose weights are drawn already."""
    own = proxy.module_options if isinstance(proxy, ModelProxy) else own_options(proxy.model_function)  # type: ignore[arg-type]
    return {name: value for name, value in options.items() if name in own}
