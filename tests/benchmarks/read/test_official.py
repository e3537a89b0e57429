"""Importing published files, by a made-up format: recognised, counted, resumed, checked; losses turned round once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from commands import call

from nassearch import registry
from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.formats.base import Format, Reading, Training
from nassearch.benchmarks.read.importing import import_file
from nassearch.benchmarks.read.official import work_path
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.errors import BadData, InvalidArch, InvalidSetting, MissingData, UnknownName
from nassearch.networks.graph import Builder, Network
from nassearch.reports.correlate import correlate
from nassearch.reports.summary import summarise
from nassearch.search.experiment import Experiment
from nassearch.search.quantity import Quantity
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.choices import Choices
from nassearch.testing import BenchmarkContract, SpaceContract
from nassearch.types import Arch, Task

TASK = Task((1, 8), 4)
MD5 = "41abad06cf28"


class Widths(Choices):
    """Two widths (a test)."""

    name = "widths"
    choices = (("2", "4", "8"), ("2", "4"))

    def network(self, arch: Arch, task: Task) -> Network:
        build = Builder(task.input_shape)
        x = 0
        for option, names in zip(arch, self.choices, strict=True):
            x = build.relu(build.batch_norm(build.conv(x, int(names[option]), 3)))
        build.linear(build.global_pool(x), task.classes)
        return Network(((build.done(), 1),))


class Some(Widths):
    """Some of these (a test)."""

    name = "some"
    options = None  # type: ignore[assignment]

    def __init__(self, archs: list[Arch]) -> None:
        self.archs = archs

    @property
    def size(self) -> int:
        return len(self.archs)

    def all(self) -> Iterator[Arch]:
        return iter(self.archs)

    def is_valid(self, arch: Arch) -> bool:
        return arch in self.archs

    def rule(self) -> str:
        return "one of a list"

    def parse(self, text: str) -> Arch:
        return self.check(super().parse(text)) if self.archs else super().parse(text)

    def sample_many(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return [self.archs[i] for i in rng.integers(len(self.archs), size=n)]

    def neighbours(self, arch: Arch) -> list[Arch]:
        return [other for other in self.archs if other != arch]


class Lines(Format):
    """A JSON line per architecture: its text, and [seed, valid, test, seconds] of each training."""

    name: ClassVar[str] = "file of lines"
    resumable: ClassVar[bool] = True
    checksums: ClassVar[dict[str, str]] = {"published.lines": f"md5:{MD5}"}
    read_units: ClassVar[list[str]] = []
    killed_at: ClassVar[int | None] = None

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.read_bytes()[:1] == b"["

    def read(self, path: Path, reading: Reading) -> Iterator[tuple[str, list[Training]]]:
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if str(number) in reading.done:
                continue
            text, trainings = json.loads(line)
            if number == self.killed_at:
                raise KeyboardInterrupt
            self.read_units.append(str(number))
            kept = [t for t in trainings if t[2] is not None]
            if len(kept) < len(trainings):
                reading.dropped["diverged trainings"] += len(trainings) - len(kept)
            arch = reading.space.parse(text)
            yield (
                str(number),
                [Training(arch, "loss", t[0], *(np.nan if v is None else v for v in t[1:])) for t in kept],
            )
            if reading.progress:
                reading.progress(number + 1, len(lines))


class Benchmark(TabularBenchmark):
    """Losses of two widths (a test, 2026)."""

    name: ClassVar[str] = "widths"
    formats = (Lines(),)

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        return {"loss": Dataset("loss", TASK, "nats", False, "made up", highest=10, quantity="loss")}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return Widths()


class ListBenchmark(Benchmark):
    """Losses of some of two widths (a test, 2026)."""

    name: ClassVar[str] = "some"
    listed = True
    published: ClassVar[dict[str, int]] = {"loss": 7}

    @classmethod
    def space_of(cls, archs: list[Arch]) -> SearchSpace:  # type: ignore[override]
        return Some(archs)

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return super(Benchmark, cls).make_space(dataset)


SPACE = Widths()
ALL = list(SPACE.all())


def test_a_seed_for_each_training_of_a_large_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.lines"
    file.write_text(
        "\n".join(json.dumps([SPACE.format(arch), [[seed, 2.0, 3.0, 1.0]]]) for seed, arch in enumerate(ALL))
    )
    assert len(import_file(Benchmark, file, folder=tmp_path / "small").tables[0].seeds) == 6
    monkeypatch.setattr("nassearch.benchmarks.table.PLACES", 35)
    import_file(Benchmark, file, folder=tmp_path / "filled")  # a sixth of it is
    monkeypatch.setattr("nassearch.benchmarks.table.SPARSEST", 5)
    with pytest.raises(
        BadData, match=r"a\.lines: .*loss has 6 different seeds, so 36 places for 6 trainings"
    ):
        import_file(Benchmark, file, folder=tmp_path / "refused")


def lines(archs: list[Arch] = ALL, **change: list[list[Any]]) -> str:
    """Write trainings: losses 1 + place / 10 for validation, 2 + place / 10 for test, in two seeds 0.2 apart."""
    rows = []
    for place, arch in enumerate(archs):
        text = SPACE.format(arch)
        trainings = [[s, 1 + place / 10 + s / 5, 2 + place / 10 + s / 5, 5.0] for s in (0, 1)]
        rows.append(json.dumps([text, change.get(f"_{place}", trainings)]))
    return "\n".join(rows) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Lines.read_units.clear()
    path = tmp_path / "given.lines"
    path.write_text(lines())
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"widths": f"{__name__}:Benchmark", "some": f"{__name__}:ListBenchmark"}
    monkeypatch.setitem(registry.BUILT_IN, "benchmarks", {**registry.BUILT_IN["benchmarks"], **found})
    registry._known.cache_clear()
    yield
    registry._known.cache_clear()


def test_a_loss_is_negated_once(file: Path) -> None:
    report = import_file(Benchmark, file)
    (made,) = report.tables
    assert report.format == "file of lines"
    assert (made.trainings, made.seeds, made.validated, made.seconds) == (12, (0, 1), True, True)
    assert (made.best_valid, made.best_test, made.best_arch) == (1.0, pytest.approx(2.1), "2:2")
    benchmark = Benchmark.open("loss")
    answers = {benchmark.query(ALL[3], np.random.default_rng(seed)).valid for seed in range(9)}
    assert answers == {-1.3, -1.5}
    assert benchmark.expected(ALL[3]).test == pytest.approx(-2.4)
    assert benchmark.best.valid == -1.0
    info = benchmark.info()
    assert (info["better"], info["best_valid"]) == ("lower", 1.0)
    assert info["test_percentiles"]["5"] < info["test_percentiles"]["95"]


class TestOfTheLoss(BenchmarkContract):
    @pytest.fixture
    def benchmark(self, file: Path) -> Benchmark:
        import_file(Benchmark, file)
        return Benchmark.open("loss")


class TestOfTheList(BenchmarkContract):
    @pytest.fixture
    def benchmark(self, file: Path) -> ListBenchmark:
        file.write_text(lines(ALL[::-2]))
        import_file(ListBenchmark, file)
        return ListBenchmark.open("loss")


class TestListSpace(SpaceContract):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return Some(ALL[1:])


class TestChoices(SpaceContract):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return SPACE


def test_a_list_of_architectures_comes_with_its_table(file: Path, known: None) -> None:
    file.write_text(lines(ALL[::-2], _1=[[0, 1.0, None, 1.0]]))
    result = call("bench", "import", "some", file)
    assert "loss: 2 architectures of 7 published, 4 trainings, best test 2.10, written" in result.stdout
    assert "left out: 1 x diverged trainings" in result.stdout
    space = ListBenchmark.open().space
    assert list(space.all()) == [ALL[5], ALL[1]] == list(ListBenchmark.make_space("loss").all())
    with pytest.raises(InvalidArch):
        space.index((9, 9))
    assert Experiment("rand", "some", budget=3, rounds=2).run().curve().median()[-1] <= -1


def test_a_list_that_is_not_installed_names_the_command(known: None) -> None:
    with pytest.raises(MissingData, match="nassearch bench import some FILE"):
        Experiment("rand", "some")
    with pytest.raises(UnknownName):
        ListBenchmark.make_space("los")


def test_without_validation_values_everything_says_so(file: Path, known: None, tmp_path: Path) -> None:
    file.write_text(lines(**{f"_{i}": [[0, None, 1.0 + i, 1.0]] for i in range(6)}))
    told = call("bench", "import", "widths", file).stdout
    assert "loss: validation values: none published" in told
    assert "none published" in call("bench", "info", "--benchmark", "widths").stdout
    run = call("run", "rand", "--benchmark", "widths", "--budget", "4", "--rounds", "3", "--out", tmp_path / "r.jsonl",
               "--plot", tmp_path / "p.svg")  # fmt: skip
    assert "of the best so far by test loss: there are no validation values" in run.stdout
    assert "(no validation values)" in (tmp_path / "p.svg").read_text()
    compared = call("compare", tmp_path / "r.jsonl").stdout
    assert "by test loss: there are no validation values" in compared


def test_some_validation_values_are_not_enough(file: Path) -> None:
    file.write_text(lines(_2=[[0, None, 1.0, 1.0], [1, 1.0, 1.0, 1.0]]))
    with pytest.raises(BadData, match="1 trainings of loss have a validation or a test value alone"):
        import_file(Benchmark, file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(ALL[:4]), r"lacks 2 of the 6 architectures of widths for loss.*: 8:2, 8:4"),
        (lines(_0=[[0, 1, 1, 1], [0, 1, 1, 1]]), "a training of loss is there twice"),
        (lines(_0=[[0, 11, 11, 1]]), "valid goes from 1.1 to 11.*within 0 to 10 nats"),
        (lines([]).strip() + "[]", "holds no training"),
    ],
)
def test_files_that_are_wrong(file: Path, text: str, message: str, data_dir: Path) -> None:
    file.write_text(text if text != "[]" else json.dumps(["2:2", []]) + "\n")
    with pytest.raises(BadData, match=message):
        import_file(Benchmark, file)
    assert not (data_dir / "widths" / "loss.npz").exists()


def test_training_times_that_are_not_there_for_all_are_left_out(file: Path) -> None:
    file.write_text(lines(_0=[[0, 1, 1, None]]))
    report = import_file(Benchmark, file)
    assert not report.tables[0].seconds
    assert list(report.dropped) == ["training seconds: not there for every training"]


def test_a_killed_import_goes_on(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = import_file(Benchmark, file, folder=tmp_path / "whole").tables[0].digest
    Lines.read_units.clear()
    monkeypatch.setattr(Lines, "killed_at", 4)
    with pytest.raises(KeyboardInterrupt):
        import_file(Benchmark, file)
    log = work_path(Benchmark, file, None)
    log.write_bytes(log.read_bytes()[:-10])  # killed while it wrote: the last line is torn
    monkeypatch.setattr(Lines, "killed_at", None)
    calls: list[tuple[int, int]] = []
    report = import_file(Benchmark, file, progress=lambda *done: calls.append(done))
    assert Lines.read_units == ["0", "1", "2", "3", "3", "4", "5"]
    assert report.tables[0].digest == whole
    assert calls[-1] == (6, 6)
    assert not list(log.parent.glob("import-*"))


def test_a_killed_import_of_a_file_that_changed_begins_anew(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lines, "killed_at", 4)
    with pytest.raises(KeyboardInterrupt):
        import_file(Benchmark, file)
    monkeypatch.setattr(Lines, "killed_at", None)
    file.write_text(lines(_0=[[0, 0.5, 0.5, 1.0], [1, 0.5, 0.5, 1.0]]))
    assert import_file(Benchmark, file).tables[0].best_test == 0.5


def test_a_changed_file_with_its_old_date_begins_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lines, "killed_at", 4)
    with pytest.raises(KeyboardInterrupt):
        import_file(Benchmark, file)
    monkeypatch.setattr(Lines, "killed_at", None)
    before = file.stat()
    file.write_text(file.read_text().replace("2.0", "0.5"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert import_file(Benchmark, file).tables[0].best_test == pytest.approx((0.5 + 2.2) / 2)


def test_a_folder_in_which_a_file_has_changed_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "a").write_text("one")
    (folder / "gone").symlink_to(tmp_path / "nothing")
    first = work_path(Benchmark, folder, None)
    assert work_path(Benchmark, folder, None) == first != work_path(Benchmark, folder, 12)
    old = folder.stat()
    (folder / "a").write_text("two")
    assert folder.stat().st_mtime_ns == old.st_mtime_ns
    assert work_path(Benchmark, folder, None) != first


@pytest.mark.parametrize("when", [0, 4e9])  # the first second of 1970, and a day in 2096
def test_a_killed_import_whose_clock_was_set_gives_the_same_bytes(
    when: float, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = import_file(Benchmark, file, folder=tmp_path / "whole").tables[0].path.read_bytes()
    monkeypatch.setattr(Lines, "killed_at", 4)
    with pytest.raises(KeyboardInterrupt):
        import_file(Benchmark, file)
    log = work_path(Benchmark, file, None)
    monkeypatch.setattr(Lines, "killed_at", None)
    monkeypatch.setattr(time, "time", lambda: when)
    monkeypatch.setattr(time, "time_ns", lambda: int(when * 1e9))
    for written in (log, log.parent):
        os.utime(written, (when, when))
    Lines.read_units.clear()
    assert import_file(Benchmark, file).tables[0].path.read_bytes() == whole
    assert Lines.read_units == ["4", "5"]
    os.utime(file, (when, when))
    assert import_file(Benchmark, file, folder=tmp_path / "again").tables[0].path.read_bytes() == whole


def test_a_work_file_that_lacks_something_is_refused(file: Path) -> None:
    log = work_path(Benchmark, file, None)
    log.parent.mkdir(parents=True)
    header = {"format": 1, "reader": "file of lines", "source": str(file.resolve()), "epochs": None}
    log.write_text(json.dumps(header) + '\n{"unit": "0"}\n')
    with pytest.raises(BadData, match=r"not a work file of an import.*remove it to start over"):
        import_file(Benchmark, file)


def test_the_checksum_that_was_published(file: Path) -> None:
    named = file.with_name("published.lines")
    named.write_text(lines())
    assert import_file(Benchmark, named).checksum.endswith(MD5)  # type: ignore[union-attr]
    named.write_text(lines(_0=[[0, 1, 1, 1]]))
    with pytest.raises(BadData, match=f"is not the published file.*md5:{MD5} was published.*--force"):
        import_file(Benchmark, named)
    forced = import_file(Benchmark, named, force=True)
    assert forced.tables[0].written
    assert forced.checksum is None


def test_what_no_reader_knows_says_what_they_know(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"PK\3\4")
    for path in (file, tmp_path):
        with pytest.raises(BadData, match="an import takes file of lines, CSV or Parquet"):
            import_file(Benchmark, path)
    file.write_text(lines())
    with pytest.raises(InvalidSetting, match="columns and scale are of CSV"):
        import_file(Benchmark, file, scale=100)


def test_a_sheet_of_losses_is_turned_round_too(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    rows = [f"{SPACE.format(arch)},loss,{1 + i},{2 + i}" for i, arch in enumerate(ALL)]
    path.write_text("arch,dataset,valid,test\n" + "\n".join(rows) + "\n")
    assert import_file(Benchmark, path).tables[0].best_test == 2
    assert Benchmark.open().best.valid == -1
    path.write_text("arch,dataset,valid,test\n" + "\n".join(rows[1:4]) + "\n")
    assert import_file(ListBenchmark, path).tables[0].architectures == 3
    assert Table.load(ListBenchmark.table_path("loss"), "").architectures == ALL[1:4]


def test_a_sheet_of_test_values_alone(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text(
        "arch,dataset,t\n" + "\n".join(f"{SPACE.format(a)},loss,{1 + i}" for i, a in enumerate(ALL))
    )
    made = import_file(Benchmark, path, {"valid": "t", "test": "t"}).tables[0]
    assert not made.validated
    assert not Benchmark.open().validated


def test_best_so_far_never_gets_worse_where_there_is_no_validation(tmp_path: Path, known: None) -> None:
    """Two trainings differ by more than architectures do, so that the best of single trainings changes to and fro."""
    path = tmp_path / "test.csv"
    draws = np.random.default_rng(0).uniform(1, 5, (2, len(ALL)))
    rows = [f"{SPACE.format(a)},loss,{seed},{draws[seed, i]}" for i, a in enumerate(ALL) for seed in (0, 1)]
    path.write_text("arch,dataset,seed,t\n" + "\n".join(rows))
    import_file(Benchmark, path, {"valid": "t", "test": "t"})
    benchmark, rng = Benchmark.open(), np.random.default_rng(1)
    for arch, mean in zip(ALL, draws.mean(axis=0), strict=True):
        answer = benchmark.query(arch, rng)
        assert answer.valid == answer.test == pytest.approx(-mean)
    assert benchmark.best.valid == benchmark.best.test == pytest.approx(-draws.mean(axis=0).min())
    outcome = Experiment("rand", "widths", budget=12, rounds=9).run(tmp_path / "a.jsonl")
    for view in (("test", "valid"), ("valid", "valid"), ("valid", "test")):
        assert (np.diff(outcome.curve(*view).values, axis=1) >= 0).all()
    told = call("show", tmp_path / "a.jsonl", "--show", "valid").stdout
    assert f"test loss at the end: {-outcome.curve().median()[-1]:.2f}" in told


def test_best_so_far_is_by_test_where_a_benchmark_repeats_one_training_as_valid() -> None:
    """Of a benchmark that is no table: `valid` is one training, `test` the mean of all."""
    assert Quantity(validated=False).metrics("test", "valid") == ("test", "test")
    assert Quantity().metrics("test", "valid") == ("test", "valid")


def test_curves_and_targets_are_in_the_published_direction(file: Path, known: None, tmp_path: Path) -> None:
    import_file(Benchmark, file)
    experiment = Experiment("rand", "widths", budget=12, rounds=9, target=1.15, show="valid")
    outcome = experiment.run(tmp_path / "a.jsonl")
    curve = outcome.curve()
    assert curve.median()[-1] < 0
    from nassearch.reports.curve_data import collect, value_limits

    quantity = Quantity.of(experiment.oracle)
    summary = summarise(outcome.rounds, curve, experiment.target, quantity)
    assert summary["q25"][-1] <= summary["median"][-1] == -curve.median()[-1] <= summary["q75"][-1]
    reached = summary["models_to_target"]
    assert summary["median"][reached - 1] <= 1.15 < summary["median"][reached - 2]
    data = collect({"rand": curve}, quantity=quantity, best=experiment.oracle.best.valid)
    assert data.y_label == "best validation loss so far (nats)" if curve.choose == "valid" else True
    assert data.best == 1.0
    (low, high), (line,) = value_limits(data), data.lines  # type: ignore[misc]
    assert low < 1.0 < line.median[0] <= high
    assert (line.low <= line.high).all()
    told = call("compare", tmp_path / "a.jsonl", "--target", "1.15", "--show", "valid").stdout
    assert "validation loss (nats) of the best so far" in told
    assert f"{summary['median'][-1]:.2f}" in told
    assert "-1." not in told
    json_rows = json.loads(
        call("compare", tmp_path / "a.jsonl", "--target", "1.15", "--show", "valid", "--json").stdout
    )
    assert json_rows["rows"][0]["models_to_target"] == reached
    assert json_rows["rows"][0]["at"]["12"] == summary["median"][-1]


def test_a_proxy_that_ranks_losses_well_has_a_positive_rho(file: Path, known: None, tmp_path: Path) -> None:
    # The first architectures are the smallest and have the lowest loss.
    import_file(Benchmark, file)
    found = correlate("widths", ["params"], dataset="loss", draws=50, neighbourhoods=0, cache=False)
    assert found.reports[0].figures["dropped"]["rho"].value < -0.5
    assert found.quantity.sign == -1
    from nassearch.reports.plot_scores import collect_scatter

    data = collect_scatter(found, np.ones(6), quantity=found.quantity)
    assert data.y_label == "mean test loss (nats)"
    assert data.clouds[0].accuracies.min() == pytest.approx(2.1)
    told = call("correlate", "--benchmark", "widths", "--all", "--neighbourhoods", "0", "--proxies", "params")
    assert "mean test loss, lower is better: a rho above 0 ranks well" in told.stdout
