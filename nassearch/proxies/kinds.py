"""What a proxy computes for networks that are not `Network`, such as recurrent ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network

if TYPE_CHECKING:
    from nassearch.spaces.base import SearchSpace
    from nassearch.types import Task

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

    def resolver(self, proxy: Any, space: SearchSpace, task: Task) -> Resolve | None:
        """Return what turns options as given into options as computed with, for the networks of a space."""
        if not self.functions:
            return proxy.resolve  # type: ignore[no-any-return]
        arch = next(iter(space.all()), None)
        kind = Network if arch is None else type(space.network(arch, task))
        for base in kind.__mro__:
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
            known, _ = registry.parts("proxies")
            have = [name for name, other in known.items() if _has(other.for_networks, kind)]
            raise InvalidSetting(
                f"{proxy.name} has no meaning for a {kind.__name__}; these have one: {', '.join(have) or 'none'}"
            ) from None
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


def _has(kinds: Kinds, kind: type) -> bool:
    try:
        return kinds.find(kind) is not None
    except LookupError:
        return False
