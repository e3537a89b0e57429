"""Write many networks down as one program: equal layers of different networks become one step on stacked arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.networks.graph import Block, Layer, Network


class Source(NamedTuple):
    """Rows of an earlier step that go to rows of this one.

    Attributes:
        step: position of the earlier step.
        rows: which of its rows, `[k]`; None for all of them in order.
        into: the rows of this step that they are added to, `[k]`; None for all of them in order.
    """

    step: int
    rows: np.ndarray | None
    into: np.ndarray | None


class Step(NamedTuple):
    """One layer of n networks at once.

    Attributes:
        layer: the layer they share; its `inputs` say nothing here.
        members: the network that each row of the result `[n, ...]` belongs to.
        sources: where the input comes from. A layer with one input reads the sources one after the other; an `add`
            sums them into its rows.
    """

    layer: Layer
    members: np.ndarray
    sources: tuple[Source, ...]


class Stage(NamedTuple):
    """The blocks at one place of the chain, and how often they stand there in a row.

    Step 0 is the input `[N, ...]`; the last step gives the blocks' outputs `[N, ...]`.
    What a row holds does not depend on which other networks are in the program.
    """

    steps: tuple[Step, ...]
    repeats: int


def stack(
    networks: Sequence[Network], rewrite: Callable[[Block], Block] = lambda block: block
) -> list[Stage]:
    """Stack networks of one space and task.

    Args:
        networks: N networks whose chains have one length, one set of repeats and equal shapes between the blocks.
        rewrite: applied to each block first, to leave out or merge layers.

    Raises:
        InvalidSetting: the chains differ.
    """
    repeats = {tuple(count for _, count in network.chain) for network in networks}
    if len(repeats) != 1:
        raise InvalidSetting(f"networks with different chains cannot be stacked: repeats {sorted(repeats)}")
    rewritten: dict[Block, Block] = {}
    stages = []
    for place, count in enumerate(repeats.pop()):
        for network in networks:
            block = network.chain[place][0]
            if block not in rewritten:
                rewritten[block] = rewrite(block)
        blocks = [rewritten[network.chain[place][0]] for network in networks]
        stages.append(Stage(tuple(_stack_blocks(blocks)), count))
    return stages


Place = tuple[int, int]
"""(member, position) in the blocks, or (step, row) in the program."""


def _stack_blocks(blocks: Sequence[Block]) -> list[Step]:
    groups: dict[tuple[int, Layer], list[Place]] = {}
    for member, block in enumerate(blocks):
        depths: list[int] = []
        for position, layer in enumerate(block):
            depths.append(1 + max((depths[i] for i in layer.inputs), default=-1))
            groups.setdefault((depths[-1], layer._replace(inputs=())), []).append((member, position))

    steps: list[Step] = []
    where: dict[Place, Place] = {}
    for (_, layer), places in sorted(groups.items(), key=lambda item: item[0]):
        origins = [[where[m, i] for i in blocks[m][p].inputs] for m, p in places]
        if (
            layer.op != "add"
        ):  # rows from one source side by side, so that reading them is one slice or gather
            order = sorted(range(len(places)), key=lambda row: (origins[row], row))
            places, origins = [places[row] for row in order], [origins[row] for row in order]
        for row, place in enumerate(places):
            where[place] = (len(steps), row)
        steps.append(Step(layer, np.array([m for m, _ in places]), _sources(origins, steps)))

    ends = [where[member, len(block) - 1] for member, block in enumerate(blocks)]
    if ends != [(len(steps) - 1, row) for row in range(len(blocks))]:
        last = blocks[0][-1]
        identity = Layer("add", (), last.channels, last.size)
        steps.append(Step(identity, np.arange(len(blocks)), _sources([[end] for end in ends], steps)))
    return steps


def _sources(origins: Sequence[Sequence[Place]], steps: Sequence[Step]) -> tuple[Source, ...]:
    reads = sorted(
        (step, slot, row, into)
        for into, places in enumerate(origins)
        for slot, (step, row) in enumerate(places)
    )
    sources = []
    for step, group in groupby(reads, key=lambda read: read[0]):
        _, _, rows, into = map(list, zip(*group, strict=True))
        whole = list(range(len(steps[step].members)))
        sources.append(
            Source(
                step,
                None if rows == whole else np.array(rows),
                None if into == list(range(len(origins))) else np.array(into),
            )
        )
    return tuple(sources)
