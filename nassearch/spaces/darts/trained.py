"""The space of NAS-Bench-301 (Zela et al., 2022): a list of genotypes of DARTS."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from typing import Any, ClassVar

from nassearch.networks.graph import Network
from nassearch.spaces.base import CellGraph
from nassearch.spaces.darts.cells import canonical
from nassearch.spaces.darts.space import Darts
from nassearch.spaces.listed import Listed
from nassearch.types import Arch, Task


class NASBench301(Listed):
    """A list of genotypes out of the 10^18 of DARTS: those that were trained (Zela et al., 2022).

    Architectures, their texts, keys and networks are those of `Darts`. Neighbours are the nearest of the list, see
    `nassearch.spaces.listed`; the distance is the number of edges that one genotype has and the other has not, with
    nodes in the canonical order. One edit makes a distance of 2.

    Args:
        archs: the list; what is there twice counts once.
    """

    name: ClassVar[str] = "nasbench301"
    skeleton: ClassVar[dict[str, Any]] = {"channels": (32,), "layers": 8}
    proxy_defaults: ClassVar[dict[str, dict[str, Any]]] = Darts.proxy_defaults
    whole: ClassVar[Darts] = Darts()

    def marks(self, arch: Arch) -> Counter[Hashable]:
        """Count the edges of both cells by their node, input and operation."""
        return Counter(
            (kind, node, *edge)
            for kind, edges in enumerate(self.whole.edges(arch))
            for node, pair in enumerate(canonical(edges))
            for edge in pair
        )

    def rule(self) -> str:
        return f"one of the {self.size} genotypes of its list"

    def key(self, arch: Arch) -> str:
        """Return that of `Darts`, which isomorphic cells share."""
        return self.whole.key(arch)

    def parse(self, text: str) -> Arch:
        """Read a genotype as `Darts` does, or a place in the list such as `17`.

        A genotype need not be in the list: what has no meaning outside of it, such as a query, refuses it later.
        """
        if re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
            return self.at(int(text.strip()))
        return self.whole.parse(text)

    def from_naslib(self, numbers: tuple[int, ...]) -> Arch:
        """Return the genotype of NASLib's 32 numbers, which need not be in the list."""
        return self.whole.from_naslib(numbers)

    def format(self, arch: Arch) -> str:
        return self.whole.format(arch)

    def graph(self, arch: Arch) -> CellGraph:
        """Return both cells as a graph, see `Darts`."""
        return self.whole.graph(arch)

    def network(self, arch: Arch, task: Task) -> Network:
        """Return the CIFAR network of DARTS; the benchmark's has 32 channels and 8 cells.

        Args:
            arch: need not be in the list.
            task: its channels and layers.
        """
        return self.whole.network(arch, task)
