"""NAS-Bench-Macro: its networks against the published counts, its keys, its file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nassearch.benchmarks import NASBenchMacroBenchmark
from nassearch.benchmarks.nasbench_macro import DATASET
from nassearch.benchmarks.read.formats.base import Reading
from nassearch.benchmarks.read.formats.nasbench_macro import NASBenchMacroFile
from nassearch.benchmarks.read.importing import import_file
from nassearch.errors import BadData, InvalidArch, InvalidSetting
from nassearch.networks.constant.collapsed import collapsed_outputs
from nassearch.networks.constant.compiled.interpreter import compiled_outputs
from nassearch.networks.constant.compiled.program import compiles
from nassearch.networks.counting import macs, parameters
from nassearch.networks.modules.network import TorchNetwork, constant_outputs
from nassearch.spaces import NASBenchMacro
from nassearch.types import Task

SPACE, TASK = NASBenchMacro(), DATASET.task
PUBLISHED = {
    # parameters and FLOPs that the authors give
    "00000000": (387_882, 7_713_280),
    "11111111": (1_588_874, 53_246_464),
    "22222222": (2_932_586, 105_660_928),
    "02012100": (890_666, 47_327_744),
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_counts(text: str) -> None:
    network = SPACE.network(SPACE.parse(text), TASK)
    assert (parameters(network), macs(network)) == PUBLISHED[text]
    model = TorchNetwork(network, torch.Generator().manual_seed(0))
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[text][0]


@pytest.mark.slow
def test_published_counts_and_accuracies_of_all(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = real_data / "nasbench_macro" / "nas-bench-macro_cifar10.json"
    published = json.loads(file.read_text())
    assert len(published) == SPACE.size == 6561
    for text, found in published.items():
        network = SPACE.network(SPACE.parse(text), TASK)
        assert (parameters(network), macs(network)) == (found["params"], found["flops"]), text
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path))
    import_file(NASBenchMacroBenchmark, file)
    benchmark = NASBenchMacroBenchmark.open("cifar10")
    assert not benchmark.validated and benchmark.tested
    for text, found in published.items():
        reached = benchmark.expected(SPACE.parse(text))
        # Float32 in the table.
        assert reached.test == pytest.approx(found["mean_acc"], abs=1e-4) == reached.valid
    # Whoever trained them trained each network once: those of one key have the same accuracies, to the last digit.
    by_key: dict[str, set[tuple[float, ...]]] = {}
    for text, found in published.items():
        by_key.setdefault(SPACE.key(SPACE.parse(text)), set()).add(tuple(found["test_acc"]))
    assert all(len(values) == 1 for values in by_key.values()) and len(by_key) == 3969


def test_keys_see_that_an_identity_is_nothing_wherever_it_stands() -> None:
    keys = {SPACE.key(arch) for arch in SPACE.all()}
    # 3 * 3 first stages; 3 * (1 + 2 + 4) second and third ones.
    assert len(keys) == 9 * 21 * 21
    one, other = SPACE.parse("02012100"), SPACE.parse("02021100")
    assert SPACE.key(one) != SPACE.key(other)
    assert SPACE.key(SPACE.parse("02012001")) == SPACE.key(SPACE.parse("02012010"))
    assert SPACE.network((0, 2, 0, 1, 2, 0, 0, 1), TASK) == SPACE.network((0, 2, 0, 1, 2, 0, 1, 0), TASK)


@pytest.mark.parametrize("text", ["", "0201210", "020121000", "02012103", "0:2:0:1:2:1:0:0", "٠٢٠١٢١٠٠"])
def test_wrong_texts(text: str) -> None:
    with pytest.raises(InvalidArch, match="not 8 digits of 0"):
        SPACE.parse(text)


def test_a_chosen_width_and_stem() -> None:
    small = Task((1, 20, 12), 3, channels=(4, 6), stem_stride=2)
    network = SPACE.network(SPACE.parse("12012012"), small)
    assert [block[-1].channels for block, _ in network.chain][:-1] == [2, 4, 4, 6, 6, 6, 6, 6, 6]
    assert network.chain[0][0][-1].size == (10, 6)


def test_epsilon_by_every_path() -> None:
    x = np.random.default_rng(0).normal(size=(16, 3, 16, 16)).astype(np.float32)
    small = Task((3, 16, 16), 5, channels=(4, 6, 8))
    networks = [SPACE.network(arch, small) for arch in SPACE.sample_many(6, np.random.default_rng(1))]
    assert all(map(compiles, networks))
    weights = (1e-2, 1.0)
    collapsed = collapsed_outputs(networks, x, weights)
    compiled = compiled_outputs(networks, x, weights)
    # Float32 with additions in another order.
    np.testing.assert_allclose(compiled, collapsed, rtol=1e-3, atol=1e-4 * collapsed.max())
    for network, rows in zip(networks, collapsed, strict=True):
        for weight, row in zip(weights, rows, strict=True):
            full = constant_outputs(network, torch.from_numpy(x), weight).numpy()
            np.testing.assert_allclose(row, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())


# ---- the file


def written(path: Path, changes: dict[str, object] | None = None) -> Path:
    """Write a file of all architectures with made-up accuracies."""
    content = {
        SPACE.format(arch): {
            "test_acc": [50 + n / 1000, 51.0, 52.0],
            "mean_acc": 51,
            "std": 1,
            "params": 1,
            "flops": 2,
        }
        for n, arch in enumerate(SPACE.all())
    }
    path.write_text(json.dumps(content | (changes or {})))
    return path


def test_three_test_accuracies_and_no_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "home"))
    file = written(tmp_path / "any-name.json")
    assert NASBenchMacroFile().recognises(file)
    import_file(NASBenchMacroBenchmark, file)
    benchmark = NASBenchMacroBenchmark.open()
    assert not benchmark.validated
    found = benchmark.query(SPACE.parse("00000000"), np.random.default_rng(0))
    assert found.test == pytest.approx(51) and found.valid == pytest.approx(51)
    assert np.isnan(found.seconds)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"0000000": {"test_acc": [1.0]}}, "not 8 digits"),
        ({"00000000": {"test_acc": []}}, "not a list of test accuracies"),
        ({"00000000": {"test_acc": [1.0, "2"]}}, "not a list of test accuracies"),
        ({"00000000": {"test_acc": [1.0, True]}}, "not a list of test accuracies"),
        ({"00000000": [1.0]}, "not a list of test accuracies"),
        ({"00000000": {"test_acc": [101.0, 1, 1]}}, "101"),
    ],
)
def test_wrong_files_say_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], words: str
) -> None:
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "home"))
    with pytest.raises(BadData, match=words):
        import_file(NASBenchMacroBenchmark, written(tmp_path / "a.json", changes))


def test_fractions_are_no_percent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "home"))
    changes: dict[str, object] = {SPACE.format(arch): {"test_acc": [0.5, 0.9]} for arch in SPACE.all()}
    with pytest.raises(BadData, match="no valid value of cifar10 is above 1, so these look like fractions"):
        import_file(NASBenchMacroBenchmark, written(tmp_path / "a.json", changes))
    assert not NASBenchMacroBenchmark.installed()


def test_what_else_stands_beside_the_accuracies_or_before_the_text(tmp_path: Path) -> None:
    entry = {"note": "x" * 300, "test_acc": [50.0]}
    for encoding in ("utf-8", "utf-8-sig"):
        path = tmp_path / encoding
        path.write_text(json.dumps({SPACE.format(arch): entry for arch in SPACE.all()}), encoding)
        assert NASBenchMacroFile().recognises(path)
        ((_, trainings),) = NASBenchMacroFile().read(path, Reading(SPACE))
        assert len(trainings) == 6561


def test_a_packed_file_is_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(written(tmp_path / "a.json").read_bytes()))
    with pytest.raises(BadData, match="is JSON in gzip, which only sheets may be in: unpack it"):
        import_file(NASBenchMacroBenchmark, path)


def test_what_is_no_such_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASSEARCH_DATA", str(tmp_path / "home"))
    form = NASBenchMacroFile()
    for name, text in (("a", b""), ("b", b"\xff\xfe"), ("c", b"[1]"), ("d", b'{"x": 1}')):
        path = tmp_path / name
        path.write_bytes(text)
        assert not form.recognises(path)
    assert not form.recognises(tmp_path) and not form.recognises(tmp_path / "none")
    cut = tmp_path / "cut.json"
    cut.write_bytes(written(tmp_path / "whole.json").read_bytes()[:5000])
    with pytest.raises(BadData, match="no JSON of architectures"):
        import_file(NASBenchMacroBenchmark, cut)
    lacking = tmp_path / "lacking.json"
    lacking.write_text('{"00000000": {"test_acc": [1.0, 2.0, 3.0]}}')
    with pytest.raises(BadData, match="6560 of the 6561"):
        import_file(NASBenchMacroBenchmark, lacking)
    with pytest.raises(InvalidSetting, match="leave them out"):
        import_file(NASBenchMacroBenchmark, tmp_path / "whole.json", epochs=12)
