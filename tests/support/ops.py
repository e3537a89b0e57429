"""A space of three layers in a row, small enough for the contracts to walk it whole."""

from __future__ import annotations

from nassearch.networks.graph import Builder, Network
from nassearch.spaces.choices import Choices
from nassearch.types import Arch, Task

TASK = Task((3, 8, 8), 10, (4, 4), 1)
SKIP, CONV1, CONV3, POOL = range(4)
OPS = ("skip", "conv1", "conv3", "pool")


class Ops(Choices):
    """Three layers in a row, each one of four operations; a skip is no layer, so that keys are shared."""

    name = "ops"
    choices = (OPS,) * 3
    keys_differ = False

    def key(self, arch: Arch) -> str:
        return ":".join(OPS[op] for op in self.check(arch) if op != SKIP) or "nothing"

    def network(self, arch: Arch, task: Task) -> Network:
        build = Builder(task.input_shape)
        x = build.batch_norm(build.conv(0, task.channels[0]))
        for op in self.check(arch):
            if op == POOL:
                x = build.avg_pool(x, 3, 1, 1)
            elif op != SKIP:
                x = build.batch_norm(build.conv(build.relu(x), task.channels[0], kernel=2 * op - 1))
        build.linear(build.global_pool(x), task.classes)
        return Network(((build.done(), 1),))
