"""What a proxy is: one function, with what it needs and where it comes from declared beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.networks.graph import Network
from nassearch.types import Batch, Floats

ProxyFunction = Callable[..., Floats]
"""`(networks, batch, **options) -> raw scores [N]`."""


@dataclass(frozen=True)
class Proxy:
    """A zero-cost proxy.

    Attributes:
        name: what it is registered under.
        function: maps N networks of one space and task, and a batch, to raw float64 `[N]`; NaN: not scorable. What
            one network gets does not depend on the others. Its keyword-only parameters are the proxy's options.
        needs: `"inputs"` and `"labels"` of a batch, or nothing.
        higher_is_better: direction of the raw value against accuracy.
        per_key: whether architectures with one key have one value. False for counts, which see dead layers.
        chunk: networks worth passing in one call.
        reference: paper and equation.
        resolve: turns options as given into options as computed with, `(space, task, batch, options) -> options`,
            for those that depend on the space; called once by a scorer, before it makes the key of its cache.
    """

    name: str
    function: ProxyFunction
    needs: frozenset[str]
    higher_is_better: bool
    per_key: bool
    chunk: int
    reference: str
    resolve: Callable[..., dict[str, Any]] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Return the options with their default values."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}

    def check(self, options: Mapping[str, Any], batch: Batch | None) -> None:
        """Raise `UnknownName` for an option that it does not have, `InvalidSetting` where its batch is missing."""
        for option in options:
            if option not in self.options:
                raise UnknownName(f"option of {self.name}", option, self.options)
        for need in sorted(self.needs):
            if batch is None or getattr(batch, need) is None:
                raise InvalidSetting(f"{self.name} looks at data and needs a batch with {need}")

    def __reduce__(self) -> tuple[Any, ...]:
        # The decorator leaves the proxy under the function's name, so the function cannot be found by it.
        return _at, (self.function.__module__, self.name)

    def __call__(self, networks: Sequence[Network], batch: Batch | None = None, **options: Any) -> Floats:
        """Return raw scores, float64 `[N]`."""
        self.check(options, batch)
        return np.asarray(self.function(networks, batch, **options), dtype=np.float64)


def _at(module: str, name: str) -> Proxy:
    return getattr(import_module(module), name)  # type: ignore[no-any-return]


def proxy(
    *,
    reference: str,
    needs: Sequence[str] = (),
    higher_is_better: bool = True,
    per_key: bool = True,
    chunk: int = 64,
    resolve: Callable[..., dict[str, Any]] | None = None,
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
        declared = Proxy(
            name, function, frozenset(needs), higher_is_better, per_key, chunk, reference, resolve
        )
        object.__setattr__(declared, "__doc__", function.__doc__)
        return declared

    return declare
