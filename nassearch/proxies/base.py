"""What a proxy is: one function, with what it needs and where it comes from declared beside it.

Most proxies look at one torch model on one batch: `model_proxy` makes one of a function of a `Probe`, and proxies that
are asked for together share its passes. Those that are faster over the plain data of many networks, or need no
weights at all, are made by `proxy`, and say with `for_model` what they are for a model that is not of a search space,
with `for_networks` what they are for networks that are not `Network`, such as recurrent ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nassearch.checks import PROBE_REVISION, check_needs, check_options, check_reads
from nassearch.errors import InvalidModel, InvalidSetting, NassearchError
from nassearch.networks.graph import Network
from nassearch.proxies.kinds import Kinds
from nassearch.proxies.scores import Scores, by_kind, checked, number, read
from nassearch.types import Batch, Floats, plain
from nassearch.workers.parts import reduced

if TYPE_CHECKING:
    from nassearch.networks.probe.probe import Probe

ProxyFunction = Callable[..., "Floats | Sequence[float | str]"]
"""`(networks, batch, **options) -> raw scores [N]`; in a list, a text says why one has none."""
ModelFunction = Callable[..., "float | str"]
"""`(model, batch, **options) -> raw score` of one torch module, or why it has none."""


@dataclass(frozen=True)
class Proxy:
    """A zero-cost proxy.

    Attributes:
        name: what it is registered under.
        function: maps N networks of one space and task, and a batch, to raw float64 `[N]`; NaN: not scorable. What
            one network gets does not depend on the others. Its keyword-only parameters are the proxy's options.
        needs: `"inputs"` and `"labels"` of a batch, or nothing.
        higher_is_better: direction of the raw value against accuracy.
        per_key: whether architectures with one key have one value, computed once, or `options -> bool`. False, the
            default, for counts, which see dead layers, and wherever weights are drawn, layer by layer.
        chunk: networks worth passing in one call, or `options -> int`: what an interruption loses, so seconds of work.
        reference: paper and equation.
        resolve: turns options as given into options as computed with, `(space, task, batch, options) -> options`,
            for those that depend on the space; called once by a scorer, before it makes the key of its cache.
        revision: raised with every change after which a network has another score; see `nassearch.provenance.identity`.
    """

    name: str
    function: ProxyFunction
    needs: frozenset[str]
    higher_is_better: bool
    per_key: bool | Callable[[Mapping[str, Any]], bool]
    chunk: int | Callable[[Mapping[str, Any]], int]
    reference: str
    resolve: Callable[..., dict[str, Any]] | None = None
    revision: int | str = 1
    model_function: ModelFunction | None = None
    for_networks: Kinds = field(default_factory=Kinds, compare=False, repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """Return the options with their default values."""
        found = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY}

    def check(self, options: Mapping[str, Any], batch: Batch | None) -> None:
        """Raise `UnknownName` for an option that it does not have, `InvalidSetting` for a wrong kind, seed or batch."""
        check_options(self.name, options, self.options)
        for need in sorted(self.needs):
            if batch is None or getattr(batch, need) is None:
                raise InvalidSetting(f"{self.name} looks at data and needs a batch with {need}")

    def is_per_key(self, options: Mapping[str, Any]) -> bool:
        """Say whether architectures with one key have one value under these options."""
        return self.per_key(options) if callable(self.per_key) else self.per_key

    def chunk_size(self, options: Mapping[str, Any]) -> int:
        """Return how many networks are worth passing in one call under these options."""
        return self.chunk(options) if callable(self.chunk) else self.chunk

    def for_model(self, function: ModelFunction) -> ModelFunction:
        """Declare what this proxy is for one torch module: `(model, batch, **options) -> raw score`."""
        object.__setattr__(self, "model_function", function)
        return function

    def of_model(self, model: Any, batch: Batch | None, **options: Any) -> float:
        """Return the raw score of a torch module, which is left as it was.

        Raises:
            InvalidModel: this proxy has no meaning for modules, or for this one.
            InvalidSetting: its batch is missing, or an option has no meaning.
        """
        if self.model_function is None:
            raise InvalidModel(f"{self.name} is defined for architectures of a search space, not for modules")
        self.check(options := plain(options), batch)
        return number(self.name, self.model_function(model, batch, **options))

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self, self.for_networks.from_elsewhere(self.function))

    def __call__(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Floats:
        """Return raw scores, float64 `[N]`, NaN where there is none."""
        return self.scored(networks, batch, **options)[0]

    def scored(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Scores:
        """Return raw scores, and by position why there is none where there is a reason."""
        self.check(options := plain(options), batch)
        return together([(self, options, batch)], networks)[0]


def proxy(
    *,
    reference: str,
    needs: Sequence[str] = (),
    higher_is_better: bool = True,
    per_key: bool | Callable[[Mapping[str, Any]], bool] = False,
    chunk: int | Callable[[Mapping[str, Any]], int] = 64,
    resolve: Callable[..., dict[str, Any]] | None = None,
    revision: int = 1,
) -> Callable[[ProxyFunction], Proxy]:
    """Declare a proxy.

    >>> @proxy(reference="an example")
    ... def depth(networks, batch, *, scale=1.0):
    ...     return [scale * sum(1 for _ in network.blocks()) for network in networks]
    >>> depth.options
    {'scale': 1.0}
    """

    def declare(function: ProxyFunction) -> Proxy:
        check_needs(getattr(function, "__name__", ""), needs)
        facts = frozenset(needs), higher_is_better, per_key, chunk, reference, resolve, revision
        declared = Proxy(getattr(function, "__name__", ""), function, *facts)
        object.__setattr__(declared, "__doc__", function.__doc__)
        return declared

    return declare


PASS: dict[str, Any] = {"batch_size": 64, "seed": 0, "init": "default", "bias": "default"}
"""Options of every model proxy, with their defaults: what its probe depends on. Proxies that agree in them share one.

batch_size: how many of the batch to look at, from its beginning. seed: of the initial weights, the same for every
architecture. init, bias: see `nassearch.networks.modules.initialise`; a module that a user gives keeps its own weights.
"""


@dataclass(frozen=True)
class ModelProxy(Proxy):
    """A proxy of one torch model on one batch. Its function maps a `Probe` to a raw score, NaN: not scorable.

    Attributes:
        reads: what of the probe it reads, of `nassearch.checks.READS`; nothing else of these can be read.
        defaults: values of `PASS` that its paper chose otherwise.
    """

    reads: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)

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

    def of_model(self, model: Any, batch: Batch | None, **options: Any) -> float:
        self.check(options := plain(options), batch)
        (value,) = read_one([(self, options)], model, batch)
        return number(self.name, value)

    def settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that its probe depends on."""
        return {name: {**self.options, **options}[name] for name in PASS}

    def settings_of_model(self, options: Mapping[str, Any], size: int) -> dict[str, Any]:
        """Return what the probe of a module depends on; a batch smaller than the default size is taken whole."""
        settings = self.settings(options)
        if {"init", "bias"} & options.keys():
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
    resolve: Callable[..., dict[str, Any]] | None = None,
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
        check_needs(name, needs)
        check_reads(name, reads)
        declared = ModelProxy(
            name,
            function,  # type: ignore[arg-type]
            frozenset(needs),
            higher_is_better,
            per_key=False,
            chunk=CHUNK,
            reference=reference,
            resolve=resolve,
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


def _together(requests: Sequence[Request], kind: type, networks: Sequence[Network]) -> list[Scores]:
    answers: dict[int, Scores] = {}
    shared: dict[str, list[int]] = {}
    requests = [(proxy, options, batch if proxy.needs else None) for proxy, options, batch in requests]
    for place, (proxy, options, batch) in enumerate(requests):
        own = proxy.for_networks.choose(proxy, kind, options)
        if own is None and isinstance(proxy, ModelProxy):
            key = f"{proxy.settings(options)} {batch.digest() if batch else None}"
            shared.setdefault(key, []).append(place)
        else:
            answers[place] = checked(proxy.name, own or partial(proxy.function, **options), networks, batch)
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
