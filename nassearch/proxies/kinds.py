"""What a proxy computes for networks that are not `Network`, such as recurrent ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from nassearch import registry
from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Network

Function = TypeVar("Function", bound=Callable[..., Any])


class Kinds:
    """Functions of one proxy by kind of network; called with a kind it declares one.

    @epsilon.for_networks(RecurrentNetwork)
    def _epsilon_recurrent(networks, batch, *, weights=None): ...
    """

    def __init__(self) -> None:
        self.functions: dict[type, Callable[..., Any]] = {}

    def __call__(self, kind: type) -> Callable[[Function], Function]:
        """Declare the function for one kind; it takes the options of the proxy."""

        def declare(function: Function) -> Function:
            self.functions[kind] = function
            return function

        return declare

    def choose(self, name: str, function: Callable[..., Any], networks: Sequence[Any]) -> Callable[..., Any]:
        """Return the function for networks, all of one kind; `function` is that for `Network`.

        Raises:
            InvalidSetting: there is none; the message names the proxies that have one.
        """
        kind = type(networks[0]) if networks else Network
        if kind is Network:
            return function
        if kind not in self.functions:
            known, _ = registry.parts("proxies")
            have = [name for name, proxy in known.items() if kind in proxy.for_networks.functions]
            raise InvalidSetting(
                f"{name} has no meaning for a {kind.__name__}; these have one: {', '.join(have)}"
            )
        return self.functions[kind]
