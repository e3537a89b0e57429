"""A space of a user's own: choices, and the function that builds the torch module of some of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nassearch.errors import InvalidArch, excerpt
from nassearch.networks.module_network import ModuleNetwork
from nassearch.spaces.base import CellGraph, SearchSpace
from nassearch.spaces.own import tree
from nassearch.spaces.own.building import build_module, parameters_of
from nassearch.spaces.own.choices import Choice, Choices, check_exclusive, every, read_choices
from nassearch.spaces.own.described import Description
from nassearch.spaces.own.trying import try_space
from nassearch.spaces.own.values import given, pairs
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from torch import nn

SHOWN = 8
"""Options of a choice that messages name."""


class ModuleSpace(SearchSpace):
    """All torch modules that a function gives for some choices.

        def build(depth, block, expansion=None, *, classes, input_shape): ...

        space = ModuleSpace({"depth": [1, 2], "block": {"basic": {}, "wide": {"expansion": [2, 4]}}}, build)
        space.format(space.sample(rng))  # 'depth=2,block=wide,expansion=4'
        space.network(arch, task)  # a torch.nn.Module

    An architecture has one whole number for each choice, 0 for one that is not there, so that choices that are not
    there never tell two architectures apart. Draws are uniform over architectures. One edit takes another option of
    one choice that is there, see `nassearch.spaces.own.tree.neighbours`. Nothing lists the space.

    Args:
        choices: options by name, a list each; where an option brings choices of its own, a dictionary by option, see
            `nassearch.spaces.own.choices`. Options are numbers, texts, true or false, None, tuples of these, functions
            and classes.
        build: called with the choices that are there, by name, and where its signature has them with `classes` and
            `input_shape` of the data; returns a new torch.nn.Module. What it draws comes from torch's global
            generator, which is set to a proxy's seed, or a training's, before it is called.
        name: for errors and results; None for module and name of `build`.

    Raises:
        InvalidSetting: choices or build mean nothing, or do not fit each other.
    """

    keys_differ: ClassVar[bool] = True
    has_cells: ClassVar[bool] = False
    network_kind: ClassVar[type] = ModuleNetwork

    def __init__(
        self, choices: Mapping[str, Any], build: Callable[..., Any], name: str | None = None
    ) -> None:
        self.choices, self.build = choices, build
        self._tried: set[Task] = set()
        self._takes = parameters_of(build, self._tree)
        self.choices = copy.deepcopy(choices)  # a caller may go on with its own
        inner = build
        while isinstance(inner, partial):
            inner = inner.func
        called = getattr(inner, "__name__", type(inner).__name__)
        self.name = name or f"{getattr(inner, '__module__', None) or 'own'}.{called}"  # type: ignore[misc]

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what is computed on the way."""
        return {name: getattr(self, name) for name in ("choices", "build", "name", "_takes", "_tried")}

    @cached_property
    def _tree(self) -> Choices:
        found = read_choices(self.choices)
        check_exclusive(found)
        return found

    @cached_property
    def _every(self) -> tuple[Choice, ...]:
        return tuple(every(self._tree))

    @cached_property
    def _description(self) -> Description:
        return Description(self._tree)

    @property
    def made_of(self) -> tuple[Any, ...]:
        return (self.build,)

    @cached_property
    def size(self) -> int:
        return tree.ways(self._tree)

    @cached_property
    def options(self) -> tuple[int, ...]:
        return tuple(len(choice.values) for choice in self._every)

    def decide(self, decisions: tuple[int, ...]) -> Arch:
        """Return the architecture that decisions mean: those of choices that are not there count for nothing."""
        arch = [0] * len(decisions)
        for choice in tree.active(self._tree, decisions):
            arch[choice.place] = decisions[choice.place]
        return tuple(arch)

    def decided(self, arch: Arch) -> Iterator[tuple[int, int]]:
        return ((choice.place, arch[choice.place]) for choice in tree.active(self._tree, self.check(arch)))

    def all(self) -> Iterator[Arch]:
        return map(self._numbered, iter(range(self.size)))

    def _numbered(self, number: int) -> Arch:
        arch = [0] * len(self._every)
        tree.unrank(self._tree, number, arch)
        return tuple(arch)

    def index(self, arch: Arch) -> int:
        return tree.rank(self._tree, self.check(arch))

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return [self._numbered(number) for number in tree.draws(self.size, n, rng)]

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """Return a uniform draw from the neighbours; in a space of one architecture that one."""
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))] if near else arch

    def neighbours(self, arch: Arch) -> tuple[Arch, ...]:
        return tuple(tree.neighbours(self._tree, self.check(arch)))

    def is_valid(self, arch: Arch) -> bool:
        return (
            isinstance(arch, tuple)
            and len(arch) == len(self.options)
            and all(
                isinstance(option, int) and 0 <= option < count
                for option, count in zip(arch, self.options, strict=True)
            )
            and self.decide(arch) == arch
        )

    def rule(self) -> str:
        return f"it has {', '.join(map(_told, self._tree))}"

    def key(self, arch: Arch) -> str:
        """Return the text of the architecture."""
        return self.format(arch)

    def of_key(self, key: str) -> Arch | None:
        try:
            arch = self.parse(key)
        except InvalidArch:
            return None
        return arch if self.format(arch) == key else None

    def format(self, arch: Arch) -> str:
        """Write the choices that are there, `depth=2,width=16,block=basic`."""
        self.check(arch)
        return ",".join(f"{c.name}={c.texts[arch[c.place]]}" for c in tree.active(self._tree, arch))

    def parse(self, text: str) -> Arch:
        """Read `depth=2,width=16,block=basic`, in any order, or the place in `all()`."""
        if text.strip().isascii() and text.strip().isdigit() and len(text) < 4000:
            if int(text) >= self.size:
                raise InvalidArch(f"a place of {self.name} is from 0 to {self.size - 1}, not {excerpt(text)}")
            return self._numbered(int(text))
        said: dict[str, str] = {}
        for name, value in pairs(text):
            if name in said:
                raise InvalidArch(f"{excerpt(text)} says {name} twice")
            said[name] = value
        arch = [0] * len(self._every)
        self._read(self._tree, said, text, arch)
        if said:
            name = next(iter(said))
            known = dict.fromkeys(choice.name for choice in self._every)
            why = "is not there with these options" if name in known else f"is none of {', '.join(known)}"
            raise InvalidArch(f"the choice {excerpt(name)} of {excerpt(text)} {why}: {self._example()}")
        return tuple(arch)

    def _read(self, choices: Choices, said: dict[str, str], text: str, into: list[int]) -> None:
        for choice in choices:
            if choice.name not in said:
                raise InvalidArch(f"{excerpt(text)} does not say {choice.name}: {self._example()}")
            value = said.pop(choice.name)
            if value not in choice.texts:
                raise InvalidArch(
                    f"{excerpt(value)} in {excerpt(text)} is no option: there is {_told(choice)}"
                )
            into[choice.place] = choice.texts.index(value)
            self._read(choice.below[into[choice.place]], said, text, into)

    def _example(self) -> str:
        return f"an example is {self.format(self._numbered(0))}"

    def graph(self, arch: Arch) -> CellGraph:
        """Return the choices that are there, see `nassearch.spaces.own.described.Description`."""
        return self._description.graph(self.check(arch))

    def features(self, arch: Arch) -> dict[str, float]:
        """Return what the choices are as numbers."""
        return self._description.features(arch)

    def chosen(self, arch: Arch) -> dict[str, Any]:
        """Return what `build` is called with: the choices that are there, by name.

        >>> ModuleSpace({"depth": [1, 2]}, lambda depth: ...).chosen((1,))
        {'depth': 2}
        """
        there = tree.active(self._tree, self.check(arch))
        return {choice.name: given(choice.values[arch[choice.place]]) for choice in there}

    def network(self, arch: Arch, task: Task) -> nn.Module:
        """Return the module that `build` gives, its weights drawn by torch's global generator as it stands.

        Raises:
            InvalidModel: build fails for these choices, or returns something else than a new module.
        """
        return build_module(self.build, self.chosen(arch), self.format(arch), self._takes, task)

    def try_out(self, task: Task) -> None:
        """Build some architectures, see `nassearch.spaces.own.trying.try_space`; once for a task.

        Raises:
            InvalidModel: none of them works, or modules share parameters.
        """
        if task not in self._tried:
            try_space(self, task)
            self._tried.add(task)


def _told(choice: Choice) -> str:
    texts = [*choice.texts[:SHOWN], *(["..."] if len(choice.texts) > SHOWN else [])]
    brings = {text: some for text, some in zip(choice.texts[:SHOWN], choice.below, strict=False) if some}
    more = "; ".join(f"with {text} {', '.join(map(_told, some))}" for text, some in brings.items())
    return f"{choice.name} of {', '.join(texts)}{f' ({more})' if more else ''}"


Space = ModuleSpace
"""What `nassearch.Space` is."""
