"""The published files of NAS-Bench-201 and NATS-Bench: read as the official packages read them, and never run."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import sys
import tarfile
import zipfile
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dumps import dump

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.benchmarks.nats_size import NATSSizeBenchmark
from nassearch.benchmarks.read.formats.arch_results import EPOCHS
from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.formats.nasbench201_pth import NASBench201File
from nassearch.benchmarks.read.formats.nats import NATSFolder
from nassearch.errors import BadData, InvalidSetting
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.nats_size import NATSSize

SPACES: dict[str, SearchSpace] = {"tss": NASBench201(), "sss": NATSSize()}
SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}
SEEDS = {
    "cifar10-valid": (777, 888),
    "cifar10": (777, 888, 999),
    "cifar100": (777,),
    "ImageNet16-120": (777, 999),
}
COUNT = 2
NAMED = 100
"""Architectures named at the beginning of a file; in a real one they are all."""


def result(name: str, arch: str, seed: int, epochs: int) -> dict[str, Any]:
    """Write one training as the published class ResultsCount gives its state: curves of all epochs."""
    rng = np.random.default_rng([len(name), seed, epochs, *arch.encode()])
    keys = [f"{part}@{epoch}" for part in SETS[name] for epoch in range(epochs)]
    curve = {epoch: float(rng.uniform(1, 99)) for epoch in range(epochs)}
    return {
        "name": name,
        "net_state_dict": None,
        "train_acc1es": curve,
        "train_acc5es": dict(curve),
        "train_losses": dict(curve),
        "train_times": {epoch: float(rng.uniform(1, 9)) for epoch in range(epochs)},
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": arch, "class_num": 10},
        "params": 0.3,
        "flop": 47.1,
        "seed": str(seed),
        "epochs": epochs,
        "latency": [0.01],
        "eval_names": list(SETS[name]),
        "eval_acc1es": {key: float(rng.uniform(1, 99)) for key in keys},
        "eval_times": {key: 1.0 for key in keys},
        "eval_losses": {key: 0.5 for key in keys},
    }


def architecture(kind: str, index: int, epochs: int) -> dict[str, Any]:
    """Write the trainings of one architecture as the state of the published class ArchResults."""
    space = SPACES[kind]
    text = space.format(list(space.all())[index])
    return {
        "arch_index": index,
        "arch_str": text,
        "all_results": {
            (name, seed): result(name, text, seed, epochs) for name, seeds in SEEDS.items() for seed in seeds
        },
        "dataset_seed": {name: list(seeds) for name, seeds in SEEDS.items()},
        "clear_net_done": True,
    }


def member(kind: str, index: int) -> dict[str, Any]:
    """Write what the file of one architecture holds; the size space names one epoch "01"."""
    return {f"{epochs:02d}": architecture(kind, index, epochs) for epochs in EPOCHS[kind]}


def meta(kind: str) -> dict[str, Any]:
    names = [SPACES[kind].format(arch) for arch in islice(SPACES[kind].all(), NAMED)]
    return {"meta_archs": names, "total_archs": len(names), "arch2infos": None, "evaluated_indexes": set()}


@pytest.fixture(scope="module", params=["tss", "sss"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as downloaded and unpacked, of a few architectures."""
    kind = request.param
    path = tmp_path_factory.mktemp("nats") / f"NATS-{kind}-simple"
    path.mkdir()
    (path / "meta.pickle.pbz2").write_bytes(dump(meta(kind)))
    for index in range(COUNT):
        (path / f"{index:06d}.pickle.pbz2").write_bytes(dump(member(kind, index)))
    return path


def kind_of(folder: Path) -> str:
    return folder.name.split("-")[1]


def archive(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        tar.add(folder, folder.name)
    return path


def read(
    fmt: Format, path: Path, kind: str, **options: Any
) -> tuple[dict[str, list[Training]], Counter[str]]:
    reading = Reading(SPACES[kind], **options)
    return dict(fmt.read(path, reading)), reading.dropped


# ---- NATS-Bench


def test_a_nats_folder_gives_the_numbers_of_the_last_epoch(folder: Path) -> None:
    kind = kind_of(folder)
    for epochs in (None, *EPOCHS[kind]):
        found, dropped = read(NATSFolder(kind), folder, kind, epochs=epochs)
        assert list(found) == ["000000", "000001"]
        last = epochs or EPOCHS[kind][-1]
        for index, (unit, trainings) in enumerate(found.items()):
            text = SPACES[kind].format(trainings[0].arch)
            assert SPACES[kind].index(trainings[0].arch) == index == int(unit)

            trained = {
                (name, seed): result(name, text, seed, last)
                for name, seeds in SEEDS.items()
                for seed in seeds
            }
            accuracies = {
                (name, seed, part): trained[name, seed]["eval_acc1es"][f"{part}@{last - 1}"]
                for name, seed in trained
                for part in SETS[name]
            }
            wanted = [
                (
                    "cifar10",
                    s,
                    accuracies["cifar10-valid", s, "x-valid"],
                    accuracies["cifar10", s, "ori-test"],
                )
                for s in (777, 888)
            ]
            wanted += [
                (name, s, accuracies[name, s, "x-valid"], accuracies[name, s, "x-test"])
                for name in ("cifar100", "ImageNet16-120")
                for s in SEEDS[name]
            ]
            assert [training[1:5] for training in trainings] == wanted
            names = ["cifar10-valid" if t.dataset == "cifar10" else t.dataset for t in trainings]
            times = [
                sum(trained[name, t.seed]["train_times"].values())
                for name, t in zip(names, trainings, strict=True)
            ]
            assert [training.seconds for training in trainings] == times
        assert dropped.pop("cifar10 trainings of a seed without the other half") == COUNT
        assert set(dropped) == {f"trainings of {other} epochs" for other in EPOCHS[kind] if other != last}


def test_the_official_api_of_nats_says_the_same(folder: Path) -> None:
    nats_bench = pytest.importorskip(
        "nats_bench", reason="the official package is not installed: pip install nats_bench"
    )
    kind = kind_of(folder)
    api = nats_bench.create(str(folder), kind, fast_mode=True, verbose=False)
    for epochs in EPOCHS[kind]:
        for unit, trainings in read(NATSFolder(kind), folder, kind, epochs=epochs)[0].items():
            for _, name, seed, valid, test, seconds in trainings:
                half = "cifar10-valid" if name == "cifar10" else name
                ask = {"hp": f"{epochs:02d}", "is_random": seed}
                info = api.get_more_info(int(unit), half, **ask)
                assert (info["valid-accuracy"], info["train-all-time"]) == (valid, seconds)
                assert api.get_more_info(int(unit), name, **ask)["test-accuracy"] == test


def test_the_archive_is_read_without_unpacking(folder: Path, tmp_path: Path) -> None:
    kind = kind_of(folder)
    tar = archive(folder, tmp_path / "download.tar")
    assert read(NATSFolder(kind), tar, kind) == read(NATSFolder(kind), folder, kind)
    assert list(tmp_path.iterdir()) == [tar]


def test_formats_know_their_own_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    kind, other = sorted(SPACES, key=lambda name: name != kind_of(folder))
    whole = tmp_path / "whole.pbz2"
    whole.write_bytes(dump(meta(kind)))
    (tmp_path / "text").write_text("index,arch\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing").touch()
    np.savez(tmp_path / "arrays.npz", a=np.arange(3))
    tar = archive(folder, tmp_path / "download.tar")
    known = {folder: NATSFolder, tar: NATSFolder, whole: NASBench201File}
    for path in [folder, *tmp_path.iterdir(), tmp_path / "is not there"]:
        for fmt in (NATSFolder, NASBench201File):
            assert fmt(kind).recognises(path) == (known.get(path) is fmt), path
            assert not fmt(other).recognises(path)


def test_a_killed_import_goes_on_where_it_stopped(folder: Path) -> None:
    kind, calls = kind_of(folder), list[tuple[int, int]]()
    found, dropped = read(
        NATSFolder(kind),
        folder,
        kind,
        done=frozenset({"000000"}),
        progress=lambda done, total: calls.append((done, total)),
    )
    assert list(found) == ["000001"]
    assert dropped["cifar10 trainings of a seed without the other half"] == 1
    assert calls[-1] == (COUNT + 1, COUNT + 1)


def test_the_whole_size_or_topology_benchmark_in_one_file(folder: Path, tmp_path: Path) -> None:
    kind = kind_of(folder)
    infos = {index: member(kind, index) for index in range(COUNT)}
    path = tmp_path / "whole.pickle.pbz2"
    path.write_bytes(dump(meta(kind) | {"arch2infos": infos, "evaluated_indexes": set(range(COUNT))}))
    assert NASBench201File(kind).recognises(path)
    assert read(NASBench201File(kind), path, kind) == read(NATSFolder(kind), folder, kind)


def test_epochs_that_nobody_trained(folder: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"trainings have 1?2?.*, none has 13"):
        read(NATSFolder(kind_of(folder)), folder, kind_of(folder), epochs=13)


def change(content: dict[str, Any], what: str) -> None:
    """Do to the last budget of a member what might be wrong with it."""
    state = content["90"]
    first = state["all_results"]["cifar100", 777]
    if what == "another place":
        state["arch_index"] = 7
    elif what == "another space":
        state["arch_str"] = "8:8:8:8:9"
    elif what == "no accuracy":
        del first["eval_acc1es"]
    elif what == "no number":
        first["eval_acc1es"]["x-valid@89"] = [1.0]
    elif what == "no epochs":
        first["epochs"] = "ninety"
    elif what == "no results":
        del state["all_results"]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("another place", "8:8:8:8:8 stands at 7; in nats-size it is 0"),
        ("another space", "'9' in '8:8:8:8:9'"),
        ("no accuracy", "without results"),
        ("no number", "are not those of NAS-Bench-201"),
        ("no epochs", "are not those of NAS-Bench-201"),
        ("no results", "are not those of nats-size: 'all_results'"),
    ],
)
def test_content_that_is_not_what_it_should_be(tmp_path: Path, what: str, message: str) -> None:
    content = member("sss", 0)
    change(content, what)
    (tmp_path / "000000.pickle.pbz2").write_bytes(dump(content))
    with pytest.raises(BadData, match=message):
        read(NATSFolder("sss"), tmp_path, "sss")


@pytest.mark.parametrize("content", [[], {}, {"90": 1}, {"90": {}}, "text"])
def test_a_member_that_is_something_else(tmp_path: Path, content: Any) -> None:
    (tmp_path / "000000.pickle.pbz2").write_bytes(dump(content))
    with pytest.raises(BadData, match=r"000000\.pickle\.pbz2|are not those of nats-size"):
        read(NATSFolder("sss"), tmp_path, "sss")


def test_a_member_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "000001.pickle.pbz2").write_bytes(dump(member("sss", 0)))
    with pytest.raises(BadData, match=r"000001\.pickle\.pbz2 holds the architecture 000000"):
        read(NATSFolder("sss"), tmp_path, "sss")


def test_what_has_no_pair_is_dropped_and_counted(tmp_path: Path) -> None:
    content = member("sss", 0)
    results = content["90"]["all_results"]
    for seed in (777, 888):
        results["cifar10", seed + 1] = results.pop(("cifar10", seed))
    del results["cifar100", 777]["eval_acc1es"]["x-valid@89"]
    results["ImageNet16-120", 999]["train_times"] = None
    (tmp_path / "000000.pickle.pbz2").write_bytes(dump(content))
    (tmp_path / "notes.txt").touch()
    found, dropped = read(NATSFolder("sss"), tmp_path, "sss")
    assert [training[1:3] for training in found["000000"]] == [
        ("cifar10", 777),
        ("cifar10", 888),
        ("ImageNet16-120", 777),
        ("ImageNet16-120", 999),
    ]
    assert np.isnan(found["000000"][-1].seconds)
    assert {reason: count for reason, count in dropped.items() if "epochs" not in reason} == {
        "cifar10 seeds: none in common, paired in their order": 1,
        "cifar10 trainings of a seed without the other half": 1,
        "cifar100 trainings without x-valid or x-test": 1,
        "files with other names": 1,
    }


def test_truncated_members_and_archives(folder: Path, tmp_path: Path) -> None:
    kind = kind_of(folder)
    data = (folder / "000000.pickle.pbz2").read_bytes()
    for size in (0, 10, len(data) // 2, len(data) - 1):
        (tmp_path / "000000.pickle.pbz2").write_bytes(data[:size])
        with pytest.raises(BadData, match=r"000000\.pickle\.pbz2.*get it again"):
            read(NATSFolder(kind), tmp_path, kind)
    tar = archive(folder, tmp_path / "whole.tar")
    tar.write_bytes(tar.read_bytes()[: tar.stat().st_size // 2])
    with pytest.raises(BadData, match=r"whole\.tar.*get it again"):
        read(NATSFolder(kind), tar, kind)


# ---- NAS-Bench-201 in one file of torch


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Return small files written with the classes of the official package, by whether they are zip archives."""
    pytest.importorskip(
        "nas_201_api", reason="the official package is not installed: pip install nas-bench-201"
    )
    script = Path(__file__).resolve().parents[3] / "experiments" / "speed" / "import_memory.py"
    sys.path.insert(0, str(script.parent))
    try:
        spec = importlib.util.spec_from_file_location("import_memory", script)
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    finally:
        sys.path.remove(str(script.parent))
    folder = tmp_path_factory.mktemp("pth")
    paths = {zipped: folder / f"NAS-Bench-201-{zipped}.pth" for zipped in (False, True)}
    for zipped, path in paths.items():
        module.write(path, COUNT, zipped)
    return paths


@pytest.mark.parametrize("zipped", [False, True])
def test_the_official_api_of_nasbench201_says_the_same(written: dict[bool, Path], zipped: bool) -> None:
    from nas_201_api import NASBench201API

    api = NASBench201API(str(written[zipped]), verbose=False)
    for epochs, hp in ((12, "12"), (200, "200")):
        found, dropped = read(NASBench201File(), written[zipped], "tss", epochs=epochs)
        assert list(found) == ["000000", "000001"]
        compared = 0
        for unit, trainings in found.items():
            seeds = api.arch2infos_dict[int(unit)][hp].dataset_seed
            for _, name, seed, valid, test, seconds in trainings:
                assert seed in seeds[name]
                half = "cifar10-valid" if name == "cifar10" else name
                info = api.get_more_info(int(unit), half, hp=hp, is_random=seed)
                assert (info["valid-accuracy"], info["train-all-time"]) == (valid, seconds)
                assert api.get_more_info(int(unit), name, hp=hp, is_random=seed)["test-accuracy"] == test
                compared += 1
            assert len(trainings) == sum(
                len(seeds[name]) for name in ("cifar10", "cifar100", "ImageNet16-120")
            )
        assert compared >= 3 * COUNT
        # Of 12 epochs, cifar10-valid has one seed more than the others.
        assert dropped["cifar10-valid trainings of a seed without the other half"] == (
            COUNT if epochs == 12 else 0
        )


def test_both_formats_of_torch_are_one_benchmark(written: dict[bool, Path]) -> None:
    old, new = (read(NASBench201File(), written[zipped], "tss") for zipped in (False, True))
    assert old == new
    for path in written.values():
        assert NASBench201File().recognises(path)
        assert not NATSFolder("tss").recognises(path)


def test_any_truncation_of_the_large_file(written: dict[bool, Path], tmp_path: Path) -> None:
    for path in written.values():
        data = path.read_bytes()
        for size in (0, 5, 14, 40, 2000, len(data) // 3, len(data) // 2):
            (tmp_path / "cut.pth").write_bytes(data[:size])
            with pytest.raises(BadData, match=r"cut\.pth"):
                read(NASBench201File(), tmp_path / "cut.pth", "tss")


# ---- what would run


class Payload:
    """Unpickled in the usual way, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.system, (f"touch {self.marker}",)


def planted(kind: str, marker: Path) -> dict[str, Any]:
    content = architecture(kind, 0, EPOCHS[kind][-1])
    content["all_results"]["cifar100", 777]["net_state_dict"] = Payload(marker)
    return content


def test_the_payload_would_run(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(planted("tss", tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["tss", "sss"])
def test_nothing_runs_in_a_folder_or_an_archive(tmp_path: Path, kind: str) -> None:
    marker, folder = tmp_path / "ran", tmp_path / f"NATS-{kind}-simple"
    folder.mkdir()
    (folder / "000000.pickle.pbz2").write_bytes(dump({"90": planted(kind, marker)}))
    for path in (folder, archive(folder, tmp_path / "download.tar")):
        NATSFolder(kind).recognises(path)
        with pytest.raises(BadData, match=r"000000\.pickle\.pbz2, byte \d+: asks for posix\.system"):
            read(NATSFolder(kind), path, kind)
    (folder / "meta.pickle.pbz2").write_bytes(dump(Payload(marker)))
    (folder / "000000.pickle.pbz2").write_bytes(dump(Payload(marker)))
    assert not NATSFolder(kind).recognises(folder)
    assert not marker.exists()


@pytest.mark.parametrize("form", ["legacy", "zip", "bz2", "head", "magic"])
def test_nothing_runs_in_a_whole_file(tmp_path: Path, form: str) -> None:
    torch = pytest.importorskip("torch")
    marker, path = tmp_path / "ran", tmp_path / "NAS-Bench-201-v1_1-096897.pth"
    whole = meta("tss") | {"arch2infos": {0: {"full": planted("tss", marker)}}}
    if form in ("legacy", "zip"):
        torch.save(whole, path, _use_new_zipfile_serialization=form == "zip")
    elif form == "bz2":
        path.write_bytes(dump(whole))
    else:
        head = [Payload(marker)] if form == "magic" else [0x1950A86A20F9469CFC6C, 1001, Payload(marker)]
        path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in [*head, whole]))
    fmt = NASBench201File()
    assert fmt.recognises(path) == (form in ("legacy", "zip", "bz2"))
    with pytest.raises(
        BadData, match=r"asks for posix\.system" if form != "magic" else "neither a file of torch"
    ):
        read(fmt, path, "tss")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("../000000.pickle.pbz2", tarfile.REGTYPE, "a path out of the archive"),
        ("a/../../000000.pickle.pbz2", tarfile.REGTYPE, "a path out of the archive"),
        ("/tmp/000000.pickle.pbz2", tarfile.REGTYPE, "a path out of the archive"),
        ("000000.pickle.pbz2", tarfile.SYMTYPE, "a link or a device"),
        ("000000.pickle.pbz2", tarfile.LNKTYPE, "a link or a device"),
        ("000000.pickle.pbz2", tarfile.FIFOTYPE, "a link or a device"),
        ("000000.pickle.pbz2", tarfile.CHRTYPE, "a link or a device"),
    ],
)
def test_an_archive_cannot_lead_elsewhere(tmp_path: Path, name: str, kind: bytes, message: str) -> None:
    (tmp_path / "inside").mkdir()
    path = tmp_path / "inside" / "download.tar"
    data = dump(member("sss", 0))
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/hostname"
        entry.size = len(data) if kind == tarfile.REGTYPE else 0
        tar.addfile(entry, io.BytesIO(data))
    assert not NATSFolder("sss").recognises(path)
    with pytest.raises(BadData, match=message):
        read(NATSFolder("sss"), path, "sss")
    assert [file.name for file in tmp_path.rglob("*")] == ["inside", "download.tar"]


def test_zip_archives_that_are_not_of_torch(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for names in (("a/data.pkl", "b/data.pkl"), ("data.txt",)):
        with zipfile.ZipFile(path, "w") as out:
            for name in names:
                out.writestr(name, b"N.")
        assert not NASBench201File().recognises(path)
        with pytest.raises(BadData, match=f"it holds {len([n for n in names if 'pkl' in n])} data.pkl"):
            read(NASBench201File(), path, "tss")


def test_benchmarks_list_their_formats() -> None:
    for benchmark, kind in ((NASBench201Benchmark, "tss"), (NATSSizeBenchmark, "sss")):
        assert {(type(fmt), fmt.kind) for fmt in benchmark.formats} == {  # type: ignore[attr-defined]
            (NATSFolder, kind),
            (NASBench201File, kind),
        }
