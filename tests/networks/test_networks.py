"""The interpreters of one network held against each other, against formulas and against hand computation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from nassearch.errors import InvalidSetting
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.counting import macs, operations, parameters
from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.network import TorchNetwork, constant_outputs, one_thread
from nassearch.networks.positive.expected import expected_synflow
from nassearch.networks.positive.sampled import scaled_dual
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.training.grouped import GroupedNetworks
from nassearch.types import Task

SPACE = NASBench201()
IMAGES = Task((3, 12, 12), 10, (4, 8, 8), 2)
SIGNALS = Task((1, 40), 10, (8, 16), 1, "pool", 2)
KINDS = {
    "conv": (torch.nn.Conv1d, torch.nn.Conv2d),
    "linear": (torch.nn.Linear,),
    "batch_norm": (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d),
}
ARCHS = SPACE.sample_many(8, np.random.default_rng(4))


@pytest.fixture(autouse=True)
def single() -> Iterator[None]:
    """Small layers only wait for a second thread."""
    with one_thread():
        yield


def two_layers() -> Network:
    """A 1x1 convolution from 2 to 3 channels, ReLU, global pooling, and a classifier of 2."""
    stem = Builder((2, 2, 2))
    stem.conv(0, 3, kernel=1)
    head = Builder(stem.shape)
    head.linear(head.global_pool(head.relu(0)), 2)
    return Network(((stem.done(), 1), (head.done(), 1)))


def inputs(task: Task, batch: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(batch, *task.input_shape)).astype(np.float32)


# ---- constant weights on one channel


@pytest.mark.parametrize("task", [IMAGES, SIGNALS], ids=["images", "signals"])
def test_the_collapsed_network_gives_the_outputs_of_the_full_one(task: Task) -> None:
    networks = [SPACE.network(arch, task) for arch in ARCHS]
    x = inputs(task)
    collapsed = collapsed_outputs(networks, x, (1e-3, 1.0))
    for network, rows in zip(networks, collapsed, strict=True):
        for weight, row in zip((1e-3, 1.0), rows, strict=True):
            full = constant_outputs(network, torch.from_numpy(x), weight).numpy()
            # Both are float32 with additions in another order, over up to some thousand terms per output.
            np.testing.assert_allclose(row, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())


def test_a_constant_network_by_hand() -> None:
    x = np.array([[[[1, 2], [3, 4]], [[0, 0], [0, -20]]]], np.float32)
    # The sum over channels is 1, 2, 3, -16; times w = 2 and ReLU: 2, 4, 6, 0; the mean is 3; times w * 3: 18.
    assert collapsed_outputs([two_layers()], x, [2.0]).tolist() == [[[18.0]]]


def test_small_signals_die_by_float32_underflow() -> None:
    x = inputs(IMAGES)
    outputs = collapsed_outputs([SPACE.network((3,) * 6, Task((3, 12, 12), 10))], x, (1e-7,))
    assert not outputs.any()


def test_a_network_does_not_depend_on_its_company() -> None:
    networks = [SPACE.network(arch, SIGNALS) for arch in ARCHS]
    x = inputs(SIGNALS)
    alone = np.concatenate([collapsed_outputs([network], x, (1e-7, 1.0)) for network in networks])
    np.testing.assert_array_equal(collapsed_outputs(networks, x, (1e-7, 1.0)), alone)
    alone = np.concatenate([expected_synflow([network]) for network in networks])
    np.testing.assert_array_equal(expected_synflow(networks), alone)


def test_weights_run_together_give_what_each_gives_alone() -> None:
    networks = [SPACE.network(arch, SIGNALS) for arch in ARCHS]
    x = inputs(SIGNALS)
    together = collapsed_outputs(networks, x, (1e-7, 1.0))
    for k, weight in enumerate((1e-7, 1.0)):
        np.testing.assert_array_equal(together[:, k], collapsed_outputs(networks, x, (weight,))[:, 0])


def test_a_relu_on_the_raw_input_is_refused() -> None:
    stem = Builder((2, 2, 2))
    stem.conv(stem.relu(0), 3)
    head = Builder(stem.shape)
    head.linear(head.global_pool(0), 2)
    network = Network(((stem.done(), 1), (head.done(), 1)))
    with pytest.raises(InvalidSetting, match="relu on the raw input"):
        collapsed_outputs([network], np.zeros((1, 2, 2, 2), np.float32), [1.0])


# ---- torch modules


def test_the_torch_module_draws_from_its_generator_alone() -> None:
    network = SPACE.network(ARCHS[0], IMAGES)
    before = torch.random.get_rng_state()
    models = [TorchNetwork(network, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(before, torch.random.get_rng_state())
    states = [torch.cat([p.flatten() for p in model.parameters()]) for model in models]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_the_torch_module_has_pytorch_default_bounds() -> None:
    model = TorchNetwork(SPACE.network((3,) * 6, IMAGES), torch.Generator().manual_seed(0))
    drawn = 0
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            largest = module.weight.abs().max().item()
            assert largest <= bound
            # All of 100 or more uniform draws fall below 0.8 of their bound with probability 0.8 ** 100 < 1e-9.
            assert largest > 0.8 * bound or module.weight.numel() < 100
            drawn += 1
    assert drawn == 1 + 2 * 3 * 6 + 2 * 3 + 1


def test_the_module_holds_what_counting_counts() -> None:
    for task in (IMAGES, SIGNALS):
        for arch in ARCHS:
            network = SPACE.network(arch, task)
            held = sum(p.numel() for p in TorchNetwork(network, None).parameters())
            assert held == parameters(network)


@pytest.mark.parametrize("task", [IMAGES, SIGNALS], ids=["images", "signals"])
def test_grouped_training_computes_the_torch_module(task: Task) -> None:
    """Copy the grouped weights, layer by layer, into a module of the same live layers."""
    arch = (3, 4, 2, 1, 4, 3)  # every edge is live, and no two weighted layers stand at one depth
    network = SPACE.network(arch, task)
    grouped = GroupedNetworks([network], [5]).double()
    model = TorchNetwork(network, None).double()
    x = torch.from_numpy(inputs(task)).double()
    expected = grouped(x)[0]
    blocks = iter(model.blocks)
    with torch.no_grad():
        for place, stage in enumerate(grouped.stages):
            for repeat in range(stage.repeats):
                block = next(blocks)
                left = [m for m in block.layers if list(m.parameters())]
                for k, step in enumerate(stage.steps):
                    if step.layer.op not in ("conv", "linear", "batch_norm"):
                        continue
                    assert len(step.members) == 1
                    weight = "gain" if step.layer.op == "batch_norm" else "weight"
                    prefix = f"{place}_{repeat}_{k}_"
                    module = _take(left, step.layer.op, grouped.weights[prefix + weight].numel())
                    for ours, theirs in (("weight", weight), ("bias", "bias")):
                        if getattr(module, ours, None) is not None:
                            source = grouped.weights[prefix + theirs]
                            getattr(module, ours).copy_(source.reshape(getattr(module, ours).shape))
                assert not left
    # float64: what is left is the order of additions.
    torch.testing.assert_close(model.train()(x), expected, rtol=1e-9, atol=1e-9)


def _take(left: list[torch.nn.Module], op: str, numbers: int) -> torch.nn.Module:
    """Remove the first module of that kind and size; both programs order a chain of layers alike."""
    for module in left:
        if isinstance(module, KINDS[op]) and module.weight.numel() == numbers:
            left.remove(module)
            return module
    raise AssertionError(f"no module is left for {op} with {numbers} weights")


# ---- dual numbers


@pytest.mark.parametrize("task", [IMAGES, SIGNALS], ids=["images", "signals"])
def test_dual_numbers_give_the_synflow_of_autograd(task: Task) -> None:
    for arch in ARCHS:
        model = TorchNetwork(SPACE.network(arch, task), torch.Generator().manual_seed(3)).double()
        dual = scaled_dual(model, task.input_shape).value
        assert dual == pytest.approx(synflow_by_autograd(model, task), rel=1e-9)


def synflow_by_autograd(model: TorchNetwork, task: Task) -> float:
    for module in model.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
                setattr(module, name, torch.nn.Identity())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    model(torch.ones(1, *task.input_shape, dtype=torch.float64)).sum().backward()
    layers = [
        m for m in model.modules() if isinstance(m, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Linear)
    ]
    used = [m.weight for m in layers if m.weight.grad is not None]
    return float(sum((weight.detach() * weight.grad).abs().sum() for weight in used))


def test_expected_synflow_is_the_mean_of_samples() -> None:
    samples = 150
    task = Task((3, 6, 6), 4, (3, 4), 1)
    for arch in ARCHS[:3]:
        network = SPACE.network(arch, task)
        drawn = np.array(
            [
                scaled_dual(
                    TorchNetwork(network, torch.Generator().manual_seed(k)).double(), task.input_shape
                ).value
                for k in range(samples)
            ]
        )
        error = drawn.std(ddof=1) / math.sqrt(samples)
        # Fixed seeds; with fresh ones, 4 standard errors would be left by a right mean 6e-5 of the time.
        assert expected_synflow([network])[0] == pytest.approx(drawn.mean(), abs=4 * error)


def mean_weights(model: TorchNetwork) -> TorchNetwork:
    """Set every parameter of convolutions and classifier to E|theta| under PyTorch's default initialisation."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, KINDS["conv"] + KINDS["linear"]):
                for parameter in module.parameters():
                    parameter.fill_(1 / (2 * math.sqrt(module.weight[0].numel())))
    return model


@pytest.mark.parametrize(
    "task", [IMAGES, SIGNALS, Task((3, 8, 12), 4, (3, 4), 2)], ids=["images", "signals", "oblong"]
)
def test_expected_synflow_is_that_of_the_mean_weights_at_full_width(task: Task) -> None:
    for arch in [*ARCHS, (3,) * 6, (0,) * 6]:
        network = SPACE.network(arch, task)
        full = scaled_dual(mean_weights(TorchNetwork(network, None).double()), task.input_shape).value
        assert expected_synflow([network])[0] == pytest.approx(full, rel=1e-12)


def test_expected_synflow_counts_biases_in_the_value_only() -> None:
    stem = Builder((2, 5, 5))
    stem.conv(0, 3, kernel=3, bias=True)
    cell = Builder(stem.shape)
    cell.add([cell.conv(cell.conv(0, 3, kernel=3, bias=True), 3, kernel=1, bias=True), 0])
    head = Builder(stem.shape)
    head.linear(head.global_pool(head.avg_pool(0, 2, stride=2)), 2)
    network = Network(((stem.done(), 1), (cell.done(), 2), (head.done(), 1)))
    full = scaled_dual(mean_weights(TorchNetwork(network, None).double()), (2, 5, 5)).value
    assert expected_synflow([network])[0] == pytest.approx(full, rel=1e-12)


def test_cells_with_one_polynomial_tie_exactly() -> None:
    task = Task((3, 8, 8), 4, (3, 4, 5), 3)
    # 1x1 then 3x3, and 3x3 then 1x1, on one path.
    first, second = ((op, 0, other, 0, 0, 1) for op, other in ((2, 3), (3, 2)))
    scores = expected_synflow([SPACE.network(arch, task) for arch in (first, second)])
    assert scores[0] == scores[1] > 0


def test_expected_synflow_by_hand() -> None:
    # E|theta| is 1 / (2 sqrt 2) in the first layer and 1 / (2 sqrt 3) in the second. On ones the first gives
    # 2 / (2 sqrt 2) per channel, the second 3 / (2 sqrt 3) of that per logit; two logits; two layers of weights.
    value = 2 * (2 / (2 * math.sqrt(2))) * (3 / (2 * math.sqrt(3)))
    assert expected_synflow([two_layers()])[0] == pytest.approx(2 * value, rel=1e-14)


def test_no_networks_no_scores() -> None:
    assert expected_synflow([]).shape == (0,)


# ---- counting


def test_counts_by_hand() -> None:
    network = two_layers()
    assert parameters(network) == 2 * 3 + 3 * 2 + 2
    assert macs(network) == 2 * 3 * 4 + 3 * 2
    # ReLU on 12 numbers, and the window of 3 x 3 per channel that the published count gives a global pooling of 2 x 2.
    assert operations(network) == macs(network) + 12 + 3 * 9


def test_parameters_follow_the_published_formula_everywhere() -> None:
    task = Task((3, 32, 32), 10)
    for arch in SPACE.all():
        if arch[0] == 1:  # a fifth of the space holds every combination of counts of the other five edges
            formula = 73306 + 28000 * arch.count(2) + 243040 * arch.count(3)
            assert parameters(SPACE.network(arch, task)) == formula
