"""The order in which the compiled kernel runs the operations of a program, and where in memory they write.

Only two things make an operation wait for the end of another: statistics, which are of a whole signal, and a change
of size. All that lies between two such ends runs together, line by line, each line as soon as those that it reads are
there, so that most of what is read is still in the processor's cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassearch.networks.constant.compiled.program import NORM, SUM, Program, Term
from nassearch.networks.kernels import kernel

KIND, FIRST, LAST, HIGH, WIDE, OUT_HIGH, OUT_WIDE, KERNEL, STRIDE, PADDING, COPIES, WRITE, LAG = range(13)


class Schedule(NamedTuple):
    """What the kernel runs.

    Attributes:
        code: int64 `[ops, 13]`, columns as named above. `WRITE` is a slot or, of `NORM`, a norm. A line of an
            operation is computed `LAG` lines after those of the first operations of its group.
        terms: int64 `[terms, 6]`, fields of `Term`; an operation reads those from `FIRST` to before `LAST`.
        groups: int64 `[groups, 2]`: the operations that run together, from the one to before the other.
        slots, norms: how many there are of them. The input is in slot 0, which nothing writes; norm 0 is none.
        outputs: for each network, the slot of its logit.
    """

    code: NDArray[np.int64]
    terms: NDArray[np.int64]
    groups: NDArray[np.int64]
    slots: int
    norms: int
    outputs: NDArray[np.int64]

    @property
    def positions(self) -> int:
        """Return how many positions the largest signal has."""
        sizes = self.code[:, HIGH : OUT_WIDE + 1]
        return int(max((sizes[:, 0] * sizes[:, 1]).max(), (sizes[:, 2] * sizes[:, 3]).max()))

    @property
    def widest(self) -> int:
        """Return how many positions a line with the zeros around it has."""
        return int((self.code[:, WIDE] + 2 * np.maximum(self.code[:, PADDING], 1)).max())


def schedule(program: Program) -> Schedule:
    """Return the operations of a program in groups: network after network, in each as early as can be."""
    code: list[tuple[int, ...]] = []
    terms: list[Term] = []
    for kind, read, before, after, window, copies in program.ops:
        sizes = (*(before or (1, 1)), *(after or (1, 1)))
        code.append((kind, len(terms), len(terms) + len(read), *sizes, *window, copies, 0, 0))
        terms += read
    rows = np.array(terms, np.int64).reshape(-1, 6)
    return Schedule(
        *_arrange(np.array(code, np.int64), rows, np.array(program.owner), np.array(program.outputs))
    )


@kernel()
def _arrange(code: Any, terms: Any, owner: Any, outputs: Any) -> Any:
    count = len(code)
    places = np.zeros(count, np.int64)
    for k in range(1, count):
        for t in range(code[k, FIRST], code[k, LAST]):
            places[k] = max(places[k], places[terms[t, 0]])
            for norm in (terms[t, 1], terms[t, 5]):
                if norm:
                    places[k] = max(places[k], places[norm] + 1)
        places[k] += code[k, HIGH] != code[k, OUT_HIGH] or code[k, WIDE] != code[k, OUT_WIDE]
    keys = ((owner * (places.max() + 1) + places) << 32) + (code[:, OUT_HIGH] << 16) + code[:, OUT_WIDE]
    order = 1 + np.argsort(keys[1:], kind="mergesort")  # keeps what depends on each other in its order
    last_use = np.zeros(count, np.int64)
    for at in range(count - 1):
        for t in range(code[order[at], FIRST], code[order[at], LAST]):
            last_use[terms[t, 0]] = at
    last_use[outputs] = count
    last_use[0] = count
    written, lags, group = np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, -1)
    unused = [-1 for _ in range(0)]
    slots = norms = 1
    groups = np.zeros((count, 2), np.int64)
    many = first = 0
    for at in range(count - 1):
        k = order[at]
        if code[k, KIND] == NORM:
            written[k] = norms
            norms += 1
        elif unused:
            written[k] = unused.pop()
        else:
            written[k] = slots
            slots += 1
        group[k] = many
        reach = code[k, KERNEL] - 1 - code[k, PADDING] if code[k, KIND] != SUM else 0
        for t in range(code[k, FIRST], code[k, LAST]):
            if group[terms[t, 0]] == many:
                lags[k] = max(lags[k], lags[terms[t, 0]] + max(reach, terms[t, 3]))
        if at + 2 == count or keys[order[at + 1]] != keys[k]:
            groups[many] = first, at + 1
            many += 1
            for before in range(first, at + 1):
                for t in range(code[order[before], FIRST], code[order[before], LAST]):
                    slot = terms[t, 0]
                    if last_use[slot] <= at:
                        last_use[slot] = count
                        unused.append(written[slot])
            first = at + 1
    found, read = code[order].copy(), terms.copy()
    for at in range(count - 1):
        found[at, WRITE], found[at, LAG] = written[order[at]], lags[order[at]]
    for t in range(len(terms)):
        read[t, 0], read[t, 1], read[t, 5] = written[terms[t, 0]], written[terms[t, 1]], written[terms[t, 5]]
    return found, read, groups[:many].copy(), slots, norms, written[outputs]
