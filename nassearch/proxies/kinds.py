"""What a proxy is for networks of other kinds than `Network`, and which proxies have a meaning for a kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network
from nassearch.networks.module_network import ModuleNetwork
from nassearch.spaces.built import kind_of
from nassearch.types import Task

if TYPE_CHECKING:
    from nassearch.spaces.base import SearchSpace

Resolve = Callable[..., dict[str, Any]]
"""`(space, task, batch, options) -> options`."""
CUT = "batch_size"
"""The option by which a scorer has cut the batch already, so that a function need not know it."""
Function = TypeVar("Function", bound=Callable[..., Any])


class Kinds:
    """Functions of one proxy by kind of network; called with a kind it declares one.

    @epsilon.for_networks(RecurrentNetwork)
    def _epsilon_recurrent(networks, batch, *, weights=None): ...

    A kind that is derived from another has the function of that one, unless it has its own.
    """

    def __init__(self) -> None:
        self.functions: dict[type, Callable[..., Any]] = {}
        self.resolves: dict[type, Resolve] = {}

    def __call__(self, kind: type, resolve: Resolve | None = None) -> Callable[[Function], Function]:
        """Declare the function for one kind: `(networks, batch, **options) -> raw scores [N]`, for any proxy.

        It takes the options of the proxy that mean something for the kind; others are refused where they are given.
        `resolve` is for this kind what `Proxy.resolve` is for `Network`. Without one, options are taken as they are
        given, but where the function is of the proxy's own module, whose `resolve` then knows the kind.
        """

        def declare(function: Function) -> Function:
            self.functions[kind] = function
            if resolve is not None:
                self.resolves[kind] = resolve
            return function

        return declare

    def from_elsewhere(self, own: Callable[..., Any]) -> dict[type, Callable[..., Any]]:
        """Return the functions that were declared outside of the module that the proxy itself is of."""
        return {kind: f for kind, f in self.functions.items() if f.__module__ != own.__module__}

    def find(self, kind: type) -> Callable[..., Any] | None:
        """Return the function for a kind or the nearest one that it is derived from, None for `Network` itself."""
        for base in kind.__mro__:
            if base in self.functions or base is Network:
                return self.functions.get(base)
        raise LookupError(kind)

    def declares(self, kind: type) -> bool:
        """Return whether there is a function for a kind itself, or for one that it is derived from."""
        return not self.functions.keys().isdisjoint(kind.__mro__)

    def resolver(self, proxy: Any, space: SearchSpace, task: Task) -> Resolve | None:
        """Return what turns options as given into options as computed with, for the networks of a space."""
        if not self.functions:
            return proxy.resolve  # type: ignore[no-any-return]
        for base in kind_of(space, task).__mro__:
            if base in self.functions:
                same = self.functions[base].__module__ == proxy.function.__module__
                return self.resolves.get(base, proxy.resolve if same else None)
        return proxy.resolve  # type: ignore[no-any-return]

    def choose(self, proxy: Any, kind: type, options: Mapping[str, Any]) -> Callable[..., Any] | None:
        """Return what maps networks of a kind and a batch to raw scores, None where that is the proxy's own function.

        Raises:
            InvalidSetting: there is none, and the message names the proxies that have one; or an option that is given
                has no meaning for the kind.
        """
        try:
            function = self.find(kind)
        except LookupError:
            raise InvalidSetting(without_meaning(proxy.name, kind)) from None
        if function is None:
            return None
        parameters = inspect.signature(function).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            return lambda networks, batch: function(networks, batch, **options)
        names = {p.name for p in parameters}
        for name, value in options.items():
            if name not in {*names, CUT} and value != proxy.options[name]:
                raise InvalidSetting(
                    f"option {name} of {proxy.name} has no meaning for a {kind.__name__}: leave {name}={value!r} out"
                )
        taken = {name: value for name, value in options.items() if name in names}
        return lambda networks, batch: function(networks, batch, **taken)


def without_meaning(name: str, kind: type) -> str:
    """Say that a proxy has no meaning for a kind of network, and which have one."""
    known, _ = registry.parts("proxies")
    have = ", ".join(other for other, proxy in known.items() if _has(proxy, kind)) or "none"
    what = "torch modules" if issubclass(kind, ModuleNetwork) else f"a {kind.__name__}"
    return f"{name} has no meaning for {what}; these have one: {have}"


def _has(proxy: Any, kind: type) -> bool:
    if issubclass(kind, ModuleNetwork) and proxy.takes_modules:
        return True
    try:
        return proxy.for_networks.find(kind) is not None
    except LookupError:
        return False
