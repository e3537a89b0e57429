"""Commands: what they print and write, that they are documented, and that they start quickly."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from commands import ROOT, call, environment, install
from readers import every_command

from nassearch.cli.main import COMMANDS
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.workers import progress

RUN = (
    "run",
    "ae",
    "--dataset",
    "cifar10",
    "--rounds",
    "6",
    "--budget",
    "70",
    "--scorer",
    "params",
    "--warmup",
    "90",
)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def done(*args: Any) -> str:
    result = call(*args)
    assert result.exit_code == 0, result.stderr
    # A list of rows has no place for how many of its scores were read.
    told = {line for line in result.stderr.splitlines() if args[0] == "score" and line.startswith("scores: ")}
    assert set(result.stderr.splitlines()) == told
    return result.stdout


@pytest.mark.parametrize(
    ("name", "command"), list(every_command()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_is_documented(name: str, command: click.Command) -> None:
    assert command.help
    assert f"nassearch {name}" in command.help.partition("Example")[2]
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
    text = done(*name.split(), "--help")
    assert "nassearch" in text
    assert max(map(len, text.splitlines())) <= 110


def test_help_lists_every_command_and_version() -> None:
    from nassearch import __version__

    assert all(f"\n  {name} " in done("--help") for name in COMMANDS)
    assert __version__ in done("--version")


def test_run_prints_a_table_and_writes_result_and_plot(in_an_empty_folder: Path) -> None:
    text = done(*RUN, "--target", "20")
    assert "nasbench201, cifar10: ae, warm-up 90 by params" in text
    assert "test accuracy (percent)" in text
    assert "models to 20: 1" in text
    suffixes = {path.suffix for path in (in_an_empty_folder / "results").iterdir()}
    assert {".jsonl", ".png"} <= suffixes
    assert "nassearch compare results/*.jsonl" in text


def test_run_json_is_one_object(in_an_empty_folder: Path) -> None:
    found = json.loads(done(*RUN, "--json", "--out", "a.jsonl", "--plot", "a.svg"))
    assert set(found) == {"experiment", "summary", "rounds", "scores", "results"}
    assert found["results"] == "a.jsonl"
    assert found["experiment"]["strategy"] == "ae"
    assert found["experiment"]["warmup"] == 90
    summary = found["summary"]
    assert set(summary) == {"median", "q25", "q75", "target", "models_to_target", "revisits", "seconds"}
    assert [len(summary[name]) for name in ("median", "q25", "q75")] == [70] * 3
    assert all(
        low <= mid <= high
        for low, mid, high in zip(summary["q25"], summary["median"], summary["q75"], strict=True)
    )
    assert summary["seconds"] == 70 * 9.0
    assert Path("a.svg").read_text().startswith("<?xml")


def test_workers_cache_place_and_repeats_change_no_byte(in_an_empty_folder: Path) -> None:
    results, outputs, counts = set(), set(), []
    for number, more in enumerate(
        [(), ("--workers", "2"), ("--no-cache",), ("--workers", "2", "--no-cache"), ()]
    ):
        path = in_an_empty_folder / f"deep{number}" / "a.jsonl"
        found = json.loads(done(*RUN, "--json", "--out", path, *more))
        assert found.pop("results") == str(path)
        assert found.pop("rounds") == {"read": 0, "computed": 6}
        counts.append(found.pop("scores"))
        outputs.add(json.dumps(found))
        results.add(path.read_bytes())
    assert len(results) == len(outputs) == 1
    # A warm-up's scores are all there once a run before has kept them.
    assert [each["read"] > 0 for each in counts] == [False, True, False, False, True]
    assert len({each["read"] + each["computed"] for each in counts}) == 1


def test_more_rounds_are_added_to_those_there() -> None:
    done(*RUN, "--out", "a.jsonl")
    six = Path("a.jsonl").read_bytes()
    done(*RUN, "--rounds", "9", "--out", "a.jsonl")
    nine = Path("a.jsonl").read_bytes()
    assert nine.startswith(six)
    assert nine.count(b"\n") == 10
    fewer = json.loads(done(*RUN, "--rounds", "9", "--json", "--out", "b.jsonl"))
    assert Path("b.jsonl").read_bytes() == nine
    assert fewer["experiment"]["rounds"] == 9


def test_compare_and_plot() -> None:
    done(*RUN, "--out", "a.jsonl")
    done("run", "rand", "--dataset", "cifar10", "--rounds", "6", "--budget", "70", "--out", "b.jsonl")
    text = done("compare", "a.jsonl", "b.jsonl", "--baseline", "rand")
    assert "ae, warm-up 90 by params" in text
    assert "rand" in text
    found = json.loads(done("compare", "a.jsonl", "b.jsonl", "--baseline", "b.jsonl", "--json"))
    assert found["baseline"] == "rand"
    assert [row["label"] for row in found["rows"]] == ["ae, warm-up 90 by params", "rand"]
    assert list(found["rows"][0]["at"]) == ["50", "70"]
    assert {"models_to_target", "speedup", "speedup_low", "speedup_high", "revisits", "regret"} <= set(
        found["rows"][0]
    )
    for name in ("a.png", "a.svg", "a.pdf"):
        assert done("plot", "a.jsonl", "b.jsonl", "-o", name) == f"{name}\n"
        assert Path(name).stat().st_size > 1000
    done("plot", "a.jsonl", "-o", "s.png", "--x", "seconds")


def test_results_of_several_data_sets_make_a_table_each() -> None:
    """The hint that `run` prints works after any searches, whatever they were about and however far they came."""
    install("cifar100")
    for dataset in ("cifar10", "cifar100"):
        for strategy, budget in (("ae", "70"), ("rand", "80")):
            about = ("--dataset", dataset, "--rounds", "4", "--budget", budget)
            done("run", strategy, *about, "--out", f"{strategy}-{dataset}.jsonl")
    Path("begun.jsonl").write_bytes(Path("ae-cifar10.jsonl").read_bytes().splitlines(keepends=True)[0])
    Path("blank.jsonl").touch()
    Path("cut.jsonl").write_bytes(Path("begun.jsonl").read_bytes()[:50])
    names = sorted(str(path) for path in Path().glob("*.jsonl"))
    result = call("compare", *names)
    assert result.exit_code == 0
    told = "nassearch: left out: {}.jsonl "
    yet, again = "is not a result of nassearch run yet: it", "; wait for it, or run the search again"
    assert result.stderr.splitlines()[:3] == [
        told.format("begun") + "has no complete round yet: wait for it, or run the search again to go on",
        told.format("blank") + f"{yet} is empty{again}",
        told.format("cut") + f"{yet} is cut off within its first line{again}",
    ]
    assert call("plot", *(n for n in names if "100" not in n), "-o", "some.svg").exit_code == 0
    for alone in ("begun.jsonl", "blank.jsonl", "cut.jsonl"):
        refused = call("compare", alone)
        assert refused.exit_code == 1 and refused.stderr.startswith(f"nassearch: {alone} ")
    Path("notes.jsonl").write_text("no result")
    refused = call("compare", *names, "notes.jsonl")
    assert refused.exit_code == 1 and "notes.jsonl is not a result of nassearch run" in refused.stderr
    assert [line for line in result.stdout.splitlines() if line.startswith("nasbench201, ")] == [
        f"nasbench201, {dataset}: test accuracy (percent) of the best so far by validation accuracy, median of 4 rounds"
        for dataset in ("cifar10", "cifar100")
    ]
    assert result.stdout.count("speed-up: those that ae needs") == 2
    assert result.stdout.count("budgets") == 0
    found = json.loads(call("compare", *names, "--baseline", "rand-cifar100.jsonl", "--json").stdout)
    assert [(row["dataset"], row["label"], row["baseline"]) for row in found["rows"]] == [
        ("cifar10", "ae", "ae"),
        ("cifar10", "rand", "ae"),
        ("cifar100", "ae", "rand"),
        ("cifar100", "rand", "rand"),
    ]
    assert call("compare", *names, "--baseline", "nothing").exit_code == 1


def test_json_tells_more_than_from_unknown() -> None:
    for strategy in ("ae", "rand"):
        done(
            "run",
            strategy,
            "--dataset",
            "cifar10",
            "--rounds",
            "4",
            "--budget",
            "70",
            "--out",
            f"{strategy}.jsonl",
        )
    row, _ = json.loads(done("compare", "ae.jsonl", "rand.jsonl", "--target", "1000", "--json"))["rows"]
    assert (row["speedup"], row["speedup_bound"], row["models_to_target"]) == (None, "unknown", None)
    assert (row["rounds_to_target"], row["budget"]) == (0, 70)
    base, other = json.loads(done("compare", "ae.jsonl", "rand.jsonl", "--json"))["rows"]
    assert (base["speedup"], base["speedup_bound"]) == (1.0, "exactly")
    if other["models_to_target"] is None:
        assert other["speedup_bound"] == "less than"
        assert other["speedup"] == base["models_to_target"] / 70
    text = done("compare", "ae.jsonl", "rand.jsonl", "--target", "1000")
    assert "models to 1000.00" in text and "not in 70" in text and "inf" not in text


def test_a_target_is_headed_as_it_was_given() -> None:
    done(*RUN, "--out", "a.jsonl")
    assert "models to 20.585: where" in done("compare", "a.jsonl", "--target", "20.585")
    assert "models to 20.585: " in done(*RUN, "--out", "a.jsonl", "--target", "20.585")


def test_the_axis_of_different_models() -> None:
    done(*RUN, "--out", "a.jsonl")
    found = json.loads(done("show", "a.jsonl", "--x", "distinct", "--json"))
    least = min(70 - revisits for revisits in found["revisits"])
    assert len(found["summary"]["median"]) == least < 70
    assert f"after {least} different models" in done("show", "a.jsonl", "--x", "distinct")
    assert f"at {least}" in done("compare", "a.jsonl", "--x", "distinct")
    assert "different models to" in done("compare", "a.jsonl", "--x", "distinct")
    assert "different models" in done(*RUN, "--out", "a.jsonl", "--x", "distinct")
    done("plot", "a.jsonl", "-o", "a.svg", "--x", "distinct")
    assert "different models trained" in Path("a.svg").read_text()


def test_rounds_that_were_there_are_told_of(in_an_empty_folder: Path) -> None:
    assert "rounds:  0 of 6 rounds were there, 6 computed now" in done(*RUN, "--out", "a.jsonl")
    assert "rounds:  6 of 9 rounds were there, 3 computed" in done(*RUN, "--rounds", "9", "--out", "a.jsonl")
    # And no lock, nor anything else, stays beside a result.
    assert sorted(path.name for path in in_an_empty_folder.iterdir()) == ["a.jsonl", "a.png"]


def test_lines_tell_of_progress_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert progress.SECONDS_BETWEEN_LINES == 60
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    done_before = call(*RUN, "--rounds", "2", "--out", "a.jsonl")
    assert done_before.stderr.splitlines()[-2:] == [f"nassearch: searching: {n} of 2" for n in (1, 2)]
    # Rounds that were there count: what is told is how far the whole is.
    result = call(*RUN, "--rounds", "4", "--out", "a.jsonl", "--json")
    assert result.stderr.splitlines()[-2:] == [f"nassearch: searching: {n} of 4" for n in (3, 4)]
    assert json.loads(result.stdout)["results"] == "a.jsonl"


def test_show_of_a_strategy_that_reports_nothing() -> None:
    done(*RUN, "--out", "a.jsonl")
    text = done("show", "a.jsonl")
    assert "nasbench201, cifar10: ae, warm-up 90 by params, 6 rounds, budget 70" in text
    assert "ae has nothing to tell of its own" in text
    found = json.loads(done("show", "a.jsonl", "--json"))
    assert (found["report"], len(found["revisits"])) == ({}, 6)
    assert found["experiment"]["warmup"] == 90


def test_searches_alike_are_told_apart_by_their_files() -> None:
    for seed in ("0", "1"):
        done(*RUN, "--seed", seed, "--out", f"{seed}.jsonl")
    rows = json.loads(done("compare", "0.jsonl", "1.jsonl", "1.jsonl", "--json"))["rows"]
    assert [row["label"][-4:] for row in rows] == [" [0]", " [1]"]


def test_score_round_trips() -> None:
    args = ("score", "--sample", "40", "--proxies", "params,synflow(estimator=sampled, seed=3),epsilon")
    args += ("--dataset", "cifar10", "--batch", "grey", "--seed", "5")
    printed = json.loads(done(*args, "--json"))
    done(*args, "-o", "a.csv")
    done(*args, "-o", "a.json", "--workers", "2")
    with open("a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert json.loads(Path("a.json").read_text()) == printed
    read = [{k: v if k == "arch" else float(v) if v else None for k, v in row.items()} for row in rows]
    space = NASBench201()
    archs = [space.format(arch) for arch in space.all()]
    assert [archs[row["index"]] for row in printed] == [row["arch"] for row in printed]
    assert read == printed
    assert list(printed[0]) == ["arch", "index", "params", "synflow(estimator=sampled, seed=3)", "epsilon"]
    scored = [row["epsilon"] is None for row in printed]
    assert any(scored) and not all(scored)  # in 40 draws: about four in ten have no epsilon


def test_score_by_string_and_by_official_index() -> None:
    best = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    (by_index,) = json.loads(done("score", "6111", "--proxies", "params", "--json"))
    (again,) = json.loads(done("score", by_index["arch"], "--proxies", "params", "--json"))
    (other,) = json.loads(done("score", best, "--proxies", "params", "--json"))
    assert again == by_index
    assert other["arch"] == best


def test_score_all_has_every_architecture() -> None:
    assert "15625 architectures: a.csv" in done("score", "--all", "--proxies", "params", "-o", "a.csv")
    assert len(Path("a.csv").read_text().splitlines()) == 15_626


@pytest.mark.parametrize("kind", ["strategies", "proxies", "benchmarks"])
def test_list(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text, rows = done("list", kind), json.loads(done("list", kind, "--json"))
    assert all(f"{row['name']} " in text for row in rows)
    assert max(map(len, text.splitlines())) <= 100
    assert all(row["what"] for row in rows)


def test_bench_list_and_info() -> None:
    rows = json.loads(done("bench", "list", "--json"))
    assert {(row["benchmark"], row["dataset"]): row["installed"] for row in rows}[
        "nasbench201", "cifar10"
    ] is True
    assert "cifar10" in done("bench", "list")
    assert json.loads(done("bench", "info", "cifar10", "--json"))["architectures"] == 15_625
    assert "architectures: 15625" in done("bench", "info", "cifar10")


LIGHT = [("--help",), ("list", "proxies"), ("list", "strategies"), ("run", "--help"), ("compare", "a.jsonl"),
         ("show", "a.jsonl"),
         ("plot", "a.jsonl", "-o", "a.png"), (*RUN, "--out", "a.jsonl"), (*RUN, "--out", "b.jsonl")]  # fmt: skip


def test_what_needs_no_network_imports_no_torch() -> None:
    done(*RUN, "--out", "a.jsonl")
    code = "import sys\nfrom nassearch.cli.main import cli\n"
    code += "".join(f"cli({list(args)}, standalone_mode=False)\n" for args in LIGHT)
    code += "assert 'torch' not in sys.modules\n"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'scipy', 'matplotlib', 'rich', 'joblib', 'sqlite3'}"
    code = "import sys\nfrom nassearch.cli.main import cli\ncli(['--help'], standalone_mode=False)\n"
    code += f"print({heavy} & set(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, cwd=ROOT
    )
    assert ended.stdout.splitlines()[-1] == "set()"


def test_out_is_a_folder_or_a_result(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = call(
        "run", "rand", "--budget", "2", "--rounds", "1", "--out", str(tmp_path / "notes.txt"), "--overwrite"
    )
    assert refused.exit_code == 1
    assert "--out is a folder, or a file whose name ends in .jsonl, and" in refused.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
