"""What a proxy is: one function, with what it needs and where it comes from declared beside it.

`proxy` makes a proxy of a function that looks at the plain data of many networks. With `for_model` such a proxy says
what it is for a torch module that is not of a search space, with `for_networks` what it is for networks that are not
`Network`, such as recurrent ones. Most proxies look at one torch model on one batch: see `nassearch.proxies.model`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from nassearch.checks import check_names, check_options
from nassearch.errors import BrokenPart, InvalidModel, InvalidSetting
from nassearch.networks.graph import Network
from nassearch.networks.module_network import ModuleNetwork
from nassearch.proxies.kinds import Kinds, Resolve, without_meaning
from nassearch.proxies.modules import SEED, chosen_options, noise_for, own_options
from nassearch.proxies.scores import Scores, by_kind, checked, number
from nassearch.types import Batch, Floats, plain
from nassearch.workers.parts import reduced

if TYPE_CHECKING:
    pass

ProxyFunction = Callable[..., "Floats | Sequence[float | str]"]
"""`(networks, batch, **options) -> raw scores [N]`; in a list, a text says why one has none."""
ModelFunction = Callable[..., "float | str"]
"""`(model, batch, **options) -> raw score` of one torch module, or why it has none."""
Check = Callable[[Mapping[str, Any]], None]
"""`options -> None`; raises `InvalidSetting` where a value has no meaning."""
NEEDS = ("inputs", "labels")
"""What a proxy can need of a batch."""


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
        resolve: fills in the options that depend on the space, `(space, task, batch, options) -> options`; called
            once by a scorer, before it makes the key of its cache.
        check_values: refuses values of options that have no meaning, `options -> None`; it is given every option,
            with its default where it was left out.
        revision: raised with every change after which a network has another score; see `nassearch.provenance.identity`.
    """

    name: str
    function: ProxyFunction
    needs: frozenset[str]
    higher_is_better: bool
    per_key: bool | Callable[[Mapping[str, Any]], bool]
    chunk: int | Callable[[Mapping[str, Any]], int]
    reference: str
    resolve: Resolve | None = None
    check_values: Check | None = None
    revision: int | str = 1
    model_function: ModelFunction | None = None
    check_model_values: Check | None = None
    for_networks: Kinds = field(default_factory=Kinds, compare=False, repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """Return the options with their default values."""
        found = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY}

    def check(self, options: Mapping[str, Any], batch: Batch | None) -> None:
        """Raise `UnknownName` for an option that it does not have, `InvalidSetting` for a wrong value or batch."""
        found = inspect.signature(self.function).parameters
        # "int | None = 3": the default is a number, and none has a meaning too.
        left_out = [name for name, value in options.items() if value is None and name in found]
        nullable = {name for name in left_out if str(found[name].annotation).endswith("| None")}
        check_options(self.name, options, self.options, nullable)
        if self.check_values is not None:
            self.check_values({**self.options, **options})
        for need in sorted(self.needs):
            if batch is None or getattr(batch, need) is None:
                raise InvalidSetting(f"{self.name} looks at data and needs a batch with {need}")

    def is_per_key(self, options: Mapping[str, Any]) -> bool:
        """Say whether architectures with one key have one value under these options."""
        return self.per_key(options) if callable(self.per_key) else self.per_key

    def chunk_size(self, options: Mapping[str, Any]) -> int:
        """Return how many networks are worth passing in one call under these options."""
        return self.chunk(options) if callable(self.chunk) else self.chunk

    def for_model(self, function: ModelFunction, check: Check | None = None) -> ModelFunction:
        """Declare what this proxy is for one torch module: `(model, batch, **options) -> raw score`.

        `check` refuses values of options that mean nothing there, before any module is built.
        """
        object.__setattr__(self, "model_function", function)
        object.__setattr__(self, "check_model_values", check)
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

    @property
    def takes_modules(self) -> bool:
        """Return whether it has a meaning for torch modules."""
        return self.model_function is not None

    @property
    def module_options(self) -> dict[str, Any]:
        """Return the options that mean something for the torch modules of a space, with their defaults."""
        seed = {name: value for name, value in self.options.items() if name == SEED}
        return {**(own_options(self.model_function) if self.model_function else {}), **seed}

    def options_of_modules(self, given: Mapping[str, Any], batch: Batch | None) -> dict[str, Any]:
        """Return all options for the torch modules of a space.

        Raises:
            InvalidSetting: the proxy has no meaning for modules, and the message names those that have one; or an
                option that is given has none.
        """
        if not self.takes_modules:
            raise InvalidSetting(without_meaning(self.name, ModuleNetwork))
        options = chosen_options(self.name, self.module_options, given)
        if self.check_model_values is not None:
            self.check_model_values(options)
        return options

    def _of_network(
        self, network: ModuleNetwork, batch: Batch | None, options: Mapping[str, Any]
    ) -> float | str:
        if network.fault:
            return network.fault
        own = own_options(self.model_function) if self.model_function else {}
        try:
            taken = {name: value for name, value in options.items() if name in own}
            return self.of_model(network.module, batch or noise_for(network), **taken)
        except InvalidModel as error:
            return str(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self, self.for_networks.from_elsewhere(self.function))

    def __call__(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Floats:
        """Return raw scores, float64 `[N]`, NaN where there is none."""
        return self.scored(networks, batch, **options)[0]

    def scored(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Scores:
        """Return raw scores, and by position why there is none where there is a reason."""
        self.check(options := plain(options), batch)
        return by_kind(networks, 1, lambda kind, some: [self.scored_alone(kind, some, batch, options)])[0]

    def scored_alone(
        self, kind: type, networks: Sequence[Any], batch: Batch | None, options: Mapping[str, Any]
    ) -> Scores:
        """Return what `scored` does for networks of one kind and options that have been checked."""
        function: Callable[..., Any]
        if issubclass(kind, ModuleNetwork) and self.takes_modules and not self.for_networks.declares(kind):
            function = lambda networks, batch: [self._of_network(n, batch, options) for n in networks]  # noqa: E731
        else:
            function = self.for_networks.choose(self, kind, options) or partial(self.function, **options)
        return checked(self.name, function, networks, batch if self.needs else None)


def proxy(
    *,
    reference: str,
    needs: Sequence[str] = (),
    higher_is_better: bool = True,
    per_key: bool | Callable[[Mapping[str, Any]], bool] = False,
    chunk: int | Callable[[Mapping[str, Any]], int] = 64,
    resolve: Resolve | None = None,
    check: Check | None = None,
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
        name = getattr(function, "__name__", "")
        check_names(f"need of proxy {name}", needs, NEEDS)
        check_call(name, function, "networks", "batch")
        facts = frozenset(needs), higher_is_better, per_key, chunk, reference, resolve, check, revision
        declared = Proxy(name, function, *facts)
        object.__setattr__(declared, "__doc__", function.__doc__)
        return declared

    return declare


def check_call(name: str, function: Callable[..., Any], *given: str) -> None:
    """Raise `BrokenPart` where a function cannot be called with what a proxy is given, by position."""
    try:
        inspect.signature(function).bind(*given)
    except TypeError as error:
        raise BrokenPart(
            f"the proxy {name} is called with ({', '.join(given)}), and its function cannot be: {error}; options are "
            "keyword-only parameters with defaults"
        ) from None
