"""Every cell of NAS-Bench-101 up to the order of its vertices, found by enumeration in a quarter of a second.

A *drawing* is a graph on vertices 0 (input) to 6 (output) whose edges go from lower to higher numbers, written as a
number of 21 bits: that of edge (i, j) has the value 2^(i + j (j - 1) / 2), as in the script that made the benchmark.
It is pruned: a vertex that does not lie on a way from input to output has no edges. One graph has up to 120 drawings,
since vertices 1 to 5 may come in any order that its edges allow. *Colours* are the operations of vertices 1 to 5 as a
number of five digits of base 3; an unused vertex has 0. A cell is `drawing * 243 + colours`.
"""

from __future__ import annotations

from functools import cache, cached_property
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

VERTICES = 7
INNER = VERTICES - 2
MOST_EDGES = 9
KINDS = 3
"""Operations that an inner vertex can have."""
EDGES = tuple((i, j) for i in range(VERTICES) for j in range(i + 1, VERTICES))
BITS = len(EDGES)
SHIFTS = tuple(i + j * (j - 1) // 2 for i, j in EDGES)
"""The place of each edge's bit in a drawing."""
COLOURS: int = KINDS**INNER
LENGTH = BITS + INNER

Ints = NDArray[Any]
_ORDERS = tuple((0, *order, VERTICES - 1) for order in permutations(range(1, VERTICES - 1)))
"""Ways to number the vertices anew: vertex i becomes order[i]."""
_FLIPS = 1 << np.arange(BITS)
_DIGITS = np.array(list(product(range(KINDS), repeat=INNER)), dtype=np.uint8)
_PLACES = KINDS ** np.arange(INNER)[::-1]
_BIT = {edge: 1 << shift for edge, shift in zip(EDGES, SHIFTS, strict=True)}
_ABSENT = 1 << BITS
"""Marks an edge that an order turns backwards."""
# Sets of vertices are numbers of seven bits, like the columns of a drawing.
_MEMBER = [1 << v for v in range(VERTICES)]
_WITHIN = np.array(
    [
        sum(_BIT[i, j] for i, j in EDGES if used & _MEMBER[i] and used & _MEMBER[j])
        for used in range(1 << VERTICES)
    ],
    dtype=np.int32,
)
"""The edges within each set of vertices."""
_KEEP = np.array(
    [_DIGITS * [bool(used & _MEMBER[v]) for v in range(1, VERTICES - 1)] @ _PLACES for used in range(128)],
    dtype=np.uint8,
)
"""[set, colours] -> the colours with those outside the set made 0."""


def _renumber_colours() -> tuple[Ints, Ints]:
    """Return `[120, 243]`, the colours after each order, and `[120]`, the order that undoes each."""
    inner = np.array(_ORDERS)[:, 1:-1] - 1
    after = np.empty((len(inner), COLOURS), dtype=np.uint8)
    for n, order in enumerate(inner):
        moved = np.empty_like(_DIGITS)
        moved[:, order] = _DIGITS
        after[n] = moved @ _PLACES
    place = {order: n for n, order in enumerate(_ORDERS)}
    return after, np.array([place[(0, *(np.argsort(order) + 1).tolist(), VERTICES - 1)] for order in inner])


def _renumber_drawings(drawings: Ints) -> Ints:
    """Return `[120, N]`, the drawings after each order; 2^21 or more where an edge would go backwards."""
    found = np.zeros((len(_ORDERS), len(drawings)), dtype=np.int32)
    sevens = np.arange(1 << 7)
    for new, order in zip(found, _ORDERS, strict=True):
        moved = dict(zip(SHIFTS, (_BIT.get((order[i], order[j]), _ABSENT) for i, j in EDGES), strict=True))
        for shift in (0, 7, 14):
            bits = [np.where(sevens >> k & 1, moved[shift + k], 0) for k in range(7)]
            new |= np.bitwise_or.reduce(bits).astype(np.int32)[drawings >> shift & 127]
    return found


def _pruned_drawings() -> Ints:
    """Return every pruned drawing of at most nine edges, ascending."""
    drawings = np.arange(1 << BITS, dtype=np.int32)
    drawings = drawings[np.bitwise_count(drawings) <= MOST_EDGES]
    for v in range(VERTICES):
        enters = drawings & sum(_BIT[i, j] for i, j in EDGES if j == v) != 0
        leaves = drawings & sum(_BIT[i, j] for i, j in EDGES if i == v) != 0
        # Without cycles this is enough: backwards from a vertex that something enters one ends at the input.
        drawings = drawings[leaves if v == 0 else enters if v == VERTICES - 1 else enters == leaves]
    return drawings


class _Moves(NamedTuple):
    """What one flip of an edge does to a graph, as steps that its colours take; `[M]` each but the first.

    Attributes:
        symmetric: `[S, 243]`, the colours after each symmetry of the graph.
        back: the order that leads from the canonical drawing to the one that is flipped.
        kept: the vertices that stay in use.
        fill: colours of those that come in.
        order: what makes the new drawing canonical.
        group: of the symmetries of the new graph.
        base: the new graph with all colours 0, as a cell.
    """

    symmetric: Ints
    back: Ints
    kept: Ints
    fill: Ints
    order: Ints
    group: Ints
    base: Ints


class Cells:
    """The 423,624 cells and the tables that find the canonical form of any other.

    The canonical drawing of a graph is the least of its drawings, as a number, and of all numberings that give it a
    cell has that of the least colours. Unused vertices then come last, before the output. It is the form that the
    benchmark's authors found first, so the one they trained: how many channels a vertex has depends on it.

    Attributes:
        codes: int64 `[423624]`, the canonical cells, ascending: the order in which the authors' script finds them.
    """

    def __init__(self) -> None:
        self._drawings = _pruned_drawings()
        renumbered = _renumber_drawings(self._drawings)
        # [D]: the number in _ORDERS of what makes each drawing canonical.
        self._order = renumbered.argmin(axis=0)
        least = renumbered.min(axis=0)
        self._graphs, self._graph = np.unique(least, return_inverse=True)
        symmetric = renumbered[:, least == self._drawings] == self._graphs
        groups, self._group = np.unique(symmetric.T, axis=0, return_inverse=True)
        self._symmetries = [np.flatnonzero(group) for group in groups]
        self._after, self._undo = _renumber_colours()
        # [groups, 243]: the least of the colourings that the symmetries of a graph make the same.
        self._least = np.stack([self._after[group].min(axis=0) for group in self._symmetries])
        self._used = np.bitwise_or.reduce(
            [np.where(self._drawings & bit, _MEMBER[i] | _MEMBER[j], 0) for (i, j), bit in _BIT.items()]
        )
        used = self._used[np.searchsorted(self._drawings, self._graphs)]
        every = np.arange(COLOURS)
        canonical = (self._least == every)[self._group] & (every == _KEEP)[used]
        graph, colours = np.nonzero(canonical)
        self.codes: Ints = self._graphs[graph].astype(np.int64) * COLOURS + colours
        self._moves_of: dict[int, _Moves] = {}

    @cached_property
    def place(self) -> dict[int, int]:
        """Each canonical cell's place in `codes`."""
        return {code: place for place, code in enumerate(self.codes.tolist())}

    @cached_property
    def _drawing_of(self) -> Ints:
        """`[2^21]`: the place in `_drawings` of each matrix once pruned, -1 where nothing or too much is left."""
        matrices = np.arange(1 << BITS, dtype=np.int32)
        feeds = [(matrices >> v * (v - 1) // 2 & (_MEMBER[v] - 1)).astype(np.uint8) for v in range(VERTICES)]
        forth = np.full(len(matrices), _MEMBER[0], dtype=np.uint8)
        back = np.full(len(matrices), _MEMBER[-1], dtype=np.uint8)
        for v in range(1, VERTICES):
            forth |= ((feeds[v] & forth) != 0) * np.uint8(_MEMBER[v])
        for v in reversed(range(1, VERTICES)):
            back |= feeds[v] * (back >> v & 1)
        place = np.full(1 << BITS, -1, dtype=np.int16)
        place[self._drawings] = np.arange(len(self._drawings))
        # Where the output is not reached no edge is left, and no drawing has no edge.
        found: Ints = place[matrices & _WITHIN[forth & back]]
        return found

    def canonical(self, matrices: Any, colours: Any) -> Ints:
        """Return the canonical cell of each matrix `[...]` and colours `[...]`, pruned or not.

        -1 where the output is cut off or more than nine edges are left.
        """
        drawing = self._drawing_of[matrices]
        kept = _KEEP[self._used[drawing], colours]
        group = self._group[self._graph[drawing]]
        least = self._least[group, self._after[self._order[drawing], kept]]
        found = self._graphs[self._graph[drawing]].astype(np.int64) * COLOURS + least
        return np.where(drawing < 0, -1, found)

    def neighbours(self, code: int) -> Ints:
        """Return the cells that one edit of a matrix or of an operation makes of this one, ascending.

        An unused vertex may have any operation, and any edges that pruning removes, so an edit can bring it in.
        """
        drawing, colours = divmod(code, COLOURS)
        graph = int(np.searchsorted(self._graphs, drawing))
        moves = self._moves_of.get(graph)
        if moves is None:
            moves = self._moves_of[graph] = self._moves(graph)
        coloured = np.unique(moves.symmetric[:, colours])[:, None]
        drawn = _KEEP[moves.kept, self._after[moves.back, coloured]] + moves.fill
        flipped = moves.base + self._least[moves.group, self._after[moves.order, drawn]]
        digits = _DIGITS[colours]
        inner = int(np.bitwise_count(self._used[np.searchsorted(self._drawings, drawing)])) - 2
        step = np.arange(1, KINDS)[:, None]
        other = (
            colours + ((digits[:inner] + step) % KINDS - digits[:inner].astype(np.int64)) * _PLACES[:inner]
        )
        changed = drawing * COLOURS + self._least[self._group[graph], other].astype(np.int64)
        return np.unique(np.concatenate([flipped.ravel(), changed.ravel()]))

    @cached_property
    def _matrices(self) -> tuple[Ints, Ints]:
        """Every matrix, sorted by the graph that pruning leaves, and `[graphs + 1]` where each graph's begin."""
        graph = np.append(self._graph, -1).astype(np.int16)[self._drawing_of]
        order = graph.argsort(kind="stable").astype(np.int32)
        return order, np.searchsorted(graph, np.arange(len(self._graphs) + 1), sorter=order)

    def _moves(self, graph: int) -> _Moves:
        order, begins = self._matrices
        matrices = order[begins[graph] : begins[graph + 1]]
        source = np.repeat(self._drawing_of[matrices], BITS).astype(np.int64)
        target = self._drawing_of[matrices[:, None] ^ _FLIPS].ravel().astype(np.int64)
        changes = (target >= 0) & (target != source)
        pairs = np.unique(source[changes] << 32 | target[changes])
        source, target = pairs >> 32, pairs & (1 << 32) - 1
        # Every operation for the vertices that the flip brings in.
        new = self._used[target] & ~self._used[source]
        pair, fill = np.nonzero((np.arange(COLOURS) == _KEEP)[new])
        source, target = source[pair], target[pair]
        # A symmetry colours a drawing in another way, and a flip may fit the order of the vertices in only one of them.
        symmetries = self._symmetries[self._group[graph]]
        return _Moves(
            self._after[symmetries],
            self._undo[self._order[source]],
            self._used[source] & self._used[target],
            fill,
            self._order[target],
            self._group[self._graph[target]],
            self._graphs[self._graph[target]].astype(np.int64) * COLOURS,
        )


@cache
def cells() -> Cells:
    """Return the cells, enumerated at the first call."""
    return Cells()
