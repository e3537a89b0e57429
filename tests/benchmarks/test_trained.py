"""The oracle that trains: every training once, recorded, the same for whoever asks."""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from made_up import blobs
from torch import nn

import nassearch as ns
from nassearch.benchmarks import Entry, Ledger, TrainedBenchmark
from nassearch.benchmarks.trained.ledger import read_ledger
from nassearch.errors import BadData, InvalidArch, InvalidSetting, NassearchError
from nassearch.networks.modules.network import TorchNetwork
from nassearch.scorers.open import open_batch
from nassearch.spaces import NASBench201
from nassearch.training import Recipe, evaluate
from nassearch.training.single import loop
from nassearch.training.single.state import read_weights
from nassearch.types import Arch, Task

SKELETON = {"channels": (2, 2, 2), "cells": 1}
RECIPE = Recipe(epochs=3, batch_size=32)
ARCH, OTHER = (1, 2, 3, 1, 2, 3), (3, 3, 3, 3, 3, 3)


def bench(folder: Path | None = None, **settings: object) -> TrainedBenchmark:
    given = {
        "skeleton": SKELETON,
        "fidelity": (1, 2),
        "recipe": RECIPE,
        "space": NASBench201(),
        "data": blobs(),
    }
    return TrainedBenchmark(folder=folder, **{**given, **settings})  # type: ignore[arg-type]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def count_trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    train = loop.train_model
    monkeypatch.setattr(loop, "train_model", lambda *given, **how: (calls.append(1), train(*given, **how))[1])
    return calls


def test_what_was_trained_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_trainings(monkeypatch)
    first = bench(tmp_path).query(ARCH, rng())
    again = bench(tmp_path)
    assert again.query(ARCH, rng()) == again.query(ARCH, rng()) == first
    assert len(calls) == 1
    again.query_shorter(ARCH, rng(), 2)
    assert len(calls) == 2
    (whole, short) = bench(tmp_path).ledger.entries
    assert (whole.share, short.share) == (1.0, pytest.approx(2 / 3))
    assert (whole.valid, whole.seconds) == (first.valid, first.seconds)
    assert (whole.status, whole.device, whole.threads) == ("trained", "cpu", 1)
    assert not (tmp_path / "unfinished").exists() or not list((tmp_path / "unfinished").iterdir())


def test_a_ledger_in_memory_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_trainings(monkeypatch)
    here = bench()
    assert here.query(ARCH, rng()) == here.query(ARCH, rng())
    assert len(calls) == 1
    assert here.known(ARCH) == here.ledger.entries[0]
    assert here.known(OTHER) is None


def test_the_best_weights_are_kept(tmp_path: Path) -> None:
    here = bench(tmp_path)
    entry = here.entry(ARCH)
    assert entry.weights is not None
    module = TorchNetwork(here.space.network(ARCH, here.task), None)
    module.load_state_dict(read_weights(tmp_path / entry.weights))
    assert entry.params == sum(parameter.numel() for parameter in module.parameters())
    assert evaluate(module, here.data, "valid").accuracy == entry.valid


def test_entries_are_json_that_comes_back(tmp_path: Path) -> None:
    here = bench(tmp_path)
    entry = here.record(replace(here.train(ARCH), latency=1.5, scores={"synflow": None, "params": 3.0}))
    header, entries = read_ledger(tmp_path / "trained.jsonl")
    assert (header["format"], header["version"], header["data"]) == (
        "nassearch trainings",
        1,
        here.data.digest,
    )
    assert entries == [entry] == here.ledger.entries
    line = json.loads((tmp_path / "trained.jsonl").read_text().splitlines()[1])
    assert Entry.of(line) == entry
    assert line["arch"] == list(ARCH)
    assert line["recipe"]["crop"] == 1


def test_a_torn_line_is_cut_off_and_trained_again(tmp_path: Path) -> None:
    here = bench(tmp_path)
    here.query(ARCH, rng())
    path = tmp_path / "trained.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[1][:50])
    again = bench(tmp_path)
    assert len(again.ledger.entries) == 1
    again.query(OTHER, rng())
    assert path.read_bytes().startswith(whole)
    assert [entry.arch for entry in bench(tmp_path).ledger.entries] == [ARCH, OTHER]


def test_what_a_kill_left_of_a_recorded_training_goes_and_of_others_stays(tmp_path: Path) -> None:
    entry = bench(tmp_path).entry(ARCH)
    kept = tmp_path / "unfinished"
    other = replace(entry, arch=OTHER).key
    for name in (f"{entry.key}.safetensors", f"{entry.key}.lock", f".{entry.key}.safetensors.half"):
        (kept / name).touch()
    (kept / f"{other}.safetensors").touch()
    bench(tmp_path)
    assert [path.name for path in kept.iterdir()] == [f"{other}.safetensors"]


def test_a_removed_ledger_is_written_again(tmp_path: Path) -> None:
    here = bench(tmp_path)
    here.query(ARCH, rng())
    (tmp_path / "trained.jsonl").unlink()
    here.query(OTHER, rng())
    assert [entry.arch for entry in bench(tmp_path).ledger.entries] == [ARCH, OTHER]


def test_two_who_write_see_each_other(tmp_path: Path) -> None:
    one, other = bench(tmp_path), bench(tmp_path)
    mine, theirs = one.train(ARCH), other.train(ARCH)
    assert one.record(mine) == mine
    assert other.record(theirs) == mine
    assert one.entry(OTHER) == other.entry(OTHER)
    assert len(read_ledger(tmp_path / "trained.jsonl")[1]) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": blobs(seed=1)}, "another data"),
        ({"skeleton": {**SKELETON, "cells": 2}}, "another task"),
    ],
)
def test_a_folder_of_another_search_is_refused(tmp_path: Path, change: dict, words: str) -> None:
    bench(tmp_path).query(ARCH, rng())
    with pytest.raises(BadData, match=words):
        bench(tmp_path, **change)


def test_another_seed_or_recipe_is_another_training(tmp_path: Path) -> None:
    first = bench(tmp_path)
    others = [bench(tmp_path, seed=1), bench(tmp_path, recipe=Recipe(epochs=3, batch_size=48))]
    entries = [each.entry(ARCH) for each in (first, *others)]
    assert len({entry.key for entry in entries}) == 3
    assert len({entry.weights for entry in entries}) == 3
    assert len({each.digest for each in (first, *others, bench(data=blobs(seed=1)))}) == 4
    assert bench().digest == first.digest


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '{"format": "other"}', '{"format": "nassearch trainings", "version": 9}']
)
def test_what_is_no_ledger_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "trained.jsonl").write_text(text + "\n")
    with pytest.raises(BadData, match="no ledger of trainings"):
        bench(tmp_path)


@pytest.mark.parametrize(
    "harm",
    [
        {"arch": [1.5]},
        {"recipe": {"epochs": [3]}},
        {"status": "fine"},
        {"share": 0},
        {"params": 1.5},
        {"history": {"epoch": [1, 2], "valid": [1.0]}},
        {"history": {"valid": ["<b>"]}},
        {"scores": {"synflow": "x"}},
        *({each.name: [[]]} for each in fields(Entry)),
        *({each.name: -1} for each in fields(Entry) if each.name not in ("valid", "seconds", "latency")),
    ],
)
def test_lines_that_are_no_trainings_are_refused(tmp_path: Path, harm: dict) -> None:
    ledger = Ledger(tmp_path / "trained.jsonl", {"data": "d"})
    entry = ledger.append(Entry(ARCH, "text", 0, {"epochs": 1}))
    with (tmp_path / "trained.jsonl").open("a") as file:
        file.write(json.dumps(entry.as_dict() | harm) + "\n")
    with pytest.raises(BadData, match=r"trained\.jsonl is damaged"):
        Ledger(tmp_path / "trained.jsonl", {"data": "d"})


def test_a_training_that_other_code_has_begun_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "EVERY", 0.0)
    bench(tmp_path).train(ARCH)  # and is killed before it is recorded
    (state,) = (tmp_path / "unfinished").iterdir()
    steps = []
    step = loop._Training._step
    monkeypatch.setattr(loop._Training, "_step", lambda *given: (steps.append(1), step(*given))[1])
    bench(tmp_path).train(ARCH)
    assert not steps, "all of it was kept"

    class Mended(NASBench201):
        revision = 99

    bench(tmp_path, space=Mended()).train(ARCH)
    assert steps and state.exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NassearchError, match=r"unfinished cannot be written: .*another folder of trainings"):
        bench(tmp_path / "file").query(ARCH, rng())


def test_what_writers_write_is_read() -> None:
    texts = {"text": "x" * 20_000, "note": "\udc80", "weights": "w", "device": "cpu"}
    odd = {"scores": {"synflow": 1e300, "snip": None}, "history": {"epoch": [1], "valid_loss": [1e200]}}
    entry = Entry(ARCH, seed=2**63 - 1, recipe={"learning_rate": 1e150}, params=2**70, **texts, **odd)  # type: ignore[arg-type]
    assert Entry.of(json.loads(json.dumps(entry.as_dict(), allow_nan=False))) == entry


def test_a_ledger_that_cannot_be_written_keeps_what_was_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bench(tmp_path)
    monkeypatch.setattr(loop, "EVERY", 0.0)
    entry = here.train(ARCH)
    (tmp_path / "trained.jsonl").mkdir()
    with pytest.raises(NassearchError, match=r"trained\.jsonl"):
        here.record(entry)
    (tmp_path / "trained.jsonl").rmdir()
    assert bench(tmp_path).entry(ARCH).history == entry.history


def test_no_room_for_weights_is_said(tmp_path: Path) -> None:
    (tmp_path / "weights").touch()
    entry = bench(tmp_path).entry(ARCH)
    assert (entry.status, entry.weights) == ("trained", None)
    assert entry.note is not None
    assert "its weights are lost" in entry.note


class Fragile(NASBench201):
    """Cells, of which some cannot be built."""

    def network(self, arch: Arch, task: Task):  # type: ignore[no-untyped-def]
        if arch[0] == 3:
            raise ZeroDivisionError("three")
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 3))


def test_what_cannot_be_built_is_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    here = bench(tmp_path, space=Fragile(), recipe=Recipe(epochs=3, batch_size=32, learning_rate=0.01))
    result = ns.Experiment("rand", benchmark=here, budget=12, rounds=1).run()
    (found,) = result.rounds
    entries = {entry.arch: entry for entry in here.ledger.entries}
    failed = [arch for arch in found.archs if arch[0] == 3]
    assert failed
    for arch, valid in zip(found.archs, found.valid, strict=True):
        entry = entries[arch]
        if arch in failed:
            assert (entry.status, entry.valid, valid) == ("failed", None, pytest.approx(100 / 3))
            assert entry.note is not None
            assert "ZeroDivisionError: three" in entry.note
        else:
            assert (entry.status, entry.valid, entry.params) == ("trained", valid, 579)


def test_one_whose_process_died_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, here = count_trainings(monkeypatch), bench(tmp_path)
    here.record(here.lost(ARCH, "the worker was killed"))
    assert here.query(ARCH, rng()).valid == pytest.approx(100 / 3)
    assert (here.ledger.entries[0].status, calls) == ("died", [])


def test_shorter_trainings_are_those_of_its_fidelity() -> None:
    here = bench(recipe=Recipe(epochs=4, anneal=8, batch_size=32))
    assert here.shorter == {1: 0.25, 2: 0.5}
    entry = here.entry(ARCH, 2)
    assert (entry.recipe["epochs"], entry.recipe["anneal"], entry.history["epoch"]) == (2, None, [1, 2])
    with pytest.raises(
        InvalidSetting, match="has no shorter trainings of 3 epochs; it has 1, 2: name them as its fid"
    ):
        here.query_shorter(ARCH, rng(), 3)
    with pytest.raises(InvalidSetting, match="below the 3 of a whole one"):
        bench(fidelity=(3,))


def test_successive_halving_promotes() -> None:
    here = bench()
    settings = {"rungs": (1, 2), "first": 4, "eta": 2}
    result = ns.Experiment("sh", benchmark=here, budget=4, rounds=1, settings=settings).run()
    shares = result.rounds[0].shares
    assert shares is not None
    assert shares[:7].tolist() == pytest.approx([1 / 3] * 4 + [2 / 3] * 2 + [1.0])


def test_fewer_channels_and_pixels_make_smaller_networks() -> None:
    here = bench(skeleton={"channels": (4, 8, 16), "cells": 1})
    small = here.train_by(ARCH, Recipe(epochs=1, size=4, channels=2).resolved(here.data))
    assert here.built_for(Recipe(size=4, channels=2)) == Task((3, 4, 4), 3, (2, 4, 8), 1)
    assert small.params < here.train(ARCH).params / 2  # type: ignore[operator]


def test_guided_searches_look_at_its_batch(tmp_path: Path) -> None:
    here = bench(tmp_path)
    assert open_batch(None, here, "toy", "naswot") == here.batch()
    settings = {"pool": 2, "tournament": 2}
    experiment = ns.Experiment(
        "ae", benchmark=here, budget=4, rounds=2, warmup=5, scorer="naswot(batch_size=64)", settings=settings
    )
    result = experiment.run(tmp_path / "result.jsonl")
    assert np.array_equal(result.rounds[0].valid, result.rounds[0].test)
    assert len(here.ledger.entries) <= 8
    again = replace(experiment, benchmark=bench(tmp_path)).run()
    assert [found.archs for found in again.rounds] == [found.archs for found in result.rounds]


def test_workers_change_nothing(tmp_path: Path) -> None:
    one, two = bench(tmp_path / "1"), bench(tmp_path / "2")
    experiment = ns.Experiment("rand", benchmark=one, budget=3, rounds=3)
    alone, together = experiment.run(), replace(experiment, benchmark=two).run(workers=2)
    for mine, theirs in zip(alone.rounds, together.rounds, strict=True):
        assert (mine.archs, mine.valid.tolist()) == (theirs.archs, theirs.valid.tolist())
    ends = [{e.key: e.history for e in each.ledger.entries} for each in (one, two)]
    assert ends[0] == ends[1]
    for key in ends[0]:
        files = [tmp_path / name / "weights" / f"{key}.safetensors" for name in ("1", "2")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_it_is_made_with_data_and_opens_none() -> None:
    assert TrainedBenchmark.datasets() == {}
    with pytest.raises(NassearchError, match="make it with"):
        TrainedBenchmark.open()
    with pytest.raises(InvalidArch, match="nasbench201"):
        bench().query((-1,), rng())


def test_no_warning_comes_of_a_training() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bench().query(ARCH, rng())


def test_who_asks_for_what_another_trains_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_trainings(monkeypatch)
    with ThreadPoolExecutor(3) as pool:  # each holds the lock by a file of its own, as processes do
        entries = list(
            pool.map(lambda _: bench(tmp_path, recipe=Recipe(epochs=2), fidelity=()).entry(ARCH), range(3))
        )
    assert entries[0] == entries[1] == entries[2]
    assert len(calls) == 1
    assert not list((tmp_path / "unfinished").iterdir())


@pytest.mark.posix
def test_a_full_disk_costs_the_place_to_go_on_from_and_no_training(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 kB hold the ledger, and neither states nor weights of a network of 80,000 numbers."""
    monkeypatch.setattr(loop, "EVERY", 0.0)
    here = bench(small_disk, skeleton={"channels": (16, 32, 64), "cells": 1})
    with pytest.warns(RuntimeWarning, match=r"No space left.*a kill would cost all of it"):
        entry = here.entry(OTHER)
    assert (entry.status, entry.weights) == ("trained", None)
    assert entry.note is not None
    assert "went on without a place to keep its state" in entry.note
    assert "its weights are lost" in entry.note
    assert bench(small_disk, skeleton={"channels": (16, 32, 64), "cells": 1}).known(OTHER) == entry


@pytest.mark.posix
def test_a_ledger_without_room_says_what_is_safe(small_disk: Path) -> None:
    here = bench(small_disk)
    first = here.entry(ARCH)
    with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"0" * 1024)
    others = [OTHER, (0, 1, 2, 3, 4, 0), (4, 3, 2, 1, 0, 1), (2, 2, 2, 2, 2, 2)]
    safe = "No space left.*What is recorded is safe; make room, then run again"
    with pytest.raises(NassearchError, match=safe):
        for arch in others:  # some lines have room in the page that the file has already
            here.entry(arch)
    (small_disk / "filler").unlink()
    again = bench(small_disk)
    assert again.known(ARCH) == first
    assert [again.entry(arch).status for arch in others] == ["trained"] * 4
