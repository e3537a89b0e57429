"""Scores of any torch module: it is left as it was, and every proxy has a value or says why not."""

from __future__ import annotations

import copy
import math
import random
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from modules import CLASSES, MODELS, make, state
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import remove_parametrizations

import nassearch
from nassearch.errors import InvalidModel, InvalidSetting, NassearchError, UnknownName
from nassearch.networks.modules.foreign import module_outputs
from nassearch.networks.modules.network import TorchNetwork, constant_outputs
from nassearch.proxies.model import ModelProxy
from nassearch.registry import load, names
from nassearch.scorers.model_batches import Input, open_model_batch
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.testing.proxies.asked import takes_modules
from nassearch.types import Batch, Task

DEFINED = [name for name in names("proxies") if takes_modules(load("proxies", name))]
PROXIES = ["cv(initialisations=2)" if name == "cv" else name for name in DEFINED]
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, CLASSES, 16)
BATCH = Batch(RNG.normal(size=(16, 3, 8, 8)).astype(np.float32), LABELS)

BLOCKS = {"expressivity", "progressivity", "trainability"}
SILENT: dict[str, set[str]] = {
    # No ReLU, and no maps; layer norm over equal channels is 0, so that all inputs are alike under constant weights.
    "layer_norm": {"lswag", "naswot", "swap", "linear_regions", "meco"},
    "attention": {"epsilon"},
    # Nothing normalises: outputs under any two constants are proportional.
    "twice": {"epsilon"},
}
"""Proxies that have no value for a model, besides those that look at the blocks of a search space's network."""

SPACE, TASK = NASBench201(), Task((3, 8, 8), 10, (4, 8), 1)
NETWORKS = [SPACE.network(arch, TASK) for arch in SPACE.sample_many(5, np.random.default_rng(3))]


@pytest.mark.parametrize("name", MODELS)
def test_every_proxy_has_a_value_or_says_why(name: str) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        scores = nassearch.score(make(name), BATCH, PROXIES)
    assert list(scores) == PROXIES
    silent = {spec for spec, value in scores.items() if math.isnan(value)}
    assert silent == BLOCKS | SILENT.get(name, set()), [str(w.message) for w in told]
    assert not [spec for spec, value in scores.items() if math.isinf(value)]
    reasons = {str(w.message).split(" has no score: ")[0] for w in told}
    assert silent <= reasons


@pytest.fixture
def used() -> Any:
    """A model in the middle of a training: gradients, moved statistics, hooks, parts in either mode, one frozen."""
    model: Any = make("plain")
    model(torch.from_numpy(BATCH.inputs)).sum().backward()
    model[1].eval()
    model[4][2].bias.requires_grad_(False)
    model[0].register_forward_hook(_hook)
    model[2].register_full_backward_hook(_hook)
    return model


def _hook(*args: Any) -> None:
    return None


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Look at the random numbers of numpy and Python too."""
    before = repr(np.random.get_state()), random.getstate()
    yield
    assert before == (repr(np.random.get_state()), random.getstate())


@pytest.mark.parametrize("spec", PROXIES)
def test_the_model_stays_as_it_was(spec: str, used: Any, elsewhere: None) -> None:
    before, inputs = state(used), BATCH.inputs.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nassearch.score(used, BATCH, [spec])
    assert state(used) == before
    np.testing.assert_array_equal(BATCH.inputs, inputs)


class Fails(nn.Module):
    """Fails in the middle of the forward pass, once the batch is larger than a trial run's or smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.rest = nn.Conv2d(3, 6, 3), nn.Sequential(*list(make("plain").children())[1:])

    def forward(self, x: Tensor) -> Any:
        y = self.first(x)
        if len(x) != 2:
            raise KeyError("in the middle")
        return self.rest(y)


class Works(Fails):
    """The same layers without the failure."""

    def forward(self, x: Tensor) -> Any:
        return self.rest(self.first(x))


@pytest.mark.parametrize("spec", PROXIES)
def test_the_model_stays_as_it_was_after_an_exception(spec: str, elsewhere: None) -> None:
    model = Fails()
    before = state(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = nassearch.score(model, BATCH, list(dict.fromkeys([spec, "params"])))
    assert state(model) == before
    if not math.isnan(scores[spec]):  # it looks at weights alone, and has its score all the same
        works = Works()
        works.load_state_dict(model.state_dict())
        assert nassearch.score(works, BATCH, [spec])[spec] == scores[spec]
    assert scores["params"] == sum(p.numel() for p in model.parameters())


def test_the_state_sees_every_change(used: Any) -> None:
    def changed(change: Any) -> bool:
        before = state(used)
        change()
        return state(used) != before

    assert not changed(lambda: None)
    with torch.no_grad():
        assert changed(lambda: used[0].weight.neg_())
    assert changed(lambda: used[1].running_mean.add_(1))
    assert changed(lambda: used.train())
    assert changed(lambda: used[0].weight.grad.zero_())
    assert changed(lambda: setattr(used[0].weight, "grad", None))
    assert changed(lambda: used[0].register_forward_hook(_hook))
    assert changed(lambda: used.double())
    assert changed(lambda: torch.rand(1))


def test_company_changes_no_score() -> None:
    model = make("dense")
    specs = ["snip", "grad_norm", "jacob_cov", "naswot", "synflow", "epsilon", "snip(batch_size=4)"]
    together = nassearch.score(model, BATCH, specs)
    assert together == {spec: nassearch.score(model, BATCH, [spec])[spec] for spec in specs}
    assert together["snip"] != together["snip(batch_size=4)"]


def test_proxies_share_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    from nassearch.networks.probe import passes, probe

    made = []

    def counted(*args: Any, **settings: Any) -> probe.Probe:
        made.append(settings["reads"])
        return probe.Probe(*args, **settings)

    monkeypatch.setattr(passes, "Probe", counted)
    nassearch.score(
        make("plain"), BATCH, ["snip", "grad_norm", "fisher", "naswot", "plain", "l2_norm", "snip(seed=1)"]
    )
    assert len(made) == 2


def test_lower_is_better_turns_round() -> None:
    lower = [name for name in names("proxies") if not load("proxies", name).higher_is_better]
    assert lower == ["cv", "ntk_cond"]
    raw = load("proxies", "cv").of_model(make("plain"), BATCH, initialisations=3)
    spec = "cv(initialisations=3)"
    assert nassearch.score(make("plain"), BATCH, [spec])[spec] == -raw


@pytest.mark.parametrize("form", ["batch", "pair", "tensors", "float64", "inputs"])
def test_a_batch_has_many_forms(form: str) -> None:
    forms: dict[str, Any] = {
        "batch": BATCH,
        "pair": (BATCH.inputs, LABELS),
        "tensors": (torch.from_numpy(BATCH.inputs), torch.from_numpy(LABELS)),
        "float64": (BATCH.inputs.astype(np.float64), LABELS.astype(np.int32)),
        "inputs": torch.from_numpy(BATCH.inputs),
    }
    proxy = "naswot" if form == "inputs" else "snip"
    assert nassearch.score(make("plain"), forms[form], [proxy]) == nassearch.score(
        make("plain"), BATCH, [proxy]
    )


def test_counts_and_constant_weights_are_those_of_the_search_space() -> None:
    for network in NETWORKS:
        model = TorchNetwork(network, torch.Generator().manual_seed(0))
        batch = Batch(BATCH.inputs)
        for name in ("params", "flops"):
            assert nassearch.score(model, batch, [name])[name] == load("proxies", name)([network])[0]
        mine = module_outputs(model, BATCH.inputs, [0.1])[0].reshape(len(BATCH.inputs), -1)[:, 0]
        # One program on one machine; the last layer alone may round in another order.
        np.testing.assert_allclose(
            mine, constant_outputs(network, torch.from_numpy(BATCH.inputs), 0.1).numpy(), rtol=1e-6
        )


def test_epsilon_of_a_module_is_that_of_the_search_space() -> None:
    pair = (1e-3, 1.0)
    expected = load("proxies", "epsilon")(NETWORKS, BATCH, weights=pair, path="full")
    assert np.isfinite(expected).any()
    for network, value in zip(NETWORKS, expected, strict=True):
        if np.isfinite(value):
            model = TorchNetwork(network, torch.Generator().manual_seed(0))
            # Means over 10 equal logits instead of one.
            assert nassearch.score(model, BATCH, ["epsilon"])["epsilon"] == pytest.approx(
                value, rel=1e-4, abs=1e-6
            )


@pytest.mark.parametrize("name", ["synflow", "logsynflow", "synflow_bn"])
def test_synflow_of_a_module_is_the_sample_of_its_weights(name: str) -> None:
    options = {} if name == "synflow_bn" else {"estimator": "sampled"}
    sampled = load("proxies", name)(NETWORKS, seed=4, **options)
    own = [
        nassearch.score(TorchNetwork(n, torch.Generator().manual_seed(4)), Batch(BATCH.inputs), [name])[name]
        for n in NETWORKS
    ]
    # Dual numbers and a backward pass add in different orders; float64.
    np.testing.assert_allclose(own, sampled, rtol=1e-10)


def test_one_model_proxy_alone_and_in_company_agree() -> None:
    proxy = load("proxies", "snip")
    assert isinstance(proxy, ModelProxy)
    spec = "snip(batch_size=4)"
    assert (
        proxy.of_model(make("plain"), BATCH, batch_size=4)
        == nassearch.score(make("plain"), BATCH, [spec])[spec]
    )


class Returns(nn.Module):
    """Gives what it is told to make of its logits."""

    def __init__(self, make_of: Any) -> None:
        super().__init__()
        self.model, self.make_of = make("plain"), make_of

    def forward(self, x: Tensor) -> Any:
        return self.make_of(self.model(x))


class Uncopied(nn.Module):
    """Holds a tensor with a history."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.derived = self.layer.weight * 2


BAD: dict[str, tuple[Any, Any, str, str]] = {
    "tuple": (Returns(lambda y: (y, y)), BATCH, "snip", "returned a tuple: wrap it"),
    "dict": (Returns(lambda y: {"out": y}), BATCH, "snip", "returned a dict: wrap it"),
    "map": (Returns(lambda y: y[..., None]), BATCH, "snip", r"\[2, 5, 1\]: pool and flatten"),
    "nan": (Returns(lambda y: y * math.nan), BATCH, "snip", "returned NaN or infinity"),
    "no parameters": (nn.Sequential(nn.Flatten()), BATCH, "snip", "no parameters"),
    "no module": (len, BATCH, "snip", "a model is a torch.nn.Module, not builtin"),
    "no copy": (Uncopied(), BATCH, "snip", "cannot be copied"),
    "channels": (
        make("plain"),
        Batch(BATCH.inputs[:, :1], LABELS),
        "snip",
        r"\[16, 1, 8, 8\].*give inputs of",
    ),
    "label": (make("plain"), Batch(BATCH.inputs, LABELS + 3), "snip", "labels go from 0 to 4.*not from 3 to"),
    "negative": (make("plain"), Batch(BATCH.inputs, LABELS - 9), "snip", "labels go from 0 to 4"),
    "no labels": (make("plain"), BATCH.inputs, "snip", "needs a batch with labels"),
    "fewer labels": (make("plain"), (BATCH.inputs, LABELS[:3]), "snip", r"16 inputs, not \[3\]"),
    "soft labels": (
        make("plain"),
        (BATCH.inputs, np.ones((16, 5))),
        "snip",
        r"labels \[B\] are .* whole numbers",
    ),
    "whole inputs": (
        make("plain"),
        np.ones((8, 3, 8, 8), int),
        "naswot",
        "neither floating-point numbers .* nor words",
    ),
    "text": (make("plain"), "normal", "naswot", "a batch is inputs, or a pair"),
    "one input": (make("plain"), BATCH.inputs[:1], "naswot", "at least 2 of them"),
    "infinite": (make("plain"), BATCH.inputs * np.inf, "naswot", "not a finite number"),
    "unknown": (make("plain"), BATCH, "snp", "did you mean snip"),
    "option": (make("plain"), BATCH, "snip(batchsize=3)", "did you mean batch_size"),
    "value": (make("plain"), BATCH, "cv(initialisations=1)", "at least 2, not 1"),
    "combination": (make("plain"), BATCH, "rank(snip, params)", "ask for snip, params alone"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_a_remedy(case: str) -> None:
    model, batch, spec, message = BAD[case]
    with pytest.raises(NassearchError, match=message):
        nassearch.score(model, batch, ["params", spec])


def test_a_proxy_named_twice_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="once"):
        nassearch.score(make("plain"), BATCH, ["snip", "snip"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("snip(batch_size=17)", "from 2 to 16"),
        ("snip(init=kaiming)", "looks at its own weights"),
        ("synflow(estimator=expected)", "the weights it has, estimator=sampled"),
        ("logsynflow(shift=0)", "shift of logsynflow is a positive number"),
        ("epsilon(weights=auto)", "architectures of a space"),
        ("epsilon(path=collapsed)", "path full alone"),
        ("epsilon(weights=(1e-30, 1e-20))", "try others"),
    ],
)
def test_what_has_no_meaning_for_a_module_loses_no_other_score(spec: str, message: str) -> None:
    with pytest.warns(RuntimeWarning, match=message):
        scores = nassearch.score(make("plain"), BATCH, [spec, "params"])
    assert math.isnan(scores[spec])
    assert scores["params"] > 0


def test_batch_norm_of_one_pixel_says_so() -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, CLASSES))
    with pytest.warns(RuntimeWarning, match="give larger inputs"):
        assert math.isnan(nassearch.score(model, BATCH, ["synflow_bn"])["synflow_bn"])


def test_frozen_weights_and_no_grad_change_nothing() -> None:
    expected = nassearch.score(make("plain"), BATCH, ["snip", "synflow", "flops"])
    frozen = make("plain").requires_grad_(False)
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            assert nassearch.score(frozen, BATCH, ["snip", "synflow", "flops"]) == expected
    assert nassearch.score(copy.deepcopy(frozen).eval(), BATCH, ["snip", "synflow", "flops"]) == expected


def test_the_made_up_batch_has_one_beginning() -> None:
    task = Input((3, 8, 8), classes=CLASSES)
    usual, told = open_model_batch(None, task, ["snip", "epsilon"])
    more, _ = open_model_batch(None, task, ["snip(batch_size=300)"])
    assert told == "256 inputs made up (normal), random labels"
    assert (len(usual.inputs), len(more.inputs)) == (256, 300)
    np.testing.assert_array_equal(usual.inputs, more.inputs[:256])
    assert more.labels is not None
    np.testing.assert_array_equal(usual.labels, more.labels[:256])
    assert usual.labels is not None
    assert set(usual.labels.tolist()) == set(range(CLASSES))
    grey, told = open_model_batch("grey", task, ["snip"])
    assert "grey" in told
    assert not np.array_equal(grey.inputs, usual.inputs)
    with pytest.raises(UnknownName, match="did you mean grey"):
        open_model_batch("gray", task, [])


REAL: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "resnet18": ("torchvision", "resnet18", {}, {"synflow_bn"}),
    "mobilenetv3": ("timm", "mobilenetv3_small_050", {}, {"synflow_bn", "grasp"}),
    "densenet": ("timm", "densenet121", {"growth_rate": 8, "block_config": (2, 2, 2, 2)}, {"synflow_bn"}),
    "vit": (
        "timm",
        "vit_tiny_patch16_224",
        {"img_size": 32, "patch_size": 8, "depth": 2},
        {"epsilon", "naswot"},
    ),
}
"""Library, name, settings, and the proxies without a value: torch has no second derivative of hardsigmoid."""


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_models_of_other_libraries(name: str) -> None:
    library, known, settings, silent = REAL[name]
    try:
        create = (
            import_module(library).create_model
            if library == "timm"
            else import_module(library).models.get_model
        )
    except (ImportError, RuntimeError) as error:  # a torchvision that does not match torch fails with either
        pytest.skip(f"{library} is not there, or does not match torch: {error}")
    model = create(known, num_classes=CLASSES, **settings)
    inputs = np.random.default_rng(0).normal(size=(16, 3, 32, 32)).astype(np.float32)
    before = state(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = nassearch.score(model, (inputs, LABELS), PROXIES)
    assert {spec for spec, value in scores.items() if math.isnan(value)} == BLOCKS | silent
    assert state(model) == before


def test_a_name_of_the_module_is_a_name_of_the_package() -> None:
    from nassearch.scorers.any_module import score

    assert nassearch.score is score
    with pytest.raises(InvalidModel):
        score(None, BATCH, ["params"])


def test_a_computed_weight_is_refused_with_the_remedy() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    )
    parametrizations.weight_norm(model[0])
    with pytest.raises(InvalidModel, match=r"0 computes weight from others .*remove_parametrizations"):
        nassearch.score(model, BATCH, ["snip"])
    remove_parametrizations(model[0], "weight")
    assert nassearch.score(model, BATCH, ["snip"])["snip"] > 0
