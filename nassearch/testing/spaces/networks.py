"""What every search space has to keep of its keys, its graphs and its networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nassearch.networks.module_network import ModuleNetwork
from nassearch.proxies.modules import fault_of
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built_or_fault
from nassearch.strategies.gp.graphs import graph_features
from nassearch.testing.spaces.functions import same_function
from nassearch.testing.spaces.looks import looks
from nassearch.testing.spaces.setting import DRAWS, WHOLE, SpaceSetting
from nassearch.types import Arch, Task

PAIRS = 24
"""Pairs of architectures with one key that are compared."""
CENTRES, NEAR = 12, 60
"""Architectures around which decisions are looked for, and neighbours of each."""
MANY = 32
"""Options of a decision of which each is compared with each."""
ENOUGH = 4
"""Of them, those where a decision has an effect, from which on options that are alike are alike everywhere."""


class NetworksContract(SpaceSetting):
    """The part of `SpaceContract` on what architectures stand for."""

    def looked_at(self, space: SearchSpace) -> list[Arch]:
        """Return all architectures, or where they are many some random ones with a few neighbours of each."""
        if space.size <= WHOLE:
            return list(space.all())
        near = [near for arch in self.some(space, CENTRES) for near in space.neighbours(arch)[:NEAR]]
        return list(dict.fromkeys([*self.some(space, 5 * DRAWS), *near]))

    def test_keys_are_texts_that_stay(self, space: SearchSpace) -> None:
        for arch in self.some(space):
            assert isinstance(space.key(arch), str) and space.key(arch), "a key is a text"
            assert space.key(arch) == space.key(arch), "a key stays"

    def test_keys_tell_architectures_apart(self, space: SearchSpace) -> None:
        some = set(self.some(space))
        keys = {space.key(arch) for arch in some}
        assert len(some) == 1 or len(keys) > 1, (
            "architectures that differ have different keys: here all have one"
        )

    def test_keys_differ_where_that_is_declared(self, space: SearchSpace) -> None:
        if space.keys_differ:
            archs = self.looked_at(space)
            keys = {space.key(arch) for arch in archs}
            assert len(keys) == len(archs), (
                f"keys_differ says that no two architectures share a key; {len(archs)} have {len(keys)} keys"
            )

    def test_a_key_leads_back_to_an_architecture_of_it(self, space: SearchSpace) -> None:
        if space.size <= WHOLE:
            for arch in self.some(space, 20):
                found = space.of_key(space.key(arch))
                assert found is not None and space.key(found) == space.key(arch), (
                    "of_key() returns an architecture of that key"
                )
            assert space.of_key("no such key") is None, "of_key() returns None for an unknown key"

    def test_architectures_of_one_key_are_one_function(self, space: SearchSpace, task: Task) -> None:
        """Compare random pairs; where a share p of them is wrong, that is missed with probability (1 - p) ** 24."""
        if space.keys_differ:
            return
        classes: dict[str, list[Arch]] = {}
        for arch in self.looked_at(space):
            classes.setdefault(space.key(arch), []).append(arch)
        shared = [found for found in classes.values() if len(found) > 1]
        rng = np.random.default_rng(8)
        for place in rng.permutation(len(shared))[:PAIRS].tolist() * (PAIRS // max(1, len(shared)) or 1):
            one, other = (shared[place][i] for i in rng.choice(len(shared[place]), 2, replace=False).tolist())
            assert same_function(space.network(one, task), space.network(other, task), task), (
                f"architectures that share a key compute one function where equal layers have equal weights: "
                f"{space.format(one)} and {space.format(other)} share {space.key(one)[:80]!r} and do not"
            )

    def test_every_architecture_has_a_network(self, space: SearchSpace, task: Task) -> None:
        for arch in self.some(space, 50):
            try:
                network = looks(space, arch, task)
                if not self.partial:
                    space.network(arch, task)
            except Exception as error:
                raise AssertionError(
                    f"network() builds every architecture; that of {space.format(arch)} raises {error!r}. Where the "
                    "networks are not for images, override the fixture task; where some architectures may have none, "
                    "declare partial = True"
                ) from error
            assert network == looks(space, arch, task), (
                "network() returns plain data that compares by its values, or a module that follows the seed, the same "
                "every time"
            )

    def test_a_network_is_for_its_task(self, space: SearchSpace, task: Task) -> None:
        from nassearch.networks.graph import Network

        for arch in self.some(space, 3):
            for given in (task, replace(task, classes=task.classes + 1)):
                network = built_or_fault(space, arch, given)
                if isinstance(network, ModuleNetwork):
                    fault = fault_of(network, None)
                    assert not fault or self.partial, f"the module of {space.format(arch)}: {fault}"
                    continue
                if type(network) is not Network:
                    return  # another kind says itself what it is for
                last = network.chain[-1][0][-1]
                assert network.input_shape == given.input_shape, "a network takes inputs of the task's shape"
                assert (last.channels, last.size) == (given.classes, ()), (
                    "a network ends in one logit for each class of the task"
                )

    def test_every_field_of_its_skeleton_shows_in_the_network(self, space: SearchSpace, task: Task) -> None:
        for field, usual in space.skeleton.items():
            now = getattr(task, field)
            other: Any = {"residual": "pool", "pool": "residual"}[now] if field == "reduction" else 2
            if field != "reduction" and now is not None:
                other = tuple(2 * width for width in now) if field == "channels" else 2 * now
            for arch in self.some(space, 2):
                same = looks(space, arch, task) == looks(space, arch, replace(task, **{field: other}))
                assert not same, (
                    f"a space looks at each field of Task that its skeleton names: networks are the same for {field} "
                    f"{now} and {other} (usual: {usual})"
                )

    def test_every_decision_shows_in_the_network(self, space: SearchSpace, task: Task) -> None:
        self.shown(space, "network", lambda arch: looks(space, arch, task))

    def test_every_option_shows_in_the_network(self, space: SearchSpace, task: Task) -> None:
        """Compare the options of a decision where it has an effect, as one behind a zero has none."""
        if space.options is None or not self.free:
            return
        some = self.some(space, CENTRES)
        for place, options in enumerate(space.options):
            count = min(options, MANY)
            alike, met = set(itertools.combinations(range(count), 2)), 0
            for arch in some if place not in self.unseen else ():
                ways = [space.decide((*arch[:place], option, *arch[place + 1 :])) for option in range(count)]
                built = [None if way is None else looks(space, way, task) for way in ways]
                if None not in built and any(network != built[0] for network in built):
                    met += 1
                    alike = {(one, other) for one, other in alike if built[one] == built[other]}
            assert not alike or met < ENOUGH, (
                f"network() shows what the architecture decides: it is the same for options {min(alike)[0]} and "
                f"{min(alike)[1]} of decision {place}, wherever that has an effect; declare unseen = ({place},) where "
                "that is meant"
            )

    def test_every_decision_shows_in_the_graph(self, space: SearchSpace) -> None:
        def plain(arch: Arch) -> Any:
            graph = space.graph(arch)
            return graph.adjacency.tolist(), graph.ops.tolist(), graph.names

        self.shown(space, "graph", plain)

    def shown(self, space: SearchSpace, name: str, look: Callable[[Arch], Any]) -> None:
        """Fail where neighbours that differ in one decision alone always look the same."""
        met: set[int] = set()
        seen: set[int] = set()
        for arch in self.some(space, CENTRES):
            here = look(arch)
            for near in space.neighbours(arch)[:NEAR]:
                changed = [p for p, (a, b) in enumerate(zip(arch, near, strict=False)) if a != b]
                if len(near) == len(arch) and len(changed) == 1 and not seen.issuperset(changed):
                    met.update(changed)
                    if look(near) != here:
                        seen.update(changed)
        hidden = sorted(met - seen - set(self.unseen))
        assert not hidden, (
            f"{name}() shows what the architecture decides: it is the same whatever decision {hidden[0]} is; declare "
            f"unseen = ({hidden[0]},) where that is meant"
        )
        if not self.unseen:
            some = list({space.key(arch): arch for arch in self.some(space, DRAWS // 4)}.values())
            different: list[Any] = []
            for arch in some:
                found = look(arch)
                different += [] if found in different else [found]
            assert 2 * len(different) > len(some), (
                f"{name}() shows what the architecture decides: {len(some)} architectures of different keys have "
                f"{len(different)}"
            )

    def test_a_graph_has_an_operation_on_every_vertex(self, space: SearchSpace) -> None:
        names = set()
        for arch in self.some(space, 20):
            graph = space.graph(arch)
            vertices = len(graph.ops)
            assert graph.adjacency.shape == (vertices, vertices), "adjacency is [V, V] for V operations"
            assert graph.adjacency.dtype == bool, "adjacency is of truth values"
            assert not np.tril(graph.adjacency).any(), "edges go from earlier to later vertices"
            assert graph.ops.min() >= 0 and graph.ops.max() < len(graph.names), (
                "operations are places in names"
            )
            names.add(graph.names)
            inputs, outputs = graph.ends
            assert inputs >= 1 and outputs >= 1 and inputs + outputs <= len(graph.names), (
                "ends of a graph says how many of its names are of inputs and how many of outputs, at least one each"
            )
        assert len(names) == 1, "the predictor reads the graphs of a space by one list of names"

    def test_graphs_are_those_of_graph_in_one(self, space: SearchSpace) -> None:
        archs = self.some(space, 20)
        found, expected = space.graphs(archs), SearchSpace.graphs(space, archs)
        assert (found.names, found.ends) == (expected.names, expected.ends), (
            "graphs() has the names of graph()"
        )
        assert np.array_equal(graph_features(found), graph_features(expected)), (
            "graphs() tells of the same ways from input to output as graph()"
        )

    def test_features_are_the_same_numbers_for_every_architecture(self, space: SearchSpace) -> None:
        some = self.some(space, 20)
        found = [space.features(arch) for arch in some]
        assert all([*each] == [*found[0]] for each in found), (
            "features() has the same names for every architecture"
        )
        assert all(math.isfinite(value) for each in found for value in each.values()), (
            "features() are finite numbers"
        )
        assert found == [space.features(arch) for arch in some], "features() of an architecture stay"
