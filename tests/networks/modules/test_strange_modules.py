"""Modules that proxies cannot see into, that draw from global generators, keep hooks, or take one size of batch."""

from __future__ import annotations

import json
import random
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import call
from torch import Tensor, nn
from torch.nn.utils import prune

import nassearch
from nassearch.errors import InvalidModel, UnknownName
from nassearch.networks.graph import Builder, Network
from nassearch.networks.modules.copying import copied
from nassearch.networks.probe.probe import Probe
from nassearch.proxies.model import model_proxy, together
from nassearch.registry import load, names
from nassearch.types import Batch

RNG = np.random.default_rng(0)
LABELS = np.arange(16) % 5
BATCH = Batch(RNG.normal(size=(16, 3, 8, 8)).astype(np.float32), LABELS)
BLOCKS = {"expressivity", "progressivity", "trainability"}
PROXIES = [
    "cv(initialisations=2)" if name == "cv" else name for name in names("proxies") if name not in BLOCKS
]


def net(*first: nn.Module) -> Any:
    torch.manual_seed(0)
    layers = first or (nn.Conv2d(3, 4, 3), nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


def scored(model: Any, *specs: str) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nassearch.score(model, BATCH, list(specs))


def spectral() -> Any:
    model = net()
    nn.utils.spectral_norm(model[0])
    return model


def weight_norm() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = net()
        nn.utils.weight_norm(model[4], "weight")
    return model


def pruned() -> Any:
    model = net()
    prune.l1_unstructured(model[0], "weight", 0.5)
    return model


def homemade() -> Any:
    model = net()
    model[0].raw = nn.Parameter(model[0].weight.detach().clone())
    del model[0].weight
    model[0].register_forward_pre_hook(lambda layer, _: setattr(layer, "weight", layer.raw.tanh()))
    model[0].weight = model[0].raw.detach()
    return model


def compiled() -> Any:
    model = net()
    wrapper = nn.Module()
    wrapper._orig_mod = model  # as torch.compile wraps; it needs a compiler
    return wrapper


HIDDEN = {
    "spectral norm": (spectral, r"layer 0 .*remove_spectral_norm\(model.get_submodule\('0'\), 'weight'\)"),
    "weight norm": (weight_norm, r"layer 4 .*remove_weight_norm\(model.get_submodule\('4'\), 'weight'\)"),
    "pruned": (pruned, r"prune.remove\(model.get_submodule\('0'\), 'weight'\)"),
    "by a hook": (homemade, "layer 0 computes its weight, a tensor that is no parameter"),
    "scripted": (lambda: torch.jit.script(net()), "give the nn.Module that was handed to torch.jit"),
    "traced": (lambda: torch.jit.trace(net(), torch.ones(2, 3, 8, 8)), "handed to torch.jit"),
    "scripted in part": (lambda: nn.Sequential(torch.jit.script(net())), "layer 0 is compiled by torch.jit"),
    "compiled": (compiled, "give model._orig_mod"),
    "lazy": (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(5)), "run the model on a batch first"),
    "float64": (lambda: net().double(), r"dtype float32, and 0.weight .* dtype float64: give .*float\(\)"),
    "bfloat16": (lambda: net().bfloat16(), r"0.weight is of dtype bfloat16.*float\(\)"),
    "half": (lambda: net().half(), r"0.weight is of dtype float16.*float\(\)"),
    "complex": (lambda: net().to(torch.complex64), "0.weight is of dtype complex64"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", HIDDEN)
def test_what_proxies_cannot_see_is_refused_once_with_the_remedy(case: str) -> None:
    make, message = HIDDEN[case]
    with pytest.raises(InvalidModel, match=message):
        nassearch.score(make(), BATCH, ["params", "snip", "synflow", "epsilon"])


def test_the_remedies_help() -> None:
    plain = scored(net(), "snip", "synflow")
    normed, cut = weight_norm(), pruned()
    nn.utils.remove_weight_norm(normed.get_submodule("4"), "weight")
    prune.remove(cut.get_submodule("0"), "weight")
    assert scored(normed, "snip", "synflow") == pytest.approx(plain, rel=1e-5)  # w / |w| * |w| rounds
    assert scored(cut, "snip")["snip"] > 0
    assert scored(net().double().float(), "snip", "synflow") == plain


def test_inputs_of_any_precision_are_float32() -> None:
    inputs = torch.from_numpy(BATCH.inputs).bfloat16()
    same = nassearch.score(net(), (inputs.float(), LABELS), ["snip"])
    for dtype in (torch.bfloat16, torch.float64):
        assert nassearch.score(net(), (inputs.to(dtype), LABELS), ["snip"]) == same


def test_a_float64_model_that_takes_float32_is_scored() -> None:
    class Upcast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = net().double()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x.double())

    assert scored(Upcast(), "snip", "synflow") == pytest.approx(scored(net(), "snip", "synflow"), rel=1e-5)


class Squeezes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.c, self.p, self.f = nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.f(self.p(torch.relu(self.c(x))).squeeze())


class Fixed(Squeezes):
    def forward(self, x: Tensor) -> Tensor:
        return self.f(self.p(torch.relu(self.c(x))).view(16, 4))


@pytest.mark.parametrize("kind", [Squeezes, Fixed])
def test_a_head_that_minds_the_size_of_a_batch_changes_no_score(kind: type[nn.Module]) -> None:
    found, plain = scored(kind(), *PROXIES), scored(net(), *PROXIES)
    assert found["flops"] == 36 * 4 * 27 + 20
    # Those give a model fewer samples than its batch has: NaN, or the score of what squeezing makes of one sample.
    fewer = {"gradsign", "lswag", "meco", "vkdnw", "zico"}
    otherwise = {*fewer, "zen"}  # zen reads what the last module with maps gives, and a function is no module
    for spec in set(PROXIES) - otherwise:
        # The copies of one input add in another order.
        assert found[spec] == pytest.approx(plain[spec], rel=1e-5, nan_ok=True), spec


def test_a_size_that_the_batch_has_not_is_told() -> None:
    with pytest.raises(InvalidModel, match="or as many as it takes at once"):
        nassearch.score(Fixed(), BATCH.inputs[:8], ["params"])


KINDS_OF_HOOK = (
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
    "register_state_dict_post_hook",
    "_register_state_dict_hook",
)


@pytest.mark.parametrize("kind", KINDS_OF_HOOK)
def test_hooks_of_the_user_do_not_run(kind: str) -> None:
    model, seen = net(), []
    getattr(model[0], kind)(lambda *args: seen.append(1))
    before = scored(net(), *PROXIES)
    found = scored(model, *PROXIES)
    assert not seen
    assert found == pytest.approx(before, nan_ok=True, rel=0, abs=0)
    if "forward" in kind:
        model(torch.from_numpy(BATCH.inputs))
        assert seen  # it is still there


def test_hooks_for_all_modules_do_not_run_and_stay() -> None:
    seen: list[int] = []
    handle = nn.modules.module.register_module_forward_hook(lambda *args: seen.append(1))
    try:
        scored(net(), *PROXIES)
        assert not seen
        net()(torch.from_numpy(BATCH.inputs))
        assert seen
    finally:
        handle.remove()


def test_a_copy_has_no_hook_that_cannot_be_copied() -> None:
    class Uncopied:
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("a file that is open")

        def __call__(self, *args: Any) -> None:
            return None

    model = net()
    model[0].register_forward_hook(Uncopied())
    assert len(copied(model)[0]._forward_hooks) == 0  # type: ignore[index]
    assert len(model[0]._forward_hooks) == 1
    assert scored(model, "snip")["snip"] > 0


class Draws(nn.Module):
    """Noise from the generators of Python, numpy and torch, in the forward pass and in drawing weights."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = net()

    def reset_parameters(self) -> None:
        for parameter in self.inner.parameters():
            parameter.data = torch.tensor(np.random.normal(0, 0.1, parameter.shape), dtype=torch.float32)

    def forward(self, x: Tensor) -> Tensor:
        x = x + 0.1 * torch.from_numpy(np.random.normal(size=x.shape).astype(np.float32))
        return self.inner(x * (1 + random.random()) + torch.rand(1))


def test_models_that_draw_from_global_generators_are_seeded() -> None:
    found = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        model = Draws()
        model.inner.load_state_dict(net().state_dict())
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        found.append(scored(model, *PROXIES))
        assert (
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
        ) == before
    assert found[0] == pytest.approx(found[1], nan_ok=True, rel=0, abs=0)
    assert found[0]["snip"] != nassearch.score(Draws(), BATCH, ["snip(seed=1)"])["snip(seed=1)"]


def test_reads_are_those_that_there_are_and_nothing_else_can_be_read() -> None:
    with pytest.raises(UnknownName, match="'gradient'; did you mean gradients"):
        model_proxy(reference="a test", reads=["gradient"])(lambda probe: 0.0)

    def sneaky(probe: Probe) -> float:
        return float(probe.gradients[0].sum())

    declared = {"reference": "a test", "needs": ["inputs", "labels"]}
    open_, hidden = (
        model_proxy(reads=reads, **declared)(sneaky) for reads in (["gradients"], ["input_gradients"])
    )
    stem = Builder((3, 8, 8))
    stem.linear(stem.global_pool(stem.relu(stem.conv(0, 4, kernel=3))), 5)
    networks = [Network(((stem.done(), 1),))]
    for company in ([], [open_]):
        requests = [(each, {"batch_size": 8}, BATCH) for each in (*company, hidden)]
        scores, failures = together(requests, networks)[-1]
        assert np.isnan(scores[0])
        assert "declares it: reads=['gradients']" in failures[0]
    for name in ("curvature", "input_gradients", "relu_kernel", "saliency"):

        def reader(probe: Probe, name: str = name) -> float:
            found = getattr(probe, name)
            return float(len(found() if callable(found) else found))

        ((_, failures),) = together(
            [(model_proxy(reads=[], **declared)(reader), {"batch_size": 8}, BATCH)], networks
        )
        assert "declares it: reads=" in failures[0]


def test_l2_norm_demands_no_batch() -> None:
    l2_norm = load("proxies", "l2_norm")
    assert l2_norm.needs == frozenset()
    model = net()
    right = sum(float(model[place].weight.detach().norm()) for place in (0, 4))
    assert l2_norm.of_model(model, None) == pytest.approx(right, rel=1e-6)
    result = call(
        "score", "--sample", "2", "--proxies", "l2_norm", "--benchmark", "nats-size", "--no-cache", "--json"
    )
    assert result.exit_code == 0
    assert all(row["l2_norm"] > 0 for row in json.loads(result.stdout))


class BNAct(nn.BatchNorm2d):
    """Batch norm, dropout and an activation in one layer, as timm has it."""

    def __init__(self, channels: int, activation: nn.Module) -> None:
        super().__init__(channels)
        self.act, self.drop = activation, nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x)))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU, nn.GELU, nn.Hardswish, nn.ELU])
@pytest.mark.parametrize("inplace", [False, True])
def test_a_layer_that_normalises_and_activates_is_the_two_layers(activation: Any, inplace: bool) -> None:
    act = activation(**({"inplace": True} if inplace and activation is not nn.GELU else {}))
    one = net(nn.Conv2d(3, 4, 3, padding=1), BNAct(4, act), nn.Conv2d(4, 4, 3))
    two = net(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5), act, nn.Conv2d(4, 4, 3))
    weights = [p.detach().clone() for p in one.parameters()]
    for parameter, value in zip(two.parameters(), weights, strict=True):
        parameter.data = value
    a, b = scored(one, *PROXIES), scored(two, *PROXIES)
    drawn = {spec for spec in PROXIES if spec.startswith("cv")}
    by_module = {"meco"}  # counts what every module gives, and here one module does the work of two
    for spec in set(PROXIES) - drawn - by_module:
        assert a[spec] == pytest.approx(b[spec], nan_ok=True, rel=1e-12), spec
    assert a["synflow"] != scored(net(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3)), "synflow")[
        "synflow"
    ] or (activation in (nn.ReLU, nn.ELU))


MODELS = """
import numpy as np, torch
from torch import nn
def small(width=4):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
def numpy_init():
    m = small()
    for p in m.parameters(): p.data = torch.tensor(np.random.normal(0, .1, p.shape), dtype=torch.float32)
    return m
def chatty():
    print("building the model ...")
    return small()
class Net(nn.Module):
    def __init__(s): super().__init__(); s.net = small()
    def forward(s, x): s.act(x); return s.net(x)
    def act(s, x): pass
    @staticmethod
    def large(): return small(16)
class Prints(Net):
    def act(s, x): print("shape", tuple(x.shape))
class Exits(Net):
    def act(s, x):
        if len(x) > 2: raise SystemExit(4)
class Leaves(Net):
    def act(s, x): raise SystemExit(5)
class Big(Net):
    def act(s, x): raise MemoryError
class Stops(Net):
    def act(s, x): raise KeyboardInterrupt
class NoReLU(nn.Module):
    def __init__(s): super().__init__(); s.f = nn.Linear(192, 10)
    def forward(s, x): return s.f(x.flatten(1))
def interrupt(): raise KeyboardInterrupt
def leave(): raise SystemExit(3)
"""
WELL = ("numpy_init", "chatty", "Net", "Net.large", "Prints")
BADLY = {
    "interrupt": "the function failed: KeyboardInterrupt .*strange.py",
    "leave": "the function failed: SystemExit: 3 .*strange.py",
    "Leaves": "SystemExit: 5 .*strange.py",
    "Big": "MemoryError .*strange.py.*give fewer or smaller inputs",
    "Stops": "scoring it failed: KeyboardInterrupt .*strange.py",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strange.py").write_text(MODELS)
    yield tmp_path
    sys.modules.pop("strange", None)


def command(name: str, *more: str, classes: int = 10) -> Any:
    given = ("--input", "3,8,8", "--classes", str(classes), "--proxies", "params,snip,synflow,naswot")
    return call("score", "--model", f"strange:{name}", *given, *more)


@pytest.mark.parametrize("name", WELL)
def test_json_is_json_whatever_a_model_prints(name: str, here: Path) -> None:
    first, again = (command(name, "--json") for _ in range(2))
    assert first.exit_code == 0, first.stderr
    (row,) = json.loads(first.stdout)
    assert row["snip"] > 0
    assert json.loads(again.stdout) == [row]
    assert "reasons" not in row


@pytest.mark.parametrize("name", BADLY)
def test_what_a_model_raises_names_its_code(name: str, here: Path) -> None:
    result = command(name, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.splitlines()
    assert re.search(BADLY[name], line), line


def test_a_reason_is_in_text_and_in_json(here: Path) -> None:
    for name, spec, reason in (("NoReLU", "naswot", "patterns of ReLUs"), ("Exits", "snip", "SystemExit: 4")):
        text, told = command(name), command(name, "--json")
        assert text.exit_code == told.exit_code == 0
        assert f"{spec} has no score: " in text.stdout
        assert reason in text.stdout
        (row,) = json.loads(told.stdout)
        assert row[spec] is None
        assert reason in row["reasons"][spec]
        assert row["params"] > 0


@pytest.mark.parametrize("classes", [2, 9, 11])
def test_classes_are_the_number_of_logits(classes: int, here: Path) -> None:
    result = command("Net", classes=classes)
    assert result.exit_code == 1
    assert f"there are 10 classes, not {classes}: give 10" in result.stderr
