"""The contract of search spaces finds each of these faults, and says which rule is broken."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from mutants import complaint, complaints
from ops import CONV1, CONV3, POOL, SKIP, TASK, Ops

from nassearch.networks.graph import Network
from nassearch.spaces.base import CellGraph
from nassearch.testing import SpaceContract
from nassearch.types import Arch, Task


class Raises(Ops):
    def network(self, arch: Arch, task: Task) -> Network:
        if arch[0] == POOL:
            raise NotImplementedError
        return super().network(arch, task)


class IgnoresArch(Ops):
    def network(self, arch: Arch, task: Task) -> Network:
        return super().network((CONV1,) * 3, task)


class IgnoresOneDecision(Ops):
    def network(self, arch: Arch, task: Task) -> Network:
        return super().network((*arch[:2], CONV3), task)


class TakesOneOptionForAnother(Ops):
    def network(self, arch: Arch, task: Task) -> Network:
        return super().network(tuple(CONV1 if op == CONV3 else op for op in arch), task)


class IgnoresClasses(Ops):
    def network(self, arch: Arch, task: Task) -> Network:
        return super().network(arch, Task(task.input_shape, 2, task.channels))


class KnowsOneTask(Ops):
    def network(self, arch: Arch, task: Task) -> Network:
        return super().network(arch, TASK)


class NewEveryTime(Ops):
    def network(self, arch: Arch, task: Task) -> Any:
        return object()


class ConstantKey(Ops):
    def key(self, arch: Arch) -> str:
        return "one"


class SortedKey(Ops):
    """Takes layers to commute, which a convolution and a ReLU do not."""

    def key(self, arch: Arch) -> str:
        return ":".join(sorted(super().key(arch).split(":")))


class KernelsForgotten(Ops):
    def key(self, arch: Arch) -> str:
        return super().key(arch).replace("conv3", "conv").replace("conv1", "conv")


class PoolsForgotten(Ops):
    """Takes a pool for a skip: networks with the same weights, and another function."""

    def key(self, arch: Arch) -> str:
        return super().key(tuple(SKIP if op == POOL else op for op in arch))


class KeysDoNotDiffer(Ops):
    keys_differ = True


class KeyOfThisProcess(Ops):
    def key(self, arch: Arch) -> str:
        return str(hash(super().key(arch)))


class WrongOfKey(Ops):
    def of_key(self, key: str) -> Arch | None:
        return (CONV1,) * 3


class CornerMissing(Ops):
    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return [arch if arch != (POOL,) * 3 else (SKIP,) * 3 for arch in super().sample_many(n, rng)]


class Biased(Ops):
    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        draws = super().sample_many(n, rng)
        return [(max(arch[0], int(rng.integers(4))), *arch[1:]) for arch in draws]


class OneByOneBiased(Ops):
    def sample(self, rng: np.random.Generator) -> Arch:
        return max(self.sample_many(2, rng))


class CornerMissingAlone(Ops):
    def sample(self, rng: np.random.Generator) -> Arch:
        found = super().sample(rng)
        return found if found != (POOL,) * 3 else (POOL, POOL, CONV3)


class GlobalGenerator(Ops):
    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return super().sample_many(n, np.random.default_rng(random.randrange(10**9)))


class StrayDraw(Ops):
    """Gives the right draws, and moves the global generator beside them."""

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        np.random.random()
        return super().sample_many(n, rng)


class HalfTheNeighbours(Ops):
    def neighbours(self, arch: Arch) -> Any:
        return super().neighbours(arch)[::2]


class NeighboursOfTwoDecisions(Ops):
    def neighbours(self, arch: Arch) -> Any:
        return tuple(near for near in super().neighbours(arch) if near[2] == arch[2])


class UpwardsOnly(Ops):
    def neighbours(self, arch: Arch) -> Any:
        return tuple(near for near in super().neighbours(arch) if near > arch or near == (0, 0, 0)) or (
            (0, 0, 0),
        )


class ItselfToo(Ops):
    def neighbours(self, arch: Arch) -> Any:
        return (*super().neighbours(arch), arch)


class TwiceThere(Ops):
    def neighbours(self, arch: Arch) -> Any:
        return (*super().neighbours(arch), super().neighbours(arch)[0])


class OutOfTheSpace(Ops):
    def neighbours(self, arch: Arch) -> Any:
        return (*super().neighbours(arch), (9, 9, 9))


class ItsOwnList(Ops):
    kept: ClassVar[dict[Arch, list[Arch]]] = {}

    def neighbours(self, arch: Arch) -> Any:
        return self.kept.setdefault(arch, list(super().neighbours(arch)))


class StaysSometimes(Ops):
    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return arch if rng.random() < 0.2 else super().mutate(arch, rng)


class FarMutation(Ops):
    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return super().mutate(super().mutate(arch, rng), rng)


class LazyMutation(Ops):
    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        near = self.neighbours(arch)
        return near[int(min(rng.integers(len(near), size=2)))]


class NarrowMutation(Ops):
    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return self.neighbours(arch)[int(rng.integers(2))]


class GlobalMutation(Ops):
    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        return random.choice(self.neighbours(arch))


class ConstantGraph(Ops):
    def graph(self, arch: Arch) -> CellGraph:
        return super().graph((0, 0, 0))


class HalfAGraph(Ops):
    def graph(self, arch: Arch) -> CellGraph:
        return super().graph((*arch[:2], 0))


class BackwardGraph(Ops):
    def graph(self, arch: Arch) -> CellGraph:
        graph = super().graph(arch)
        return graph._replace(adjacency=graph.adjacency.T)


class WrongText(Ops):
    def parse(self, text: str) -> Arch:
        return super().parse(text)[::-1]


class TextOfTwo(Ops):
    def format(self, arch: Arch) -> str:
        return super().format((*arch[:2], max(arch[2], 1)))


class WrongPlace(Ops):
    def index(self, arch: Arch) -> int:
        return self.size - 1 - super().index(arch)


class WrongSize(Ops):
    @property
    def size(self) -> int:
        return 65


class OneTwice(Ops):
    def all(self) -> Iterator[Arch]:
        return iter([*list(super().all())[:-1], (0, 0, 0)])


class NumpyIntegers(Ops):
    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return list(map(tuple, rng.integers(self.options, size=(n, 3))))


class TakesAll(Ops):
    def is_valid(self, arch: Arch) -> bool:
        return True


class DecidesWrongly(Ops):
    def decide(self, decisions: tuple[int, ...]) -> Arch | None:
        return decisions[::-1]


MUTANTS = [
    (Raises, "test_every_architecture_has_a_network", "builds every architecture"),
    (IgnoresArch, "test_every_decision_shows_in_the_network", "whatever decision 0 is"),
    (IgnoresOneDecision, "test_every_decision_shows_in_the_network", "whatever decision 2 is"),
    (TakesOneOptionForAnother, "test_every_option_shows_in_the_network", "options 1 and 2 of decision 0"),
    (IgnoresClasses, "test_a_network_is_for_its_task", "one logit for each class"),
    (KnowsOneTask, "test_a_network_is_for_its_task", "one logit for each class"),
    (NewEveryTime, "test_every_architecture_has_a_network", "compares by its values"),
    (ConstantKey, "test_keys_tell_architectures_apart", "different keys"),
    (ConstantKey, "test_architectures_of_one_key_are_one_function", "share a key compute one function"),
    (SortedKey, "test_architectures_of_one_key_are_one_function", "share a key compute one function"),
    (KernelsForgotten, "test_architectures_of_one_key_are_one_function", "share a key compute one function"),
    (PoolsForgotten, "test_architectures_of_one_key_are_one_function", "share a key compute one function"),
    (KeysDoNotDiffer, "test_keys_differ_where_that_is_declared", "no two architectures share a key"),
    (KeyOfThisProcess, "test_another_process_has_the_same_space", "the same in every process"),
    (WrongOfKey, "test_a_key_leads_back_to_an_architecture_of_it", "an architecture of that key"),
    (CornerMissing, "test_every_architecture_is_drawn", "1 of 64 .* pool:pool:pool"),
    (CornerMissingAlone, "test_every_architecture_is_drawn_alone", "1 of 64"),
    (Biased, "test_draws_are_uniform", r"sample_many\(\) draws uniformly"),
    (OneByOneBiased, "test_draws_are_uniform", r"sample\(\) draws uniformly"),
    (GlobalGenerator, "test_samples_follow_their_stream", "Python's generator"),
    (StrayDraw, "test_samples_follow_their_stream", "numpy's generator"),
    (HalfTheNeighbours, "test_another_option_of_one_decision_is_one_edit", "one edit away are neighbours"),
    (NeighboursOfTwoDecisions, "test_another_option_of_one_decision_is_one_edit", "option of decision 2"),
    (NeighboursOfTwoDecisions, "test_edits_lead_from_everywhere_to_everywhere", "16 of 64 are reached"),
    (UpwardsOnly, "test_one_edit_undoes_another", "not the other way round"),
    (ItselfToo, "test_neighbours_are_others_each_once_and_in_a_fixed_order", "no neighbour of itself"),
    (TwiceThere, "test_neighbours_are_others_each_once_and_in_a_fixed_order", "there once"),
    (OutOfTheSpace, "test_neighbours_are_others_each_once_and_in_a_fixed_order", "belong to the space"),
    (ItsOwnList, "test_nobody_can_change_what_neighbours_returns", "changes nothing for others"),
    (
        StaysSometimes,
        "test_a_mutation_is_a_neighbour_and_every_neighbour_is_one",
        "never the same architecture",
    ),
    (FarMutation, "test_a_mutation_is_a_neighbour_and_every_neighbour_is_one", "one of the neighbours"),
    (
        NarrowMutation,
        "test_a_mutation_is_a_neighbour_and_every_neighbour_is_one",
        "every neighbour is a mutation",
    ),
    (LazyMutation, "test_a_mutation_is_a_neighbour_and_every_neighbour_is_one", "uniform draw"),
    (GlobalMutation, "test_mutations_follow_their_stream", "Python's generator"),
    (ConstantGraph, "test_every_decision_shows_in_the_graph", "whatever decision 0 is"),
    (HalfAGraph, "test_every_decision_shows_in_the_graph", "whatever decision 2 is"),
    (BackwardGraph, "test_a_graph_has_an_operation_on_every_vertex", "earlier to later"),
    (WrongText, "test_text_goes_there_and_back", "reads what"),
    (TextOfTwo, "test_text_goes_there_and_back", "reads what"),
    (WrongPlace, "test_all_are_valid_different_and_as_many_as_it_says", "place in all"),
    (WrongSize, "test_all_are_valid_different_and_as_many_as_it_says", "number of architectures"),
    (OneTwice, "test_all_are_valid_different_and_as_many_as_it_says", "once"),
    (NumpyIntegers, "test_architectures_are_tuples_of_plain_integers", "Python's own integers"),
    (TakesAll, "test_what_is_not_of_the_space_is_refused", "is not valid"),
    (DecidesWrongly, "test_decisions_mean_architectures_or_nothing", "the decisions that mean it"),
]


def test_the_space_without_a_fault_passes() -> None:
    assert complaints(SpaceContract(), {"space": Ops(), "task": TASK}) == {}


@pytest.mark.parametrize(
    ("space", "test", "told"), MUTANTS, ids=[f"{space.__name__}-{test}" for space, test, _ in MUTANTS]
)
def test_the_contract_finds(space: type[Ops], test: str, told: str) -> None:
    found = complaint(SpaceContract(), test, {"space": space(), "task": TASK})
    assert found is not None

    assert re.search(told, found), found
