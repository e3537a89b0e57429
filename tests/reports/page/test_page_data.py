"""`nassearch.report`: what stands on the page is what the files say."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import results
from commands import call
from scipy.stats import spearmanr
from search_folders import MADE, WINNER, entries, write_folder

import nassearch as ns
from nassearch.errors import BadData, InvalidSetting, MissingData, UnknownName
from nassearch.reports.page import document, tables
from nassearch.reports.page.best import _home
from nassearch.reports.page.inputs import Source
from nassearch.reports.page.lines import MOST_STEPS, changes
from nassearch.reports.page.trainings import MOST_EPOCHS, MOST_HISTORIES, front
from nassearch.search.outcome import Outcome
from nassearch.search.runner import Round
from nassearch.search.store import Header, Store
from nassearch.spaces import Mobile


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two searches on the embedded benchmark, the second of fewer rounds and models."""
    folder = tmp_path_factory.mktemp("results")
    settings = {"pool": 8, "tournament": 4}
    ns.Experiment("rand", rounds=4, budget=60).run(folder / "rand.jsonl", cache=False)
    ns.Experiment("ae", rounds=3, budget=40, settings=settings).run(folder / "ae.jsonl", cache=False)
    return [folder / "rand.jsonl", folder / "ae.jsonl"]


def write_result(path: Path, rounds: Sequence[Round], **fields: Any) -> Path:
    with Store.open(path, Header({**results.EXPERIMENT, **fields}, "0.1.0", "0123abcd")) as store:
        for each in rounds:
            store.append(each)
    return path


def expanded(line: dict[str, Any], name: str) -> list[float]:
    """Return a value for each model, which is that of the step before it."""
    places = np.searchsorted(line["at"], np.arange(1, line["length"] + 1), side="right") - 1
    return [line[name][place] for place in places]


def test_curves_are_those_of_the_files_model_by_model(files: list[Path]) -> None:
    (section,) = ns.report(files).data["sections"]
    assert [view["words"] for view in section["views"]] == [
        "test accuracy of the best by validation",
        "best test accuracy so far",
    ]
    for view in section["views"]:
        for line, outcome in zip(view["lines"], ns.read(files), strict=True):
            assert line["label"] == outcome.label
            for axis in ("models", "distinct"):
                curve = outcome.curve(view["show"], view["choose"], axis)
                told = [expanded(line[axis], name) for name in ("low", "median", "high")]
                assert np.array_equal(told, curve.band()), (view, axis)
                at = np.array(line[axis]["at"]) - 1
                assert line[axis]["seconds"] == curve.time_axis()[at].tolist()
                assert line[axis]["thinned"] is None and line[axis]["length"] == curve.budget


def test_the_leaderboard_is_that_of_compare(files: list[Path]) -> None:
    (section,) = ns.report(files, baseline=str(files[1]), target=91.5).data["sections"]
    rows = ns.compare(ns.read(files), 91.5, baseline=str(files[1])).rows
    found = json.loads(json.dumps(section["views"][0]["leaderboard"]))
    for row, same in zip(json.loads(json.dumps(rows)), found, strict=True):
        assert row == {name: same[name] for name in row}
    assert section["baseline"] == "ae, pool=8, tournament=4"
    with pytest.raises(UnknownName, match="ee"):
        ns.report(files, baseline="ee")


def test_best_architectures_are_ranked_by_all_their_trainings(files: list[Path]) -> None:
    (section,) = ns.report(files).data["sections"]
    outcomes = ns.read(files)
    trained: dict[Any, list[float]] = {}
    for each in (each for outcome in outcomes for each in outcome.rounds):
        for arch, valid in zip(each.archs, each.valid.tolist(), strict=True):
            trained.setdefault(arch, []).append(valid)
    found = section["best"]["architectures"]
    values = [one["valid"] for one in found]
    assert values == sorted(values, reverse=True)
    for one in found:
        all_ = trained[tuple(one["arch"])]
        assert one["valid"] == pytest.approx(sum(all_) / len(all_), rel=1e-12)  # another order of addition
        assert one["trainings"] == len(all_) and one["rounds"] >= 1 and one["cell"]["vertices"]


def test_losses_are_as_published_and_the_lowest_comes_first(tmp_path: Path) -> None:
    rounds = results.rounds()
    worse = [Round(r.round, r.archs, r.valid - 1, r.test - 1, r.seconds, r.revisits) for r in rounds]
    about = {"quantity": "loss", "unit": "nats", "lower_is_better": True}
    paths = [write_result(tmp_path / f"{n}.jsonl", r, **about) for n, r in (("a", worse), ("b", rounds))]
    page = ns.report({"worse": paths[0], "better": paths[1]}, baseline="worse")
    (section,) = page.data["sections"]
    for view in section["views"]:
        for line, outcome in zip(view["lines"], ns.read(paths), strict=True):
            low, median, high = outcome.curve(view["show"], view["choose"]).band()
            assert expanded(line["models"], "median") == (-median).tolist()
            assert expanded(line["models"], "low") == (-high).tolist()
            assert expanded(line["models"], "high") == (-low).tolist()
    text = page.html()
    board = text.index("Leaderboard: test loss of the best by validation (nats)")
    assert text.index(">better<", board) < text.index(">worse<", board)
    assert "lower is better" in text
    best = section["best"]["architectures"]
    assert [one["valid"] for one in best] == sorted(one["valid"] for one in best)


def test_each_data_set_has_a_section(files: list[Path], tmp_path: Path) -> None:
    other = write_result(tmp_path / "x.jsonl", results.rounds(), benchmark="nasbench201", dataset="cifar10")
    same = write_result(tmp_path / "y.jsonl", results.rounds(), benchmark="nasbench201", dataset="mnist1d")
    page = ns.report([*files, other, same])
    told = [(s["subject"], len(s["searches"]), s["twin"]) for s in page.data["sections"]]
    assert told == [
        ("nasbench201, mnist1d", 2, True),
        ("nasbench201, cifar10", 1, False),
        ("nasbench201, mnist1d", 1, True),
    ]
    assert "nasbench201, mnist1d, accuracy, data 0123abcd" in page.html()


def test_shorter_trainings_count_as_their_shares(tmp_path: Path) -> None:
    rounds = [
        Round(r.round, r.archs, r.valid, r.test, r.seconds, 0, {}, np.array([0.25] * 8 + [1.0] * 4))
        for r in results.rounds()
    ]
    path = write_result(
        tmp_path / "sh.jsonl", rounds, benchmark="nasbench201", dataset="mnist1d", shorter="x"
    )
    (section,) = ns.report(path).data["sections"]
    (line,) = section["views"][0]["lines"]
    (outcome,) = ns.read(path)
    assert line["models"]["length"] == 6
    assert expanded(line["models"], "median") == outcome.curve().median().tolist()
    whole = {arch for r in rounds for arch in r.archs[8:]}
    assert {tuple(one["arch"]) for one in section["best"]["architectures"]} <= whole


def test_what_has_no_model_is_left_out_and_said(files: list[Path], tmp_path: Path) -> None:
    empty, begun = tmp_path / "empty.jsonl", tmp_path / "begun.jsonl"
    empty.write_text("")
    begun.write_bytes(files[0].read_bytes().splitlines(keepends=True)[0])
    with pytest.warns(RuntimeWarning, match="left out") as told:
        page = ns.report([empty, *files, begun])
    assert len(told) == 2 and len(page.data["left_out"]) == 2
    assert all(path.name in page.html() for path in (empty, begun))
    for path in (empty, begun):
        with pytest.raises(BadData, match=path.name):
            ns.report(path)


def test_bad_input_is_named(files: list[Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(files[0].read_bytes().replace(b'"valid":[', b'"valid":["x",', 1))
    with pytest.raises(BadData, match=r"line 2 of .*damaged.jsonl"):
        ns.report([*files, damaged])
    with pytest.raises(MissingData, match=r"nothing.jsonl"):
        ns.report(tmp_path / "nothing.jsonl")
    with pytest.raises(MissingData, match=r"no file is called|there is no result"):
        ns.report(str(tmp_path / "nothing*.jsonl"))
    (tmp_path / "bare").mkdir()
    with pytest.raises(MissingData, match="bare"):
        ns.report(tmp_path / "bare")
    for nothing in ([], (), {}, 3, [3], "", [None]):
        with pytest.raises(InvalidSetting):
            ns.report(nothing)
    with pytest.raises(InvalidSetting, match="target"):
        ns.report(files, target=float("nan"))
    with pytest.raises(InvalidSetting, match="title"):
        ns.report(files, title=" ")
    for name in ("page.pdf", "page", "."):
        with pytest.raises(InvalidSetting, match="html"):
            ns.report(files[0]).save(tmp_path / name)


def test_the_same_files_give_the_same_bytes(files: list[Path], tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "search", entries(8), winner=WINNER)
    pages = [ns.report([*files, folder]).html() for _ in range(2)]
    assert pages[0] == pages[1]
    assert ns.report([*files, folder], seed=1).html() != pages[0]  # of the bootstrap


def test_the_command_writes_the_page_and_prints_its_data(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    names = list(map(str, files))
    shown = call("report", *names, "-o", str(out), "--title", "Mine")
    assert shown.exit_code == 0 and "needs no network" in shown.output and "ae, pool=8" in shown.output
    assert out.read_text("utf-8") == ns.report(files, title="Mine").html()
    printed = call("report", *names, "--json")
    assert json.loads(printed.output) == json.loads(json.dumps(ns.report(files).data))
    assert "name it by -o" in call("report", *names).output
    assert ".html" in call("report", *names, "-o", "page.png").output


def test_a_folder_stands_for_what_lies_in_it(files: list[Path], tmp_path: Path) -> None:
    inner = write_folder(tmp_path / "search", entries(5))
    (tmp_path / "rand.jsonl").write_bytes(files[0].read_bytes())
    page = ns.report(tmp_path)
    assert [s["subject"] for s in page.data["sections"]] == ["nasbench201, mnist1d", "my_images"]
    one = ns.report([inner, inner / "trained.jsonl", inner / "events.jsonl"])
    assert len(one.data["sections"][0]["searches"]) == 1
    assert one.data["sections"] == ns.report(str(tmp_path / "s*")).data["sections"]


@pytest.mark.parametrize("winner", [None, WINNER], ids=["unfinished", "finished"])
def test_a_search_that_trains_is_told_as_its_ledger_says(tmp_path: Path, winner: Any) -> None:
    trained = entries(30)
    page = ns.report(write_folder(tmp_path / "search", trained, winner=winner))
    (section,) = page.data["sections"]
    (found,) = section["trainings"]
    assert found["winner"] == winner
    assert section["data"] == MADE["data"]["digest"]
    assert [one["valid"] for one in found["models"]] == [entry.valid for entry in trained]
    assert found["statuses"] == {"trained": 27, "diverged": 1, "failed": 1, "out of memory": 1}
    (line,) = section["views"][0]["lines"]
    told = [10.0 if entry.valid is None else entry.valid for entry in trained]  # chance, of ten classes
    assert expanded(line["models"], "median") == np.maximum.accumulate(told).tolist()
    for one in found["histories"]["lines"]:
        entry = trained[one["model"] - 1]
        assert one["train_loss"] == entry.history["train_loss"] and one["valid"] == entry.history["valid"]
    text = page.html()
    assert all(entry.note in text for entry in trained if entry.note)
    assert ("The winner, as its file says" in text) == (winner is not None)
    assert ("<td>1, ended</td>" if winner else "<td>1, not ended</td>") in text


def test_proxies_are_judged_on_what_was_trained(tmp_path: Path) -> None:
    trained = entries(40)
    page = ns.report(write_folder(tmp_path / "search", trained))
    (found,) = page.data["sections"][0]["trainings"]
    whole = [entry for entry in trained if entry.valid is not None]
    by_name = {one["proxy"]: one for one in found["proxies"]}
    assert list(by_name) == ["synflow", "naswot", "params", "flops"]
    for name, one in by_name.items():
        scores = [e.scores.get(name, getattr(e, name, None)) for e in whole]
        pairs = [
            (s, e.valid, trained.index(e) + 1) for s, e in zip(scores, whole, strict=True) if s is not None
        ]
        x, y, models = map(list, zip(*pairs, strict=True))
        assert (one["scores"], one["valid"], one["models"]) == (x, y, models)
        assert (one["scored"], one["trained"]) == (len(x), len(whole))
        value, low, high = one["rho"]
        assert value == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)  # sums in another order
        assert low <= value <= high
    assert f"{by_name['naswot']['scored']} of {len(whole)} trained models have a score" in page.html()


def test_a_front_has_what_nothing_beats(tmp_path: Path) -> None:
    trained = entries(40)
    made = {"objectives": ["accuracy", "latency"]}
    page = ns.report(write_folder(tmp_path / "search", trained, made))
    (found,) = page.data["sections"][0]["trainings"]
    assert [(one["cost"], one["wanted"]) for one in found["fronts"]][:2] == [
        ("latency", True),
        ("params", False),
    ]
    for one in found["fronts"]:
        there = [
            (n, getattr(e, one["cost"]), e.valid) for n, e in enumerate(trained, 1) if e.valid is not None
        ]
        free = {
            n for n, cost, worth in there
            if not any(c <= cost and w >= worth and (c, w) != (cost, worth) for _, c, w in there)
        }  # fmt: skip
        assert set(one["front"]) == free
    assert "Pareto front" in page.html()
    assert front([(1.0, 1.0), (1.0, 1.0)]) == [0]


def test_a_space_of_ones_own_is_not_imported_for_its_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    page = ns.report(write_folder(tmp_path / "search", entries(5), {"space": "planted:space"}))
    assert "planted" not in sys.modules
    best = page.data["sections"][0]["best"]
    assert best["notes"] == [
        "cells of planted:space are not drawn: that would import a module because a file names it"
    ]
    assert all(one["cell"] is None for one in best["architectures"]) and best["notes"][0] in page.html()


def test_choices_of_a_space_of_ones_own_are_a_table(tmp_path: Path) -> None:
    nasty = '"<img src=x onerror=alert(1)>,b=2"'
    texts = ["depth=2,block=basic", "depth=1,block=wide,expansion=4", f"depth=(1,2),block={nasty}"]
    told = [replace(each, text=text) for each, text in zip(entries(3), texts, strict=True)]
    page = ns.report(write_folder(tmp_path / "search", told, {"space": "mymodels:space"}))
    section = page.data["sections"][0]
    rows = {one["text"]: one for one in section["best"]["architectures"]}
    assert set(rows) == set(texts), "as the search has written them, though the space is not imported"
    assert rows[texts[1]]["choices"] == [["depth", "1"], ["block", "wide"], ["expansion", "4"]]
    assert rows[texts[2]]["choices"] == [["depth", "(1,2)"], ["block", nasty]]
    assert section["best"]["notes"] == [], "it has no cells that could be drawn"
    (table,) = tables.choices(section)
    assert table.columns == ["choice", "1.", "2.", "3."]
    shown = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert list(shown) == [*dict.fromkeys(name for one in rows.values() for name, _ in one["choices"])]
    ranked = [dict(one["choices"]) for one in rows.values()]
    assert shown["expansion"] == [each.get("expansion", "-") for each in ranked]
    html = page.html()
    assert "Choices of the best architectures of mymodels:space" in html
    assert "<img src=x" not in html and "&lt;img src=x onerror" in html


def test_stages_are_a_table_and_cells_are_drawn(tmp_path: Path) -> None:
    space, rng = Mobile(), np.random.default_rng(0)
    archs = space.sample_many(3, rng)
    told = [
        replace(each, arch=arch, text=space.format(arch))
        for each, arch in zip(entries(3), archs, strict=True)
    ]
    page = ns.report(write_folder(tmp_path / "search", told, {"space": "mobile(width=0.5)"}))
    best = page.data["sections"][0]["best"]["architectures"]
    for one in best:
        assert one["cell"] is None
        assert [option for _, option in one["choices"]] == one["text"].split(":")
        assert [name for name, _ in one["choices"]] == ["1", "2", "3", "4", "5"]
    cells = ns.report(write_folder(tmp_path / "cells", entries(3))).data["sections"][0]["best"]
    assert all(one["choices"] is None and one["cell"] for one in cells["architectures"])


def test_architectures_of_another_space_or_benchmark_are_named_and_not_drawn(tmp_path: Path) -> None:
    one = write_result(tmp_path / "a.jsonl", results.rounds(), benchmark="somebody's", dataset="x")
    odd = [Round(0, [(9, 9)], *np.ones((3, 1)), 0)]
    two = write_result(tmp_path / "b.jsonl", odd, benchmark="nasbench201", dataset="mnist1d", budget=1)
    page = ns.report([one, two])
    notes = [section["best"]["notes"] for section in page.data["sections"]]
    assert "somebody's" in notes[0][0] and "(9, 9) is not an architecture" in notes[1][0]
    assert "(9, 9)" in page.html()


def test_what_is_thinned_is_said(tmp_path: Path) -> None:
    count = MOST_STEPS + 700
    values = np.arange(count) / count
    rounds = [Round(0, [(0,) * 6] * count, values, values, np.ones(count), count - 1)]
    long = write_result(
        tmp_path / "long.jsonl", rounds, benchmark="nasbench201", dataset="mnist1d", budget=count
    )
    page = ns.report(long)
    (line,) = page.data["sections"][0]["views"][0]["lines"]
    assert line["models"]["thinned"] == count and len(line["models"]["at"]) == MOST_STEPS
    assert line["models"]["at"][0] == 1 and line["models"]["at"][-1] == count
    for at, value in zip(line["models"]["at"], line["models"]["median"], strict=True):
        assert value == values[at - 1]
    assert f"of up to {count} steps of a line {MOST_STEPS} are drawn" in page.html()
    many = entries(MOST_HISTORIES + 30, epochs=2)
    few = entries(3, seed=1, epochs=MOST_EPOCHS + 50)
    texts = [ns.report(write_folder(tmp_path / n, e)).html() for n, e in (("many", many), ("few", few))]
    assert f"those of the best {MOST_HISTORIES} models are drawn" in texts[0]
    assert f"of up to {MOST_EPOCHS + 50} epochs of a history" in texts[1]
    found = ns.report(tmp_path / "few").data["sections"][0]["trainings"][0]["histories"]["lines"]
    assert all(one["epoch"][-1] == MOST_EPOCHS + 50 for one in found)


def test_steps_keep_what_changes() -> None:
    flat = np.full(5, np.nan)
    assert changes([flat])[0].tolist() == [0, 4]
    assert changes([flat, np.array([1.0, 1, 2, 2, 2])])[0].tolist() == [0, 2, 4]
    assert changes([np.ones(1)])[0].tolist() == [0]


def test_without_the_libraries_the_error_has_the_remedy(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ns.report(files[0])
    for name in ("jinja2", "plotly.offline"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            document._plotly.cache_clear()
            with pytest.raises(InvalidSetting, match="extra report"):
                page.html()
    assert page.data["sections"]  # the data needs none of them


def test_outcomes_and_labels_of_ones_own(files: list[Path]) -> None:
    outcomes = ns.read(files)
    page = ns.report(dict(zip(["one", "two"], outcomes, strict=True)), baseline="two")
    (section,) = page.data["sections"]
    assert [one["label"] for one in section["searches"]] == ["one", "two"] and section["baseline"] == "two"
    assert repr(page) == "Page(nasbench201, mnist1d: one, two)"
    ran = ns.Experiment("rand", rounds=2, budget=10).run(cache=False)
    assert ns.report(ran).data["sections"][0]["searches"][0]["where"] == ""


def test_several_objectives_on_a_table_have_a_front_and_curves_of_hypervolume(tmp_path: Path) -> None:
    outcome = ns.Experiment("nsga", rounds=2, budget=70, objectives="accuracy,params").run(cache=False)
    page = ns.report(outcome)
    (section,) = page.data["sections"]
    assert section["quantity"]["name"] == "hypervolume" and section["best"]["quantity"]["name"] == "accuracy"
    (line,) = section["views"][0]["lines"]
    assert expanded(line["models"], "median") == outcome.curve().median().tolist()
    (found,) = section["fronts"]
    reached = {
        arch: (valid, -cost)
        for each in outcome.rounds
        for arch, valid, cost in zip(each.archs, each.valid, each.further["params"], strict=True)
    }
    for row in found["rows"]:
        assert row["params"] == -reached[tuple(row["arch"])][1]
    costs = [row["params"] for row in found["rows"]]
    assert costs == sorted(costs) and 1 < len(costs) < len(reached)
    assert "Pareto fronts" in page.html() and "validation accuracy" in page.html()


def test_models_of_runs_that_trained_are_of_their_spaces() -> None:
    """Two runs on the same data stand in one section, and an architecture of one is none of the other."""
    told: list[dict[str, Any]] = [
        {"benchmark": "train", "space": space} for space in ("mobile", "mymodels:space")
    ]
    told.append({"benchmark": "nasbench201"})
    headers = [Header(each, "0.1.0", "digest", {}) for each in told]
    homes = [_home(Source(None, "", Outcome(header, []))) for header in headers]
    assert homes == ["mobile", "mymodels:space", "nasbench201"]
