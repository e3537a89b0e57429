"""One network on data of one's own: it learns, the same every time, and what goes wrong is said."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up import blobs, data_of
from torch import nn

from nassearch.errors import InvalidSetting, UnknownName
from nassearch.training import Answers, Recipe, Trained, evaluate, train_model
from nassearch.training.single import loop
from nassearch.training.single.state import weights_bytes

QUICK = Recipe(epochs=3, batch_size=16, learning_rate=0.05)


def small(drop: float = 0.0) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(drop),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    )


def bytes_of(found: Trained) -> bytes:
    assert found.weights is not None
    return weights_bytes(found.weights)


def test_a_network_learns_and_says_how() -> None:
    data = blobs()
    found = train_model(small, data, Recipe(epochs=6, batch_size=16), seed=0)
    history = found.history
    assert (found.status, found.note) == ("trained", None)
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert found.valid == max(history["valid"]) > 80
    assert history["train_loss"][-1] < history["train_loss"][0]
    module = small()
    module.load_state_dict(found.weights)
    answers = evaluate(module, data, "valid")
    assert answers.accuracy == found.valid
    best = history["valid"].index(found.valid)
    assert (
        answers.loss == pytest.approx(min(history["valid_loss"][best:]), rel=1e-5)
        or answers.loss in history["valid_loss"]
    )
    assert module.training


@pytest.mark.parametrize("shape", [(2, 40), (6,)])
def test_signals_and_vectors_are_trained_too(shape: tuple[int, ...]) -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 16), nn.ReLU(), nn.Linear(16, 3))

    found = train_model(make, blobs(shape), Recipe(epochs=12, batch_size=16, learning_rate=0.02), seed=0)
    assert found.valid > 60  # a third is chance


def test_the_seed_decides_everything() -> None:
    first = train_model(lambda: small(0.2), blobs(), QUICK, seed=1)
    torch.manual_seed(99)
    np.random.seed(99)
    torch.rand(7)
    second = train_model(lambda: small(0.2), blobs(), QUICK, seed=1)
    other = train_model(lambda: small(0.2), blobs(), QUICK, seed=2)
    assert bytes_of(first) == bytes_of(second) != bytes_of(other)
    assert first.history == second.history != other.history


def test_global_generators_and_threads_are_left_as_they_were() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    before = (
        torch.get_rng_state(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        torch.get_num_threads(),
    )
    train_model(lambda: small(0.2), blobs(), QUICK, seed=1, threads=2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (np.random.get_state()[1].tolist(), random.getstate(), torch.get_num_threads())


def test_decay_spares_biases_and_norms() -> None:
    """At a rate that moves nothing else, decay alone shrinks the weights of two axes and more."""
    data = blobs()

    def make() -> nn.Module:
        module = small()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(1.0)
        return module

    def after(decay: float) -> dict[str, torch.Tensor]:
        recipe = Recipe(
            epochs=1,
            batch_size=96,
            learning_rate=0.01,
            warmup=0,
            weight_decay=decay,
            momentum=0,
            nesterov=False,
        )
        weights = train_model(make, data, recipe, seed=0).weights
        assert weights is not None
        return weights

    without, with_decay = after(0.0), after(1.0)
    for name in ("0.weight", "6.weight"):
        assert torch.allclose(with_decay[name], without[name] - 0.01, atol=1e-6)
    for name in ("1.weight", "1.bias", "6.bias"):
        assert torch.equal(with_decay[name], without[name])


def test_the_first_step_is_that_of_the_formula() -> None:
    """One step of Nesterov's momentum from rest is (1 + momentum) times the gradient, at the rate of the recipe."""
    data = blobs()
    recipe = Recipe(epochs=1, batch_size=96, learning_rate=0.1, warmup=0, weight_decay=0, crop=0, flip=False)
    found = train_model(small, data, recipe, seed=4)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        module = small().train()
    inputs, labels = (
        torch.from_numpy(data.inputs("train", np.arange(96))),
        torch.from_numpy(data.train.labels),
    )
    nn.functional.cross_entropy(module(inputs), labels).backward()
    assert found.weights is not None
    for name, parameter in module.named_parameters():
        assert torch.allclose(found.weights[name], parameter - 0.1 * 1.9 * parameter.grad, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: 1 / 0, "cannot be built: ZeroDivisionError"),
        (lambda: exit(3), "cannot be built: SystemExit"),
        (lambda: nn.Flatten(), "no weights to train"),
        (lambda: nn.Linear(8, 3), "logits"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), "cannot be trained: RuntimeError"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), r"logits \[16, 3\]"),
    ],
)
def test_what_cannot_be_built_or_computed_is_said(make: object, words: str) -> None:
    found = train_model(make, blobs(), QUICK, seed=0)  # type: ignore[arg-type]
    assert found.status == "failed"
    assert math.isnan(found.valid)
    assert found.weights is None
    assert found.note is not None
    assert re.search(words, found.note), found.note


class Leaves(nn.Module):
    """Tries to leave in training, or where it is evaluated."""

    def __init__(self, training: bool) -> None:
        super().__init__()
        self.layer, self.when = nn.Linear(192, 3), training

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training is self.when:
            raise SystemExit(3)
        return self.layer(inputs.flatten(1))


@pytest.mark.parametrize(("training", "words"), [(True, "trained"), (False, "evaluated")])
def test_a_network_that_leaves_has_failed(training: bool, words: str) -> None:
    found = train_model(lambda: Leaves(training), blobs(), QUICK, seed=0)
    assert found.status == "failed"
    assert f"cannot be {words}: SystemExit: 3" in str(found.note)


def test_a_loss_that_is_no_number_ends_it() -> None:
    found = train_model(small, blobs(), Recipe(epochs=5, batch_size=16, learning_rate=1e30), seed=0)
    assert found.status == "diverged"
    assert found.note is not None
    assert "no number" in found.note
    assert len(found.history["epoch"]) < 5


class Explodes(nn.Module):
    """Good for so many steps, then nothing but infinity."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.inner, self.steps = small(), steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.steps -= 1
        logits: torch.Tensor = self.inner(x)
        return logits * (math.inf if self.steps < 0 else 1)


def test_what_diverges_later_keeps_its_best_epoch() -> None:
    found = train_model(lambda: Explodes(13), blobs(), Recipe(epochs=5, batch_size=16), seed=0)
    assert (found.status, found.history["epoch"]) == ("diverged", [1, 2])
    assert found.valid == max(found.history["valid"])
    assert found.weights is not None
    assert all(torch.isfinite(weight).all() for weight in found.weights.values())


class Greedy(nn.Module):
    """Takes more memory than there is for more than so many examples, from a given call on."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.inner, self.most, self.error = small(), most, error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.most:
            raise self.error
        logits: torch.Tensor = self.inner(x)
        return logits


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
    ],
)
def test_without_memory_a_step_is_computed_in_parts(error: Exception) -> None:
    found = train_model(lambda: Greedy(5, error), blobs(), QUICK, seed=0)
    assert (found.status, found.batch_size, found.accumulate) == ("trained", 16, 4)
    assert found.note is not None
    assert "4 examples at a time" in found.note
    assert "batch norm" in found.note
    assert bytes_of(found) == bytes_of(train_model(lambda: Greedy(5, error), blobs(), QUICK, seed=0))


def test_parts_give_the_gradient_of_the_whole() -> None:
    def make(most: int) -> nn.Module:
        module = Greedy(most, MemoryError())
        module.inner = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Tanh(), nn.Linear(8, 3))
        return module

    data = blobs(sizes=(90, 40, 0))
    recipe = Recipe(epochs=2, batch_size=30, learning_rate=0.01)
    whole, parts = (train_model(lambda most=most: make(most), data, recipe, seed=0) for most in (99, 8))
    assert (whole.accumulate, parts.accumulate) == (1, 4)
    assert whole.weights is not None
    assert parts.weights is not None
    for name, weight in whole.weights.items():
        assert torch.allclose(weight, parts.weights[name], atol=1e-5)


def test_without_any_memory_it_is_said() -> None:
    def greedy() -> nn.Module:
        raise MemoryError

    for make in (lambda: Greedy(0, MemoryError()), greedy):
        found = train_model(make, blobs(), QUICK, seed=0)
        assert (found.status, found.weights) == ("out of memory", None)
        assert math.isnan(found.valid)
        assert found.note == "a step needs more memory than there is, also in parts of 2 examples"


def test_layers_that_find_their_shape_at_the_first_input_are_trained() -> None:
    def lazy() -> nn.Module:
        return nn.Sequential(
            nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)
        )

    found = train_model(lazy, blobs(), QUICK, seed=0)
    assert found.status == "trained", found.note
    assert bytes_of(found) == bytes_of(train_model(lazy, blobs(), QUICK, seed=0))


class Tied(nn.Module):
    """One weight used twice, a buffer that changes as it trains and is in no file, and numbers of another kind."""

    def __init__(self, kind: torch.dtype = torch.int64) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(192, 192), nn.Linear(192, 192)
        self.last.weight = self.first.weight
        self.head = nn.Linear(192, 3)
        self.register_buffer("calls", torch.zeros((), dtype=kind), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.calls += 1
        x = self.last(self.first(x.flatten(1)).tanh()).tanh()
        logits: torch.Tensor = self.head(x) * (1 + self.calls.real / 100)
        return logits


def test_tied_weights_and_hidden_buffers_are_part_of_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, state = train_model(Tied, blobs(), QUICK, seed=3), tmp_path / "state"
    monkeypatch.setattr(loop.Course, "keep", stop_after(9))
    with pytest.raises(Stopped):
        train_model(Tied, blobs(), QUICK, seed=3, state=state, every=0)
    monkeypatch.undo()
    assert bytes_of(train_model(Tied, blobs(), QUICK, seed=3, state=state)) == bytes_of(whole)


class Chancy(nn.Module):
    """Draws from the generators of Python and numpy as it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = small(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.inner(x)
        if self.training:
            logits = logits * (random.random() + np.random.standard_normal() ** 2)
        return logits


def test_what_a_network_draws_itself_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, state = train_model(Chancy, blobs(), QUICK, seed=3), tmp_path / "state"
    monkeypatch.setattr(loop.Course, "keep", stop_after(10))
    with pytest.raises(Stopped):
        train_model(Chancy, blobs(), QUICK, seed=3, state=state, every=0)
    monkeypatch.undo()
    random.seed(1)
    np.random.seed(1)
    rest = train_model(Chancy, blobs(), QUICK, seed=3, state=state)
    assert bytes_of(rest) == bytes_of(whole)
    assert rest.history == whole.history


def test_what_files_cannot_hold_is_trained_without_them(tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="a kill would cost all of it"):
        found = train_model(
            lambda: Tied(torch.complex128), blobs(), QUICK, seed=0, state=tmp_path / "state", every=0
        )
    assert found.status == "trained"


def test_too_few_examples_are_refused() -> None:
    images = np.zeros((3, 3, 8, 8), np.uint8)
    with pytest.raises(InvalidSetting, match="not 1 and 2"):
        train_model(small, data_of(images, np.array([0, 1, 2]), (1, 2, 0)), QUICK, seed=0)
    with pytest.raises(InvalidSetting, match="not 3 and 0"):
        train_model(small, data_of(images, np.array([0, 1, 2]), (3, 0, 0)), QUICK, seed=0)


def test_fewer_examples_than_a_batch_are_one_batch() -> None:
    found = train_model(small, blobs(sizes=(9, 6, 0)), Recipe(epochs=2), seed=0)
    assert (found.status, found.batch_size) == ("trained", 9)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="device is auto, cpu or cuda"):
        train_model(small, blobs(), QUICK, seed=0, device="gpu")


def test_a_callback_hears_of_each_epoch() -> None:
    heard: list[tuple[int, int, float]] = []
    found = train_model(small, blobs(), QUICK, seed=0, watch=lambda *told: heard.append(told))
    assert heard == [(n + 1, 3, valid) for n, valid in enumerate(found.history["valid"])]


def test_no_room_for_the_state_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(RuntimeWarning, match="a kill would cost all of it"):
        found = train_model(small, blobs(), QUICK, seed=0, state=tmp_path / "file" / "state", every=0)
    assert found.note is not None
    assert "without a place to keep its state" in found.note
    assert bytes_of(found) == bytes_of(train_model(small, blobs(), QUICK, seed=0))


class Stopped(Exception):
    pass


def stop_after(calls: int) -> object:
    def keep(self: loop.Course, path: Path, facts: object) -> None:
        nonlocal calls
        KEEP(self, path, facts)
        calls -= 1
        if not calls:
            raise Stopped

    return keep


KEEP = loop.Course.keep


@pytest.mark.parametrize("after", [1, 5, 6, 7, 12, 13, 20])
def test_what_was_stopped_goes_on_within_the_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """There are 6 steps and a look in each of 3 epochs, and the state is written after each of these."""
    whole, state = train_model(lambda: small(0.3), blobs(), QUICK, seed=3), tmp_path / "state"
    monkeypatch.setattr(loop.Course, "keep", stop_after(after))
    with pytest.raises(Stopped):
        train_model(lambda: small(0.3), blobs(), QUICK, seed=3, state=state, every=0)
    monkeypatch.undo()
    steps = []
    step = loop._Training._step
    monkeypatch.setattr(loop._Training, "_step", lambda *given: (steps.append(1), step(*given))[1])
    rest = train_model(lambda: small(0.3), blobs(), QUICK, seed=3, state=state)
    assert len(steps) == 18 - sum(1 for write in range(1, after + 1) if write % 7)
    assert bytes_of(rest) == bytes_of(whole)
    assert rest.history == whole.history


def test_of_a_state_that_is_damaged_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, state = train_model(lambda: small(0.3), blobs(), QUICK, seed=3), tmp_path / "state"
    monkeypatch.setattr(loop.Course, "keep", stop_after(5))
    with pytest.raises(Stopped):
        train_model(lambda: small(0.3), blobs(), QUICK, seed=3, state=state, every=0)
    monkeypatch.undo()
    content = state.read_bytes()
    assert content.count(b"MT19937") == 1
    state.write_bytes(content.replace(b"MT19937", b"MT19938"))
    assert bytes_of(train_model(lambda: small(0.3), blobs(), QUICK, seed=3, state=state)) == bytes_of(whole)


@pytest.mark.parametrize("harm", ["seed", "recipe", "network", "code", "torn", "foreign"])
def test_the_state_of_another_training_is_not_gone_on_with(tmp_path: Path, harm: str) -> None:
    state = tmp_path / "state"
    seed, recipe = (
        (4 if harm == "seed" else 3),
        (Recipe(epochs=2, batch_size=16) if harm == "recipe" else QUICK),
    )

    def make() -> nn.Module:
        module = small()
        if harm == "code":
            module.register_forward_hook(lambda module, inputs, outputs: -outputs)
        return nn.Sequential(nn.Identity(), module) if harm == "network" else module

    before, now = {"code": "that of then" if harm == "code" else "that of now"}, {"code": "that of now"}
    train_model(make, blobs(), recipe, seed=seed, state=state, every=0, about=before)
    if harm == "torn":
        state.write_bytes(state.read_bytes()[:-100])
    if harm == "foreign":
        state.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00" + b'{"a": [1,2,3]}')
    found = train_model(small, blobs(), QUICK, seed=3, state=state, about=now)
    assert bytes_of(found) == bytes_of(train_model(small, blobs(), QUICK, seed=3))


def test_wilson_interval() -> None:
    # Newcombe (1998), table I: 81 of 263, and 0 of 20, by the score method.
    low, high = Answers(81, 263).interval
    assert (round(low, 2), round(high, 2)) == (25.53, 36.62)
    low, high = Answers(0, 20).interval
    assert (low, round(high, 2)) == (0.0, 16.11)
    assert Answers(20, 20).interval[1] == 100.0


def test_evaluate_refuses_what_is_not_there() -> None:
    data = blobs(sizes=(96, 40, 0))
    with pytest.raises(InvalidSetting, match="without examples"):
        evaluate(small(), data)
    with pytest.raises(UnknownName, match="part of a data set"):
        evaluate(small(), data, "tests")
