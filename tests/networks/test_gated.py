"""Layers of networks for phones, in every interpreter: held against modules that know nothing of descriptions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from gated import Stage, described, module_of, random_stages

from nassearch import registry
from nassearch.errors import InvalidModel, InvalidSetting, UnknownName
from nassearch.networks.constant.activations import activate, slopes
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.constant.collapsed_torch import torch_outputs
from nassearch.networks.constant.degrees import is_proportional
from nassearch.networks.counting import layers, macs, parameters
from nassearch.networks.graph import ACTIVATIONS, Builder, Network
from nassearch.networks.modules.network import ACTIVATION, TorchNetwork, constant_outputs, one_thread
from nassearch.networks.positive.expected import expected_synflow, scaled_synflow
from nassearch.networks.positive.expected_log import expected_logsynflow
from nassearch.networks.positive.mean_network import is_curved, mean_synflow
from nassearch.networks.positive.module import scaled_module_synflow
from nassearch.networks.positive.sampled import scaled_dual, scaled_sample
from nassearch.networks.probe.passes import noise
from nassearch.networks.thinned import thinned
from nassearch.networks.tracing.macs import module_macs
from nassearch.proxies.model import together
from nassearch.scorers.any_module import score_or_tell
from nassearch.training.grouped import GroupedNetworks
from nassearch.types import Batch

SHAPE, CLASSES = (3, 33, 27), 5
RNG = np.random.default_rng(0)
STAGES = [random_stages(RNG) for _ in range(6)]
PLAIN = [[s._replace(gate=None) for s in random_stages(RNG, ("relu", "relu6"))] for _ in range(4)]
"""Without what is no sum over paths, but for the ends."""
INPUTS = RNG.normal(size=(12, *SHAPE)).astype(np.float32)
BATCH = Batch(INPUTS, RNG.integers(CLASSES, size=12))
QUICK = {
    "batch_size": 12,
    "initialisations": 3,
    "passes": CLASSES,
    "weights": (1e-3, 1.0),
    "estimator": "sampled",
}
OF_DESCRIPTIONS = {"expressivity", "progressivity", "trainability", "linear_regions"}
"""Proxies that look at blocks, or at a cell of one channel, which modules do not tell of."""


def linear(network: Network) -> Network:
    """Return a network with ReLUs for all that is curved, so that it is a sum over paths."""
    chain = []
    for block, repeats in network.chain:
        changed = [y._replace(op="relu6") if y.op in ACTIVATIONS else y for y in block]
        chain.append((tuple(changed), repeats))
    return Network(tuple(chain))


def at_means(network: Network) -> TorchNetwork:
    """Return a module whose weights are E|W| of PyTorch's default initialisation, 1 / (2 sqrt(fan_in))."""
    model = TorchNetwork(network, None).double()
    for layer in model.modules():
        weight = getattr(layer, "weight", None)
        if weight is not None and weight.dim() > 1:
            mean = 1 / (2 * math.sqrt(weight[0].numel()))
            for parameter in layer.parameters():
                torch.nn.init.constant_(parameter, mean)
    return model


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("stages", STAGES)
def test_a_description_is_the_module(stages: list[Stage], biased: bool) -> None:
    network = described(stages, SHAPE, CLASSES, biased)
    module = module_of(stages, SHAPE[0], CLASSES, network, 0, biased)
    assert parameters(network) == sum(p.numel() for p in module.parameters())
    assert macs(network) == module_macs(module, SHAPE)
    own = TorchNetwork(network, torch.Generator().manual_seed(0))
    with one_thread(), torch.no_grad():
        found, expected = own(torch.from_numpy(INPUTS)), module(torch.from_numpy(INPUTS))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)  # a mean of other layout


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("name", registry.names("proxies"))
def test_every_proxy_gives_a_description_what_it_gives_the_module(name: str, biased: bool) -> None:
    proxy = registry.load("proxies", name)
    quick = {option: value for option, value in QUICK.items() if option in proxy.options}
    quick |= {"size": False} if name == "vkdnw" else {}  # without its number of layers, of which see below
    of_network = {**proxy.options, **quick, **{o: "default" for o in ("init", "bias") if o in proxy.options}}
    of_module = {option: value for option, value in quick.items() if option != "estimator"}
    spec = f"{name}({', '.join(f'{option}={value}' for option, value in of_module.items())})"
    seen = 0
    for stages in STAGES[: 2 if name in ("ntk_cond", "cv") else 4]:
        network = described(stages, SHAPE, CLASSES, biased)
        module = module_of(stages, SHAPE[0], CLASSES, network, 0, biased)
        ((scores, reasons),) = together([(proxy, of_network, BATCH)], [network])
        looked_at = noise(SHAPE, 12, 0) if name == "vkdnw" else BATCH  # of a description it looks at noise
        found, why = score_or_tell(module, looked_at, [spec])
        if name in OF_DESCRIPTIONS:
            assert why.get(spec) or reasons[0]
            assert math.isfinite(scores[0]) == (name != "linear_regions")
            continue
        if math.isnan(scores[0]):  # such as patterns of few ReLUs that do not tell samples apart
            assert reasons[0] and why[spec] and name == "naswot"
            continue
        expected = found[spec] if proxy.higher_is_better else -found[spec]
        if name == "layers" and expected != scores[0]:
            # Training reaches no layer around a gate whose few ReLUs are all off.
            assert expected == scores[0] - 2
            continue
        seen += 1
        # Both are float32 in other orders and layouts; sums of signs and of logarithms move most.
        assert scores[0] == pytest.approx(expected, rel=2e-3, abs=1e-6), name
    assert seen or name in OF_DESCRIPTIONS


@pytest.mark.parametrize("stages", [*STAGES, *PLAIN])
def test_one_channel_is_all_channels_under_constant_weights(stages: list[Stage]) -> None:
    network = described(stages, SHAPE, CLASSES)
    weights = (1e-2, 1.0)
    collapsed = collapsed_outputs([network], INPUTS, weights)[0]
    on_torch = torch_outputs([network], INPUTS, weights, "cpu")[0]
    for weight, row, other in zip(weights, collapsed, on_torch, strict=True):
        full = constant_outputs(network, torch.from_numpy(INPUTS), weight).numpy()
        # Float32 with additions in another order.
        np.testing.assert_allclose(row, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())
        np.testing.assert_allclose(other, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())
    assert not is_proportional(network)


def side_by_side(op: str, groups: int, bias: bool = False) -> Network:
    """Channels that differ go through a convolution in groups, an activation, and a gate of their own."""
    build = Builder((3, 9, 8))
    a, b = build.conv(0, 4, 3), build.conv(build.relu(build.conv(0, 3, 1)), 8, 5)
    wide = 12 if groups == 12 else 24
    x = build.conv(build.concat([a, b]), wide, 3, groups=groups, bias=bias)
    gate = build.activation("sigmoid", build.linear(build.global_pool(x), wide))
    x = build.activation(op, build.multiply(build.batch_norm(x), gate))
    build.linear(build.global_pool(build.conv(x, 6, groups=2)), 4)
    return Network(((build.done(), 1),))


@pytest.mark.parametrize("op", ["relu", *ACTIVATIONS])
@pytest.mark.parametrize("groups", [1, 2, 4, 12])
def test_groups_over_channels_that_differ(op: str, groups: int) -> None:
    network = side_by_side(op, groups)
    x = INPUTS[:, :, :9, :8].copy()
    for weight, row in zip((0.1, 1.0), collapsed_outputs([network], x, (0.1, 1.0))[0], strict=True):
        full = constant_outputs(network, torch.from_numpy(x), weight).numpy()
        np.testing.assert_allclose(row, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())


def test_constant_weights_need_a_sum_of_the_inputs_channels() -> None:
    build = Builder((4, 8, 8))
    build.linear(build.global_pool(build.conv(0, 4, 3, groups=2)), 2)
    with pytest.raises(InvalidSetting, match=r"conv in groups on the raw input.*use path=full"):
        collapsed_outputs([Network(((build.done(), 1),))], np.ones((2, 4, 8, 8), np.float32), (1.0,))


def test_degrees_of_products() -> None:
    """A product of a signal of degree 1 and a gate of degree 2 has degree 3; what saturates has none."""

    def network(gate_op: str | None, deeper: int) -> Network:
        build = Builder((3, 4, 4))
        x = build.conv(0, 3)
        gate = build.linear(build.global_pool(x), 3, bias=False)
        y = build.multiply(x, gate if gate_op is None else build.activation(gate_op, gate))
        for _ in range(deeper):
            x = build.conv(x, 3)
        build.linear(build.global_pool(build.add([x, y])), 2)
        return Network(((build.done(), 1),))

    assert is_proportional(network(None, 2))
    assert not is_proportional(network(None, 1))
    for op in ACTIVATIONS:
        assert not is_proportional(network(op, 2))


# ---- synflow


@pytest.mark.parametrize("stages", PLAIN)
@pytest.mark.parametrize("biased", [False, True])
def test_expected_synflow_is_exact_where_layers_are_sums_over_paths(
    stages: list[Stage], biased: bool
) -> None:
    network = linear(described(stages, SHAPE, CLASSES, biased))
    assert not is_curved(network)
    found = expected_synflow([network])[0]
    assert found == pytest.approx(scaled_dual(at_means(network), SHAPE).value, rel=1e-10)
    # The expectation, not only the network of means: weights of different layers are independent.
    sampled = np.array([scaled_sample(network, seed).value for seed in range(40)])
    error = sampled.std() / math.sqrt(len(sampled))
    assert abs(sampled.mean() - found) < 5 * error  # one in a million fails by chance


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("biased", [False, True])
def test_synflow_of_curved_networks_is_that_of_mean_weights(stages: list[Stage], biased: bool) -> None:
    network = described(stages, SHAPE, CLASSES, biased)
    assert is_curved(network)
    means = at_means(network)
    # Torch's derivative of a hard sigmoid has a sixth in float32.
    assert scaled_synflow([network])[0].value == pytest.approx(scaled_dual(means, SHAPE).value, rel=1e-10)
    assert scaled_synflow([network])[0].value == pytest.approx(
        scaled_module_synflow(means, SHAPE).value, rel=1e-7
    )
    assert expected_logsynflow([network])[0] == pytest.approx(
        scaled_module_synflow(means, SHAPE, shift=1.0).value, rel=1e-7
    )


@pytest.mark.parametrize("op", ["relu6", "swish", "hard_sigmoid"])
@pytest.mark.parametrize("groups", [1, 12])
@pytest.mark.parametrize("bias", [False, True])
def test_synflow_of_channels_that_differ(op: str, groups: int, bias: bool) -> None:
    network = side_by_side(op, groups, bias)
    network = network if groups > 1 else linear(network)
    if groups > 1:  # the last convolution is in groups of several channels, over channels that differ
        for score in (expected_synflow, expected_logsynflow):
            with pytest.raises(InvalidSetting, match="use estimator=sampled"):
                score([network])
        block = tuple(y._replace(groups=1 if y.groups == 2 else y.groups) for y in network.chain[0][0])
        network = Network(((block, 1),))
    shape = network.input_shape
    means = at_means(network)
    assert expected_synflow([network])[0] == pytest.approx(scaled_dual(means, shape).value, rel=1e-10)
    assert expected_logsynflow([network])[0] == pytest.approx(
        scaled_module_synflow(means, shape, shift=1.0).value, rel=1e-7
    )


def test_channels_that_differ_behind_groups_of_several_are_refused() -> None:
    """Of two groups one feeds channels that differ, so that gradients differ in front of them, where signals do not."""
    build = Builder((4, 6, 6))
    a = build.conv(0, 6, 3, groups=2)
    b = build.concat([build.conv(0, 4, 3), build.conv(build.conv(0, 4), 2)])
    build.linear(build.global_pool(build.multiply(a, b)), 2)
    network = Network(((build.done(), 1),))
    for score in (expected_synflow, expected_logsynflow):
        with pytest.raises(InvalidSetting, match="use estimator=sampled"):
            score([network])


def test_depthwise_channels_that_differ_are_not_truncated_by_their_mean() -> None:
    build = Builder((3, 4, 4))
    x = build.concat([build.conv(0, 2), build.conv(build.conv(0, 2), 2)])
    build.linear(build.global_pool(build.truncate(build.conv(x, 4, 3, groups=4), 3)), 2)
    with pytest.raises(InvalidSetting, match="cannot truncate channels that differ"):
        expected_synflow([Network(((build.done(), 1),))])


@pytest.mark.parametrize("kernel", [3, 1])
@pytest.mark.parametrize("op", ["swish", "hard_swish"])
def test_signals_beyond_float64(op: str, kernel: int) -> None:
    """400 layers make signals too large, or too small, for float64: they are kept with a power of two."""
    width = 64 if kernel == 3 else 1
    build = Builder((width, 3, 3))
    x = 0
    for _ in range(400):
        x = build.activation(op, build.conv(x, width, kernel))
        gate = build.activation("hard_sigmoid", build.linear(build.global_pool(x), width, bias=False))
        x = build.multiply(x, gate)
    build.linear(build.global_pool(x), 2, bias=False)
    network = Network(((build.done(), 1),))
    means = at_means(network)
    found, expected = mean_synflow(network), scaled_dual(means, network.input_shape)
    assert found.log == pytest.approx(expected.log, rel=1e-10) and abs(found.log) > 700
    assert kernel == 1 or expected_logsynflow([network])[0] > 0


def test_relu6_keeps_its_signals_in_synflow_of_any_module() -> None:
    def model(last: type[torch.nn.Module]) -> torch.nn.Module:
        torch.manual_seed(0)
        conv = [torch.nn.Conv2d(8, 8, 3) for _ in range(3)]
        parts = [torch.nn.Sequential(c, last()) for c in conv]
        return torch.nn.Sequential(*parts, torch.nn.Flatten(), torch.nn.Linear(8 * 4, 2))

    clipped, free = (
        scaled_module_synflow(model(kind), (8, 8, 8)).value for kind in (torch.nn.ReLU6, torch.nn.ReLU)
    )
    assert clipped == free > 0


# ---- others


def test_activations_are_those_of_torch() -> None:
    x = np.concatenate([np.linspace(-20, 20, 4001), [0.0, -0.0, 1e-30, -1e-30, 1e30, 300, -3, 3]])
    for op in ACTIVATIONS:
        for kind, tolerance in ((np.float32, 3e-7), (np.float64, 1e-15)):
            expected = ACTIVATION[op]()(torch.from_numpy(x.astype(kind))).numpy()
            found = activate(op, x.astype(kind))
            assert found.dtype == kind
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * 1e-3)


@pytest.mark.parametrize("op", ["swish", "hard_swish", "sigmoid", "hard_sigmoid"])
def test_slopes_are_derivatives(op: str) -> None:
    x = torch.linspace(-9, 9, 1000, dtype=torch.float64, requires_grad=True)
    y = ACTIVATION[op]()(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    shares, found = slopes(op, x.detach().numpy())
    # Torch has a sixth in float32 there.
    np.testing.assert_allclose(found, slope.numpy(), rtol=1e-7 if op == "hard_sigmoid" else 1e-12, atol=1e-15)
    np.testing.assert_allclose(
        shares if op.endswith("sigmoid") else shares * x.detach().numpy(), y.detach().numpy(), rtol=1e-12
    )
    largest = slopes(op, np.array([np.inf, 1e300]))
    assert largest[0].tolist() == [1, 1] and largest[1].tolist() == [float(not op.endswith("sigmoid"))] * 2


def test_layers_on_paths() -> None:
    stage = Stage(4, 3, 1, 2, "swish", "sigmoid", 1)
    # Stem, three of the block, two of its gate, head and classifier.
    assert layers(described([stage], SHAPE, CLASSES)) == 1 + 3 + 2 + 1 + 1


@pytest.mark.parametrize(("width", "channels", "groups"), [(4, 6, 4), (6, 4, 4), (3, 3, 2)])
def test_groups_divide_channels(width: int, channels: int, groups: int) -> None:
    with pytest.raises(InvalidSetting, match=f"{groups} does not divide {width} and {channels}"):
        Builder((width, 8, 8)).conv(0, channels, 3, groups=groups)


def test_what_cannot_be_multiplied_is_refused() -> None:
    build = Builder((4, 8, 8))
    x = build.conv(0, 4, stride=2)
    with pytest.raises(InvalidSetting, match="not 4 channels of size"):
        build.multiply(0, x)
    with pytest.raises(InvalidSetting, match="not 3 channels"):
        build.multiply(0, build.linear(build.global_pool(x), 3))
    with pytest.raises(UnknownName, match="swish"):
        build.activation("swishh", 0)


def test_those_that_do_not_know_these_layers_refuse_them() -> None:
    gated = described([Stage(4, 3, 1, 2, "swish", "sigmoid", 1)], SHAPE, CLASSES)
    build = Builder((4, 8, 8))
    build.linear(build.global_pool(build.conv(0, 4, 3, groups=4)), 2)
    depthwise = Network(((build.done(), 1),))
    with pytest.raises(InvalidSetting, match=r"knows no layer.*one by one"):
        GroupedNetworks([gated], [0])
    with pytest.raises(
        InvalidSetting, match=r"knows no convolution in groups: train such networks one by one"
    ):
        GroupedNetworks([depthwise], [0])
    with pytest.raises(InvalidModel, match="has a layer hard_swish"):
        thinned(gated, 3)


def test_a_gate_is_not_what_features_are_pooled_by() -> None:
    """zen looks at what the last pooling reads, not at what a gate in the middle pools."""
    from nassearch.networks.probe.activations.noised import features

    network = described([Stage(8, 3, 2, 2, "relu", "sigmoid", 1)], SHAPE, CLASSES)
    model = TorchNetwork(network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert features(model, torch.from_numpy(INPUTS)).shape == (12, 16, 9, 7)


def test_channel_mixing_in_one_dimension_and_three() -> None:
    for shape in ((2, 17), (2, 5, 6, 7)):
        build = Builder(shape)
        x = build.activation("hard_swish", build.batch_norm(build.conv(0, 6, 3)))
        x = build.conv(x, 6, 3, 2, groups=6)
        gate = build.activation("hard_sigmoid", build.linear(build.global_pool(x), 6))
        build.linear(build.global_pool(build.multiply(x, gate)), 3)
        network = Network(((build.done(), 1),))
        x_in = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
        full = constant_outputs(network, torch.from_numpy(x_in), 1.0).numpy()
        np.testing.assert_allclose(collapsed_outputs([network], x_in, (1.0,))[0, 0], full, rtol=1e-4)
        means = at_means(network)
        assert expected_synflow([network])[0] == pytest.approx(scaled_dual(means, shape).value, rel=1e-10)
