"""Gradient proxies: by hand on two layers, against slow independent code, and as a part that harms nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nassearch import registry
from nassearch.errors import InvalidModel, InvalidSetting, NassearchError, UnknownName
from nassearch.networks.graph import live
from nassearch.networks.modules.initialise import initialised
from nassearch.networks.modules.memory import smaller
from nassearch.networks.modules.network import TorchBlock, one_thread
from nassearch.networks.probe.passes import read_model
from nassearch.networks.probe.probe import Probe
from nassearch.networks.probe.tape.probe import TapeProbe
from nassearch.proxies.model import ModelProxy, together
from nassearch.scorers import ProxyScorer
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.types import Arch, Batch, Task

SPACE = NASBench201()
SMALL = Task((3, 8, 8), 10, channels=(4, 8, 16), cells=2)
SIGNAL = Task((1, 20), 10, channels=(3, 4, 5), cells=1, reduction="pool")
NAMES = ("grad_norm", "plain", "l2_norm", "snip", "grasp", "fisher", "naswot")
RNG = np.random.default_rng(0)
ARCHS: list[Arch] = [*SPACE.sample_many(5, RNG), (0,) * 6, (0, 0, 3, 0, 0, 3), (3,) * 6, (2, 2, 1, 2, 4, 2)]


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    with one_thread():
        yield


def proxy(name: str) -> ModelProxy:
    found: ModelProxy = registry.load("proxies", name)
    return found


def data(task: Task, size: int = 6) -> Batch:
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((size, *task.input_shape)).astype(np.float32)
    return Batch(inputs, rng.integers(task.classes, size=size))


def score(name: str, model: nn.Module, inputs: Tensor, labels: Tensor | None = None) -> float:
    chosen = proxy(name)
    return chosen.reader({})(Probe(model, inputs, labels, reads=chosen.reads))


class TwoLayers(nn.Module):
    """Scalar weights: logits (0, v * relu(u * x)), so that everything can be written down."""

    def __init__(self, u: float, v: float, inplace: bool = False) -> None:
        super().__init__()
        self.u, self.relu, self.v = nn.Linear(1, 1, bias=False), nn.ReLU(inplace), nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.u.weight.fill_(u)
            self.v.weight.copy_(torch.tensor([[0.0], [v]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.v(self.relu(self.u(x)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("inplace", [False, True])
def test_by_hand_on_two_layers(inplace: bool) -> None:
    u, v = 0.5, 2.0
    x = torch.tensor([[1.0], [3.0], [-2.0]], dtype=torch.float64)
    labels = torch.tensor([1, 1, 0])
    model = TwoLayers(u, v, inplace).double()
    # The third sample is cut by the ReLU. With q = 1 / (1 + exp(u v x)), the loss of the others is -log(1 - q).
    q = np.array([1 / (1 + np.exp(u * v * 1)), 1 / (1 + np.exp(u * v * 3))])
    xs = np.array([1.0, 3.0])
    du = -(q * v * xs).sum() / 3
    # The weight of logit 0 is 0, and its gradient is minus that of logit 1: the logits' gradients sum to nothing.
    dv = -(q * u * xs).sum() / 3
    assert score("grad_norm", model, x, labels) == pytest.approx(abs(du) + np.hypot(dv, dv), rel=1e-12)
    assert score("plain", model, x, labels) == pytest.approx(u * du + v * dv, rel=1e-12)
    assert score("snip", model, x, labels) == pytest.approx(abs(u * du) + abs(v * dv), rel=1e-12)
    assert score("l2_norm", model, x) == pytest.approx(abs(u) + abs(v), rel=1e-12)
    # Fisher: z of the first layer is u x and dL/dz = -q v / 3; of the second, logit 1 counts, logit 0 is 0.
    first = 0.5 * ((u * xs * q * v / 3) ** 2).sum() / 3
    second = 0.5 * ((v * u * xs * q / 3) ** 2).sum() / 3
    assert score("fisher", model, x, labels) == pytest.approx(first + second, rel=1e-12)
    # Grasp: loss f(u, v0, v1) = sum log(1 + exp(u x (v0 - v1))) / 3 + log(2) / 3, t = v0 - v1.
    t, r = -v, q * (1 - q)
    uu = (r * (xs * t) ** 2).sum() / 3
    ut = (r * xs**2 * u * t + q * xs).sum() / 3
    tt = (r * (u * xs) ** 2).sum() / 3
    gu, gt = (q * xs * t).sum() / 3, (q * u * xs).sum() / 3
    hu = uu * gu + 2 * ut * gt  # g is (gu, gt, -gt), and t moves by the difference
    ht = ut * gu + 2 * tt * gt
    assert score("grasp", model, x, labels) == pytest.approx(-(u * hu - v * ht), rel=1e-12)
    # Naswot: samples 1 and 2 pass the one ReLU, sample 3 does not. K is singular: no score.
    probe = Probe(model, x, reads=["relu_kernel"])
    assert probe.relu_kernel.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    with pytest.raises(
        InvalidModel, match="its rank is 2 for 3 samples, of which 2 samples share their pattern"
    ):
        proxy("naswot").reader({})(probe)


class Mixed(nn.Module):
    """Convolution with a bias, depthwise convolution, batch norm, in-place and shared ReLUs, a layer called twice."""

    def __init__(self, norm: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.twice = nn.Conv2d(4, 4, 1)
        self.dead = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.stem(x)))
        self.dead(x)
        x = F.relu(self.depthwise(x)) + self.twice(x)
        x = self.relu(self.twice(x))
        return self.head(x.mean((2, 3)))  # type: ignore[no-any-return]


def mixed(norm: bool = True, size: int = 5) -> tuple[nn.Module, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        model = Mixed(norm).double()
    inputs = torch.randn(size, 2, 4, 4, generator=generator, dtype=torch.float64)
    return model, inputs, torch.randint(3, (size,), generator=generator)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    kinds = (nn.Conv2d, nn.Linear)
    return {f"{name}.weight": m.weight for name, m in model.named_modules() if isinstance(m, kinds)}


def test_grasp_is_that_of_an_explicit_hessian() -> None:
    model, inputs, labels = mixed()
    held = weights_of(model)
    flat = torch.cat([w.detach().flatten() for w in held.values()])

    def loss(vector: Tensor) -> Tensor:
        parts = vector.split([w.numel() for w in held.values()])
        put = {name: part.view_as(w) for (name, w), part in zip(held.items(), parts, strict=True)}
        return F.cross_entropy(torch.func.functional_call(model, put, inputs), labels)

    hessian: Any = torch.autograd.functional.hessian(loss, flat)
    (gradient,) = torch.autograd.grad(loss(v := flat.clone().requires_grad_()), v)
    # float64 through some ten layers: rounding of 1e-16 per step.
    assert score("grasp", model, inputs, labels) == pytest.approx(
        float(-flat @ hessian @ gradient), rel=1e-10
    )
    assert score("snip", model, inputs, labels) == pytest.approx(
        float((flat * gradient).abs().sum()), rel=1e-10
    )


def test_fisher_and_naswot_are_those_of_loops_over_samples() -> None:
    model, inputs, labels = mixed()
    model.train()
    # Each call of a layer gets a bump of its own: dL/d(bump) is dL/dz.
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []

    def bump(layer: nn.Module, args: Any, z: Tensor) -> Tensor:
        calls.append((layer, z.detach().clone(), torch.zeros_like(z, requires_grad=True)))
        return z + calls[-1][2]

    seen: list[Tensor] = []
    # In-place ReLUs are seen before they overwrite; relu of the depthwise convolution is a function, noted by hand.
    handles = [m.register_forward_hook(bump) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    relu: Any = model.relu
    handles.append(relu.register_forward_pre_hook(lambda m, args: seen.append(args[0].detach().clone())))
    logits = model(inputs)
    found = torch.autograd.grad(F.cross_entropy(logits, labels), [c[2] for c in calls], allow_unused=True)
    for handle in handles:
        handle.remove()
    total = 0.0
    for (layer, z, _), gradient in zip(calls, found, strict=True):
        if gradient is None:
            continue  # the dead branch
        for channel in range(z.shape[1]):
            squares = [float((z[n, channel] * gradient[n, channel]).sum()) ** 2 for n in range(len(z))]
            total += 0.5 * float(np.mean(squares)) * layer.weight[0].numel()  # type: ignore[index]
    assert sum(c[0] is model.twice for c in calls) == 2
    assert score("fisher", model, inputs, labels) == pytest.approx(total, rel=1e-12)
    seen.append(next(z for layer, z, _ in calls if layer is model.depthwise))
    agree = np.zeros((len(inputs), len(inputs)))
    for x in seen:
        positive = (x > 0).flatten(1).numpy()
        for i in range(len(inputs)):
            for j in range(len(inputs)):
                agree[i, j] += (positive[i] == positive[j]).sum()
    probe = Probe(model, inputs, reads=["relu_kernel"])
    np.testing.assert_array_equal(probe.relu_kernel.numpy(), agree)
    assert proxy("naswot").reader({})(probe) == pytest.approx(float(np.linalg.slogdet(agree)[1]), rel=1e-12)


@pytest.mark.parametrize("task", [SMALL, SIGNAL], ids=["images", "signals"])
@pytest.mark.parametrize("arch", ARCHS, ids=SPACE.format)
def test_tape_and_autograd_agree(arch: Arch, task: Task) -> None:
    batch = data(task)
    assert batch.labels is not None
    inputs, labels = torch.from_numpy(batch.inputs).double(), torch.from_numpy(batch.labels)
    model = initialised(SPACE.network(arch, task), 0).double()
    tape, plain = (kind(model, inputs, labels, reads=Probe.READS) for kind in (TapeProbe, Probe))
    scale = max(float(g.abs().max()) for g in plain.gradients) + 1e-12
    for ours, theirs in zip(tape.gradients, plain.gradients, strict=True):
        assert float((ours - theirs).abs().max()) < 1e-10 * scale
    torch.testing.assert_close(tape.logits, plain.logits, rtol=1e-10, atol=1e-12)
    for x in (None, 2 * inputs):
        torch.testing.assert_close(tape.input_gradients(x), plain.input_gradients(x), rtol=1e-8, atol=1e-10)
    fisher = proxy("fisher").reader({})
    assert fisher(tape) == pytest.approx(fisher(plain), rel=1e-10)
    assert tape.curvature == pytest.approx(plain.curvature, rel=1e-9, abs=1e-12)


def test_naswot_counts_every_relu_of_a_network_those_that_lead_nowhere_too() -> None:
    task = Task((3, 8, 8), 4, (2, 3, 4), 1)
    batch = data(task)
    inputs = torch.from_numpy(batch.inputs).double()
    # Node 2 is computed and goes nowhere; the two convolutions from node 0 have a ReLU each on one input.
    model = initialised(SPACE.network((3, 2, 3, 1, 1, 0), task), 0).double().train()
    relus = {id(m): torch.zeros(0) for m in model.modules() if isinstance(m, torch.nn.ReLU)}

    def note(module: torch.nn.Module, args: Any, y: torch.Tensor) -> None:
        relus[id(module)] = (y > 0).flatten(1).double()

    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(note)
    x = inputs
    for block in model.blocks:
        assert isinstance(block, TorchBlock)
        x = block.compute(x, range(len(block.block)))[len(block.block) - 1]
    assert all(len(pattern) for pattern in relus.values())
    expected = sum(p @ p.T + (1 - p) @ (1 - p).T for p in relus.values())
    for module in model.modules():
        module._forward_hooks.clear()
    probe = TapeProbe(model, inputs, reads=["relu_kernel"])
    np.testing.assert_array_equal(probe.relu_kernel.numpy(), expected)
    leading = sum(layer.op == "relu" for b in model.blocks for layer in live(b.block))
    assert leading < len(relus)


def test_hessian_gradients_contract_to_the_curvature() -> None:
    model, inputs, labels = mixed()
    probe = Probe(model, inputs, labels)
    total = sum(float((w * h).sum()) for w, h in zip(probe.weights, probe.hessian_gradients, strict=True))
    assert total != 0
    assert probe.curvature == total


def test_together_is_bit_for_bit_alone_for_any_workers() -> None:
    batch = data(SMALL, 8)
    archs = ARCHS[:4]
    networks = [SPACE.network(arch, SMALL) for arch in archs]
    options = {"batch_size": 8}
    joint = [scores for scores, _ in together([(proxy(n), options, batch) for n in NAMES], networks)]
    before = torch.get_rng_state()
    for name, scores in zip(NAMES, joint, strict=True):
        alone = proxy(name)(networks, batch, **options)
        assert alone.tobytes() == scores.tobytes(), name
        assert np.isfinite(alone[1]), name
    assert torch.equal(torch.get_rng_state(), before)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert proxy("grasp")(networks, batch, **options).tobytes() == joint[4].tobytes()
    finally:
        torch.set_num_threads(threads)
    two = ProxyScorer(proxy("fisher"), SPACE, SMALL, batch, options, workers=2)(archs)
    assert two.tobytes() == joint[5].tobytes()


def state(model: nn.Module) -> Iterator[Any]:
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        yield name, id(value), value.detach().numpy().tobytes(), value.requires_grad, value._version
        yield None if value.grad is None else value.grad.numpy().tobytes()
    for name, module in model.named_modules():
        yield name, module.training, len(module._forward_hooks), len(module._forward_pre_hooks)
        yield len(module._backward_hooks), len(module._backward_pre_hooks)


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_and_the_generator_are_left_as_they_were(fails: bool) -> None:
    model, inputs, labels = mixed()
    model.eval()
    model.stem.weight.grad = torch.ones_like(model.stem.weight)  # type: ignore[union-attr, arg-type]
    model.head.bias.requires_grad_(False)  # type: ignore[union-attr]
    model.dropout = nn.Dropout()
    batch = Batch(inputs.numpy(), labels.numpy())
    before, generator = list(state(model)), torch.get_rng_state()

    def breaks(probe: Probe) -> float:
        raise RuntimeError("on purpose")

    readers = [proxy(name).reader({}) for name in NAMES] + [breaks] * fails
    answers = read_model(model, batch, readers, Probe.READS, batch_size=5, seed=0)
    assert list(state(model)) == before
    assert torch.equal(torch.get_rng_state(), generator)
    assert [isinstance(answer, str) for answer in answers] == [False] * len(NAMES) + [True] * fails


class Says(nn.Module):
    """A model that returns what it is told."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.head, self.answer = nn.Linear(3, 4), answer

    def forward(self, x: Tensor) -> Any:
        return self.answer(self.head(x))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda y: (y, y), "returned a tuple: wrap it"),
        (lambda y: y[:, None], r"for 4 inputs this one returned torch.float32 \[4, 1, 4\]"),
        (lambda y: y[:2], r"returned torch.float32 \[2, 4\]"),
        (lambda y: y / 0 * 0, "NaN or infinity"),
        (lambda y: {"other": y}["key"], "KeyError"),
    ],
)
def test_models_that_return_something_else(answer: Any, words: str) -> None:
    batch = Batch(np.ones((4, 3), np.float32), np.zeros(4, np.int64))
    for name in ("snip", "naswot"):
        chosen = proxy(name)
        (text,) = read_model(Says(answer), batch, [chosen.reader({})], chosen.reads, batch_size=4, seed=0)
        assert isinstance(text, str)
        with pytest.raises(NassearchError, match=words):
            raise NassearchError(text)


def test_what_has_no_meaning_says_so() -> None:
    inputs, labels = torch.ones(4, 3), torch.tensor([0, 1, 2, 3])
    model = nn.Linear(3, 2)
    with pytest.raises(InvalidSetting, match=r"labels go from 0 to 1, .* not from 0 to 3: give"):
        score("snip", model, inputs, labels)
    with pytest.raises(InvalidModel, match="calls none: score it by another"):
        score("naswot", model, inputs)
    for name in ("snip", "l2_norm"):
        with pytest.raises(InvalidModel, match="this model has none"):
            score(name, nn.Flatten(), inputs, labels)
    with pytest.raises(NassearchError, match="declares it: reads="):
        Probe(model, inputs).relu_kernel  # noqa: B018
    network, batch = SPACE.network((3,) * 6, SMALL), data(SMALL)
    for option in ("init", "bias"):
        with pytest.raises(UnknownName, match=f"no {option} is called 'he'"):
            proxy("snip")([network], batch, batch_size=6, **{option: "he"})
    with pytest.raises(InvalidSetting, match="batch_size is a whole number from 2 to 6"):
        proxy("snip")([network], batch)
    with pytest.raises(InvalidSetting, match="labels go from 0 to 9"):
        proxy("snip")([network], Batch(batch.inputs, np.full(6, 10)), batch_size=6)


def test_initialisations_have_the_spread_they_state() -> None:
    def layers(**options: str) -> list[Any]:
        model = initialised(SPACE.network((2,) * 6, Task((3, 8, 8), 10)), 0, **options)
        return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]

    variances: dict[str, Callable[[int, int], float]] = {
        "default": lambda i, o: 1 / (3 * i),
        "kaiming": lambda i, o: 2 / i,
        "xavier": lambda i, o: 2 / (i + o),
    }
    for init, variance in variances.items():
        for layer in layers(init=init):
            area = layer.weight[0, 0].numel()
            expected = variance(layer.weight.shape[1] * area, len(layer.weight) * area)
            # The sample variance of n normal values deviates by sqrt(2 / n); 5 deviations: once in a million.
            slack = 5 * np.sqrt(2 / layer.weight.numel())
            assert float(layer.weight.detach().square().mean()) == pytest.approx(expected, rel=slack)
    assert layers()[-1].bias.abs().max() > 0
    assert not layers(bias="zero")[-1].bias.any()
    assert torch.equal(layers()[0].weight, layers(bias="zero")[0].weight)


class Short(nn.Module):
    """A model on a device that has memory for few samples."""

    def __init__(self, inner: nn.Module, most: int) -> None:
        super().__init__()
        self.inner, self.most = inner, most

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.inner(x)  # type: ignore[no-any-return]


def test_a_batch_without_room_is_split_with_the_result_unchanged() -> None:
    model, inputs, labels = mixed(norm=False, size=7)
    names = [name for name in NAMES if name != "naswot"]
    for name in names:
        whole, split = score(name, model, inputs, labels), score(name, Short(model, 2), inputs, labels)
        # float64: the same sums in another order.
        assert split == pytest.approx(whole, rel=1e-12), name
    reads = ["relu_kernel"]
    one, parts = (Probe(m, inputs, reads=reads) for m in (model, Short(model, 2)))
    assert torch.equal(one.relu_kernel, parts.relu_kernel)
    for x in (None, 2 * inputs):
        torch.testing.assert_close(parts.input_gradients(x), one.input_gradients(x), rtol=1e-12, atol=1e-15)


def test_a_batch_that_cannot_be_split_says_what_to_do() -> None:
    model, inputs, labels = mixed(norm=True, size=7)
    with pytest.raises(NassearchError, match=r"couples the samples .* give a batch_size below 7"):
        score("snip", Short(model, 2), inputs, labels)
    drops = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(32, 3)).double()
    with pytest.raises(NassearchError, match="couples the samples"):
        score("snip", Short(drops, 2), inputs, labels)
    with pytest.raises(NassearchError, match="no room for two"):
        score("snip", Short(mixed(norm=False)[0], 0), inputs, labels)


def test_a_device_without_room_hands_over_to_the_processor() -> None:
    model = mixed(norm=True)[0].to("meta")
    with pytest.warns(RuntimeWarning, match="meta has no memory for this model at 6 samples"):
        assert smaller(model, torch.ones(6, 2, 4, 4, device="meta"), 6) == (6, "cpu")
