"""Training many networks at once: each as if alone, and the compiled kernel as the torch program."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402

from nassearch.errors import InvalidSetting, UnknownName  # noqa: E402
from nassearch.spaces.nasbench201 import NASBench201  # noqa: E402
from nassearch.training.grouped import GroupedNetworks  # noqa: E402
from nassearch.training.loop import Training, train  # noqa: E402
from nassearch.types import Batch, Task  # noqa: E402

SPACE = NASBench201()
TASK = Task((1, 40), 10, channels=(4, 8), cells=1, reduction="pool", stem_stride=2)
IMAGES = Task((3, 8, 8), 5, channels=(4, 6), cells=1, reduction="residual")
ARCHS = [
    (3, 1, 3, 2, 4, 3),  # every operation but none
    (2, 3, 0, 0, 3, 4),
    (0, 0, 0, 1, 0, 0),  # nothing but a skip
    (0, 0, 0, 0, 0, 0),  # nothing at all: the logits are the classifier's bias
]


def examples(task: Task, count: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    labels = rng.integers(task.classes, size=count)
    inputs = (
        rng.standard_normal((count, *task.input_shape)) + labels.reshape(-1, *[1] * len(task.input_shape)) / 3
    )
    return Batch(inputs.astype(np.float32), labels)


@pytest.mark.parametrize("task", [TASK, IMAGES], ids=["signals", "images"])
def test_a_network_trains_in_company_as_it_does_alone(task: Task) -> None:
    train_set, held_out = examples(task, 64), {"test": examples(task, 200, seed=1)}
    training = Training(epochs=1, batch_size=16)
    networks = [SPACE.network(arch, task) for arch in ARCHS]
    together = train(networks, [5, 6, 7, 8], 0, training, train_set, held_out)["test"]
    alone = [
        train([network], [seed], 0, training, train_set, held_out)["test"][0]
        for network, seed in zip(networks, [5, 6, 7, 8], strict=True)
    ]
    # Rounding may differ with the size of a matrix product; 1 of 200 answers may turn on it.
    np.testing.assert_allclose(together, alone, atol=0.5)
    assert len(set(together)) > 1


def test_initial_weights_depend_on_the_seed_alone() -> None:
    networks = [SPACE.network(arch, TASK) for arch in ARCHS]
    x = torch.from_numpy(examples(TASK, 8).inputs)
    together = GroupedNetworks(networks, [1, 2, 3, 4])(x)
    alone = GroupedNetworks([networks[1]], [2])(x)[0]
    torch.testing.assert_close(together[1], alone)
    assert not torch.allclose(alone, GroupedNetworks([networks[1]], [3])(x)[0])


def test_gradients_do_not_cross_networks() -> None:
    networks = [SPACE.network(arch, TASK) for arch in ARCHS[:2]]
    model = GroupedNetworks(networks, [1, 2])
    model(torch.from_numpy(examples(TASK, 8).inputs))[0].sum().backward()
    stem = model.weights["0_0_1_weight"].grad
    assert stem is not None and stem[0].abs().sum() > 0 and stem[1].abs().sum() == 0


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(UnknownName, match="compiled"):
        train([], [], 0, Training(), examples(TASK, 64), {}, engine="compield")


class TestCompiled:
    """The kernel is held against the torch program of one network."""

    compiled = pytest.importorskip("nassearch.training.compiled", reason="the compiled kernel needs numba")
    record = staticmethod(import_module("nassearch.training.compiled_program").record)

    @pytest.mark.parametrize("arch", ARCHS[:3] + SPACE.sample_many(5, np.random.default_rng(0)), ids=str)
    def test_logits_gradients_and_statistics_are_those_of_torch(self, arch: tuple[int, ...]) -> None:
        compiled, batch = self.compiled, examples(TASK, 32)
        model = GroupedNetworks([SPACE.network(arch, TASK)], [7])
        program = self.record(model)
        values = np.zeros((program.rows, 32), np.float32)
        grads, columns = np.zeros_like(values), np.zeros((compiled._widest(program.code), 32), np.float32)
        saved, gradient = np.zeros_like(program.statistics), np.zeros_like(program.parameters)
        values[:40] = batch.inputs[:, 0].T
        compiled._forward(program.code, program.parameters, program.statistics, saved, values, columns, True)
        logits = program.code[-1, compiled.WRITE]
        model.train()
        expected = model(torch.from_numpy(batch.inputs))[0]
        # float32 sums of at most a few hundred terms of order 1
        np.testing.assert_allclose(values[logits : logits + 10].T, expected.detach(), atol=2e-6)

        F.cross_entropy(expected, torch.from_numpy(batch.labels)).backward()
        share = torch.softmax(expected.detach(), 1).numpy()
        share[np.arange(32), batch.labels] -= 1
        grads[logits : logits + 10] = share.T / 32
        compiled._backward(program.code, program.parameters, saved, values, grads, columns, gradient)
        with torch.no_grad():
            for weight in model.weights.values():
                weight.copy_(weight.grad if weight.grad is not None else torch.zeros_like(weight))
        np.testing.assert_allclose(gradient, self.record(model).parameters, atol=1e-6)
        variances = np.concatenate(
            [b.numpy() for name, b in model.named_buffers() if name.endswith("variance")]
        )
        np.testing.assert_allclose(np.sort(program.statistics[1]), np.sort(variances), rtol=1e-4)

    def test_training_follows_the_torch_program(self) -> None:
        train_set, held_out = examples(TASK, 512), {"test": examples(TASK, 400, seed=1)}
        # Steps this small keep rounding from growing into another trajectory.
        training = Training(epochs=2, batch_size=16, learning_rate=0.003)
        networks = [SPACE.network(arch, TASK) for arch in ARCHS]
        slow, fast = (
            train(networks, [5, 6, 7, 8], 3, training, train_set, held_out, engine=engine)["test"]
            for engine in ("grouped", "compiled")
        )
        np.testing.assert_allclose(fast, slow, atol=1.0)  # 4 of 400 answers
        assert slow.max() > 20  # chance is 10: something was learnt

    def test_the_last_examples_count_too(self) -> None:
        held_out = examples(TASK, 37, seed=2)
        model = GroupedNetworks([SPACE.network(ARCHS[0], TASK)], [1]).eval()
        program = self.record(model)
        with torch.no_grad():
            answers = model(torch.from_numpy(held_out.inputs))[0].argmax(1).numpy()
        right = self.compiled.count_right(*program, held_out.inputs, held_out.labels, 16)
        assert right == (answers == held_out.labels).sum()

    def test_images_and_groups_are_refused(self) -> None:
        for networks, seeds in (
            ([SPACE.network(ARCHS[0], IMAGES)], [1]),
            ([SPACE.network(arch, TASK) for arch in ARCHS[:2]], [1, 2]),
        ):
            with pytest.raises(InvalidSetting, match="one network of one-dimensional signals"):
                self.record(GroupedNetworks(networks, seeds))
