"""NAS-Bench-NLP: recipes as canonical tuples, the list as a space, logs as a table, the text as a batch."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes import GRU, LSTM, RNN, archive, disguised, log, made_up

from nassearch.benchmarks.batches import load_batch, save_batch, synthetic_batch
from nassearch.benchmarks.nasbench_nlp import NASBenchNLPBenchmark
from nassearch.benchmarks.read.formats.nasbench_nlp_logs import MOST_BYTES, RecurrentLogs
from nassearch.benchmarks.read.formats.nasbench_nlp_losses import LossSheet
from nassearch.benchmarks.read.importing import ImportReport, import_file
from nassearch.benchmarks.read.tokens import read_tokens
from nassearch.errors import BadData, InvalidArch, InvalidSetting, MissingData, UnknownName
from nassearch.spaces.listed import NEAREST
from nassearch.spaces.nasbench_nlp.recipes import to_arch, to_cell, to_recipe
from nassearch.spaces.nasbench_nlp.space import NASBenchNLP
from nassearch.testing import BenchmarkContract
from nassearch.types import Batch, Task

ARCHS = list(dict.fromkeys(to_arch(made_up(seed)) for seed in range(60)))
TASK = Task((4,), 6, words=6)


class TestRecipes:
    def test_a_cell_by_hand(self) -> None:
        # One state, which is node 1 (x, last state, then nodes); linear of two inputs, then tanh of one.
        assert to_arch(RNN) == (1, 3, 0, 2, 0, 1, 4, 1, 2)
        assert to_recipe(to_arch(RNN)) == {
            "node_0": {"op": "linear", "input": ["x", "h_prev_0"]},
            "h_new_0": {"op": "activation_tanh", "input": ["node_0"]},
        }

    @pytest.mark.parametrize("recipe", [RNN, LSTM, GRU, *map(made_up, range(40))])
    def test_names_and_order_mean_nothing(self, recipe: dict[str, Any]) -> None:
        arch = to_arch(recipe)
        assert to_arch(to_recipe(arch)) == arch
        assert {to_arch(disguised(recipe, seed)) for seed in range(8)} == {arch}

    def test_what_differs_in_meaning_differs(self) -> None:
        assert len({to_arch(recipe) for recipe in (RNN, LSTM, GRU)}) == 3
        z, a, b = GRU["h_new_0"]["input"]
        for inputs in ([z, b, a], [a, z, b]):
            assert to_arch(GRU | {"h_new_0": {"op": "blend", "input": inputs}}) != to_arch(GRU)
        # The first state is what a layer gives out, so it is not any state.
        swapped = {name.replace("h_new_0", "h_new_2"): node for name, node in LSTM.items()}
        swapped["h_new_0"] = swapped.pop("h_new_1")
        swapped["h_new_1"] = swapped.pop("h_new_2")
        swapped["h_new_1_act"] = {"op": "activation_tanh", "input": ["h_new_0"]}
        assert to_arch(swapped) != to_arch(LSTM)

    def test_nodes_that_only_their_readers_tell_apart(self) -> None:
        # Four equal linear nodes in two pairs: colour refinement alone leaves ties, and all orders agree.
        pairs: dict[str, Any] = {name: {"op": "linear", "input": ["x", "h_prev_0"]} for name in "abcd"}
        pairs["p"] = {"op": "elementwise_sum", "input": ["a", "b"]}
        pairs["q"] = {"op": "elementwise_sum", "input": ["c", "d"]}
        pairs["h_new_0"] = {"op": "elementwise_prod", "input": ["p", "q"]}
        assert len({to_arch(disguised(pairs, seed)) for seed in range(20)}) == 1
        ring = pairs | {"q": {"op": "elementwise_sum", "input": ["b", "c"]}}
        assert to_arch(ring) != to_arch(pairs)

    def test_twenty_interchangeable_nodes_take_no_time(self) -> None:
        many: dict[str, Any] = {f"n{i}": {"op": "linear", "input": ["x", "h_prev_0"]} for i in range(20)}
        many["h_new_0"] = {"op": "linear", "input": list(many)}
        assert to_arch(disguised(many, 1)) == to_arch(many)  # 20! orders, of which 210 are looked at

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"h_new_0": {"op": "relu", "input": ["f"]}}, "op .one of linear"),
            ({"h_new_0": {"op": ["linear"], "input": ["f"]}}, "op .one of linear"),
            ({"h_new_0": {"op": "activation_tanh"}}, "is op .* and input"),
            ({"h_new_0": {"op": "activation_tanh", "input": "f"}}, "list of names"),
            ({"h_new_0": {"op": "activation_tanh", "input": [1]}}, "list of names"),
            ({"h_new_0": {"op": "activation_tanh", "input": []}}, "takes 1 inputs, not 0"),
            ({"h_new_0": {"op": "elementwise_sum", "input": ["f"] * 3}}, "takes 2 inputs, not 3"),
            ({"h_new_0": {"op": "blend", "input": ["f", "f"]}}, "takes 3 inputs, not 2"),
            ({"h_new_0": {"op": "elementwise_sum", "input": ["f", "x"]}}, "only linear reads it"),
            ({"h_new_0": {"op": "activation_tanh", "input": ["g"]}}, "'g' is no node"),
            ({"h_new_0": {"op": "activation_tanh", "input": ["h_prev_1"]}}, "'h_prev_1' is no node"),
            ({"f": {"op": "linear", "input": ["x", "h_new_0"]}}, "wait for each other"),
            ({"x": {"op": "linear", "input": ["h_prev_0"]}}, "'x' is no node"),
            ({"h_new_2": {"op": "linear", "input": ["x"]}}, "h_new_1 is missing"),
            ({f"g{i}": {"op": "linear", "input": ["x"]} for i in range(100)}, "1 to 100 nodes"),
        ],
    )
    def test_what_is_no_recipe_is_refused(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidArch, match=message):
            to_arch(RNN | change)

    @pytest.mark.parametrize("value", [None, 3, [], {}, "x", {"a": {"op": "linear", "input": ["x"]}}])
    def test_what_is_no_object_with_a_new_state_is_refused(self, value: Any) -> None:
        with pytest.raises(InvalidArch):
            to_arch(value)

    @pytest.mark.parametrize("place", range(len(to_arch(RNN))))
    def test_tuples_with_a_wrong_number_are_refused_or_mean_a_cell(self, place: int) -> None:
        for number in (-1, 0, 1, 2, 3, 9, 10**9, True, None):
            wrong = list(to_arch(RNN))
            wrong[place] = number
            try:
                cell = to_cell(tuple(wrong))
            except InvalidArch:
                continue
            assert to_arch(to_recipe(tuple(wrong))) == to_arch(RNN) or cell != to_cell(to_arch(RNN))

    def test_tuples_that_end_in_the_middle_are_refused(self) -> None:
        arch = to_arch(LSTM)
        whole = [end for end in range(len(arch) + 1) if end == len(arch)]
        for end in range(len(arch)):
            with pytest.raises(InvalidArch):
                to_cell(arch[:end])
        assert whole


class TestNeighbours:
    def test_they_are_the_nearest_and_all_that_are_as_near(self) -> None:
        space = NASBenchNLP(ARCHS)

        def distance(one: Any, other: Any) -> int:
            counts = []
            for arch in (one, other):
                graph = space.graph(arch)
                labels = [(int(op),) for op in graph.ops]
                edges = zip(*np.nonzero(graph.adjacency), strict=True)
                counts.append([*labels, *((int(graph.ops[a]), int(graph.ops[b])) for a, b in edges)])
            return sum(
                abs(counts[0].count(label) - counts[1].count(label)) for label in set(counts[0] + counts[1])
            )

        for arch in ARCHS[:5]:
            near = space.neighbours(arch)
            far = [other for other in ARCHS if other != arch and other not in near]
            assert len(near) >= NEAREST
            reach = max(distance(arch, other) for other in near)
            assert all(distance(arch, other) > reach for other in far)
            assert sum(distance(arch, other) < reach for other in near) < NEAREST

    def test_a_list_of_one_or_none(self) -> None:
        alone = NASBenchNLP([to_arch(RNN)])
        assert alone.neighbours(to_arch(RNN)) == ()
        with pytest.raises(InvalidSetting, match="no other"):
            alone.mutate(to_arch(RNN), np.random.default_rng(0))
        with pytest.raises(InvalidSetting, match="import a table"):
            NASBenchNLP().sample(np.random.default_rng(0))
        assert NASBenchNLP([to_arch(RNN), to_arch(LSTM)]).neighbours(to_arch(RNN)) == (to_arch(LSTM),)

    def test_text_may_be_a_place_in_the_list_or_a_cell_outside_of_it(self) -> None:
        space = NASBenchNLP([to_arch(RNN), to_arch(LSTM)])
        assert space.parse(" 1 ") == to_arch(LSTM)
        assert space.parse(json.dumps(GRU)) == to_arch(GRU)
        assert not space.is_valid(to_arch(GRU))
        for text in ("2", "[" * 100_000, "9" * 5_000, '{"f": NaN}'):
            with pytest.raises(InvalidArch):
                space.parse(text)


LOGS = {
    "train/log_1.json": log(RNN, 1, 5.0),
    "train/log_2.json": log(disguised(RNN, 3), 2, 5.2),
    "train/log_3.json": log(LSTM, 3, 4.0),
    "train/log_4.json": log(GRU, 4, 4.5, data="data/wikitext-2"),
}


def read(path: Path, **options: Any) -> ImportReport:
    return import_file(NASBenchNLPBenchmark, path, **options)


class TestLogs:
    def test_recipes_that_are_one_cell_are_its_trainings(self, tmp_path: Path) -> None:
        report = read(archive(tmp_path / "logs.zip", LOGS))
        assert [(t.dataset, t.architectures, t.trainings) for t in report.tables] == [
            ("ptb", 2, 3),
            ("wikitext-2", 1, 1),
        ]
        benchmark = NASBenchNLPBenchmark.open("ptb")
        found = benchmark.expected(to_arch(RNN))
        assert (found.valid, found.test, found.seconds) == pytest.approx((-5.6, -5.1, 6.0))  # means of two
        rng = np.random.default_rng(0)
        # Either of two answers is missed by 50 draws with probability 2^-49.
        assert {round(benchmark.query(to_arch(RNN), rng).valid, 6) for _ in range(50)} == {-5.5, -5.7}
        with pytest.raises(InvalidArch, match="one of the 2 recurrent cells"):
            benchmark.query(to_arch(GRU), rng)

    def test_a_folder_of_logs_is_the_same_as_their_zip(self, tmp_path: Path) -> None:
        folder = tmp_path / "unpacked"
        folder.mkdir()
        for name, content in LOGS.items():
            (folder / Path(name).name).write_text(json.dumps(content))
        digests = [
            {t.dataset: t.digest for t in read(path).tables}
            for path in (folder, archive(tmp_path / "l.zip", LOGS))
        ]
        assert digests[0] == digests[1]

    def test_fewer_epochs(self, tmp_path: Path) -> None:
        read(archive(tmp_path / "l.zip", LOGS), epochs=1)
        found = NASBenchNLPBenchmark.open("ptb").expected(to_arch(LSTM))
        assert (found.valid, found.test, found.seconds) == pytest.approx((-4.7, -4.2, 2.0))
        for epochs in (0, 4, -1):
            with pytest.raises(InvalidSetting, match=f"up to 3 epochs, none of {epochs}"):
                read(archive(tmp_path / "l.zip", LOGS), epochs=epochs)

    def test_what_has_no_loss_is_left_out_and_counted(self, tmp_path: Path) -> None:
        nan = [5.0, math.nan]
        bad = {
            "a.json": log(
                GRU, 5, 1.0, val_losses=nan, test_losses=nan, wall_times=[1.0] * 2, status="loss is nan!"
            ),
            "b.json": log(GRU, 6, 1.0, val_losses=[5.0], status="KeyboardInterrupt"),
            "c.json": log(GRU, 7, 1.0, test_losses=[1.0, 1.0, math.inf]),
        }
        report = read(archive(tmp_path / "l.zip", LOGS | bad))
        assert report.dropped == {
            "trainings that ended before epoch 3 as the loss became NaN": 1,
            "trainings that ended before epoch 3 for another reason": 1,
            "trainings whose loss after epoch 3 is not a number": 1,
        }
        assert not NASBenchNLPBenchmark.open("ptb").space.is_valid(to_arch(GRU))

    def test_names_become_no_paths(self, tmp_path: Path) -> None:
        inside = tmp_path / "inside"
        inside.mkdir()
        names = ["../../evil.json", "/tmp/evil_2.json", "..\\evil_3.json", "ok/log.json"]
        read(archive(inside / "l.zip", {name: log(made_up(i), i, 5.0) for i, name in enumerate(names)}))
        assert sorted(path.name for path in tmp_path.rglob("*.json")) == []
        assert NASBenchNLPBenchmark.open("ptb").space.size == 4

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "z.json is not JSON"),
            ("[" * 100_000, "z.json is not JSON"),
            ("[]", "z.json is not a JSON object"),
            (log(RNN, 9, 5.0, recepie="{"), "z.json"),
            (log(RNN, 9, 5.0, recepie="[" * 100_000), "z.json"),
            (log(RNN, 9, 5.0, recepie='{"h_new_0": {}}'), "node 'h_new_0' of a recipe"),
            (log(RNN, 9, 5.0, recepie=3), "recepie is 3, not of type str"),
            (log(RNN, 9, 5.0, test_losses=None), "test_losses is None"),
            (log(RNN, 9, 5.0, test_losses=["5"]), "test_losses are not all numbers"),
            (log(RNN, 9, 5.0, epochs=True), "epochs is True"),
            (b" " * (MOST_BYTES + 1), "z.json has more than"),
        ],
    )
    def test_damage_is_named_and_nothing_is_written(
        self, tmp_path: Path, data_dir: Path, content: Any, message: str
    ) -> None:
        path = archive(tmp_path / "l.zip", LOGS | {"train/z.json": content})
        with pytest.raises(BadData, match=message) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert not list(data_dir.rglob("*.npz"))

    def test_a_bomb_is_not_unpacked(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "l.zip", LOGS | {"z.json": b'{"recepie":"' + b" " * 50_000_000 + b'"}'})
        assert path.stat().st_size < 100_000
        with pytest.raises(BadData, match="more than 1048576 bytes"):
            read(path)

    def test_a_lie_about_a_members_size_does_not_help(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "l.zip", {"a.json": log(RNN, 1, 5.0), "z.json": b" " * (2 * MOST_BYTES)})
        size = (2 * MOST_BYTES).to_bytes(4, "little")
        path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
        with pytest.raises(BadData):
            read(path)

    def test_every_truncation_is_bad_data_or_no_archive(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "l.zip", LOGS)
        whole = path.read_bytes()
        for end in range(0, len(whole), 97):
            path.write_bytes(whole[:end])
            assert not RecurrentLogs().recognises(path)
            with pytest.raises(BadData):
                read(path)

    def test_a_flipped_byte_is_noticed(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "l.zip", LOGS)
        with zipfile.ZipFile(path) as opened:
            member = opened.getinfo("train/log_3.json")
        damaged = bytearray(path.read_bytes())
        damaged[member.header_offset + 80] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(BadData, match="get it again"):
            read(path)

    @pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18])
    def test_what_is_no_archive_of_logs_is_not_recognised(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a").write_bytes(content)
        for path in (tmp_path / "a", tmp_path / "missing", tmp_path):
            assert not RecurrentLogs().recognises(path)
        assert not RecurrentLogs().recognises(archive(tmp_path / "other.zip", {"a.json": {"b": 1}}))


class TestSheet:
    def sheet(self, folder: Path, lines: str) -> Path:
        path = folder / "loss.csv"
        path.write_text(f"model_id,ptb_test_loss\n{lines}")
        return path

    def test_recipes_come_from_the_archive_beside_it(self, tmp_path: Path) -> None:
        archive(tmp_path / "logs.zip", LOGS)
        report = read(self.sheet(tmp_path, "1,5.5\n2,5.7\n3,nan\n4,4.25\n99,4\n100,4\n"))
        (table,) = report.tables
        assert (table.dataset, table.architectures, table.trainings, table.validated) == ("ptb", 2, 3, False)
        assert sorted(report.dropped.values()) == [1, 2]
        benchmark = NASBenchNLPBenchmark.open("ptb")
        assert benchmark.expected(to_arch(RNN)).test == pytest.approx(-5.6)
        assert benchmark.expected(to_arch(GRU)).test == -4.25
        assert not benchmark.validated
        assert math.isnan(benchmark.expected(to_arch(GRU)).seconds)

    def test_without_recipes_it_says_what_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "other.zip").write_bytes(b"no zip")
        with pytest.raises(BadData, match="put an archive of logs"):
            read(self.sheet(tmp_path, "1,5.5\n"))

    @pytest.mark.parametrize("line", ["1", "1,2,3", "one,5", "1,five"])
    def test_a_wrong_line_is_named(self, tmp_path: Path, line: str) -> None:
        archive(tmp_path / "logs.zip", LOGS)
        with pytest.raises(BadData, match="line 3"):
            read(self.sheet(tmp_path, f"1,5.5\n{line}\n2,5\n"))

    def test_epochs_are_refused(self, tmp_path: Path) -> None:
        archive(tmp_path / "logs.zip", LOGS)
        with pytest.raises(InvalidSetting, match="does not say its epochs"):
            read(self.sheet(tmp_path, "1,5.5\n"), epochs=50)

    def test_other_sheets_are_not_recognised(self, tmp_path: Path) -> None:
        for content in (b"arch,valid,test\n", b"\xff\xfe", b"", b"model_id,ptb_test_loss,more\n"):
            (tmp_path / "a.csv").write_bytes(content)
            assert not LossSheet().recognises(tmp_path / "a.csv")


class TestBenchmark(BenchmarkContract):
    @pytest.fixture
    def benchmark(self, tmp_path: Path) -> NASBenchNLPBenchmark:
        logs = {f"{i:02}.json": log(to_recipe(arch), i, 4 + i / 100) for i, arch in enumerate(ARCHS)}
        read(archive(tmp_path / "l.zip", logs))
        task = NASBenchNLPBenchmark.datasets()["ptb"].task
        save_batch(NASBenchNLPBenchmark.batch_path("ptb"), synthetic_batch("uniform", task, 4))
        return NASBenchNLPBenchmark.open("ptb")

    def test_the_space_is_that_of_the_data_set(self, benchmark: NASBenchNLPBenchmark) -> None:
        assert list(NASBenchNLPBenchmark.make_space("ptb").all()) == ARCHS
        with pytest.raises(MissingData, match="wikitext-2 table of nasbench-nlp is not installed"):
            NASBenchNLPBenchmark.make_space("wikitext-2")

    def test_a_lower_loss_is_better(self, benchmark: NASBenchNLPBenchmark) -> None:
        assert benchmark.best.test == benchmark.expected(ARCHS[0]).test == -4.0
        info = benchmark.info()
        assert (info["best_test"], info["better"], info["unit"]) == (4.0, "lower", "nats per word")


class TestTokens:
    def test_words_are_numbered_and_cut_into_stretches(self, tmp_path: Path) -> None:
        (tmp_path / "t.txt").write_text(" a b a\n\n c\n d a b a\n")  # a b a . . c . d a b a .
        batch = read_tokens(tmp_path / "t.txt", TASK, 3)
        # Numbers by first appearance: a 0, b 1, end of line 2, c 3, d 4; three stretches of four words.
        assert batch.inputs.tolist() == [[0, 1, 0, 2], [2, 3, 2, 4], [0, 1, 0, 2]]
        assert batch.inputs.dtype == np.int64
        assert read_tokens(tmp_path / "t.txt", Task((5,), 6, words=6), 2).inputs.tolist() == [
            [0, 1, 0, 2, 2],
            [2, 4, 0, 1, 0],
        ]

    @pytest.mark.parametrize(
        ("text", "count", "error", "message"),
        [
            (b"a b\n", 2, BadData, "has 3 words; 2 stretches of 4 need 8"),
            (b"", 2, BadData, "has 0 words"),
            (b"a b c d e f g\n", 2, BadData, "more than 6 different words"),
            (b"\xff\xfe\n", 2, BadData, "not text in UTF-8"),
            (b"a b\n", 1, InvalidSetting, "at least 2, not 1"),
            (None, 2, MissingData, "no file"),
        ],
    )
    def test_what_makes_no_batch(
        self, tmp_path: Path, text: bytes | None, count: int, error: type[Exception], message: str
    ) -> None:
        if text is not None:
            (tmp_path / "t.txt").write_bytes(text)
        with pytest.raises(error, match=message):
            read_tokens(tmp_path / "t.txt", TASK, count)

    def test_importing_keeps_what_is_there_unless_forced(self, tmp_path: Path) -> None:
        part = NASBenchNLPBenchmark
        for name, word in (("one.txt", "a"), ("two.txt", "b a")):
            (tmp_path / name).write_text(f"{word} " * 200)
        assert part.is_batch(tmp_path / "one.txt") and not part.is_batch(tmp_path / "logs.zip")
        target = part.import_batch(tmp_path / "one.txt", "ptb", count=2)
        assert target == part.batch_path("ptb")
        part.import_batch(tmp_path / "one.txt", "ptb", count=2)
        with pytest.raises(InvalidSetting, match="different batch"):
            part.import_batch(tmp_path / "two.txt", "ptb", count=2)
        part.import_batch(tmp_path / "two.txt", "ptb", count=2, force=True)
        found = part.find_batch("ptb")
        assert found is not None and found.inputs.shape == (2, 70)
        with pytest.raises(UnknownName, match="did you mean ptb"):
            part.import_batch(tmp_path / "one.txt", "pt", count=2)

    def test_a_batch_of_words_is_checked(self, tmp_path: Path) -> None:
        for inputs, message in (
            (np.zeros((3, 4), np.float32), r"inputs are float32 \[3, 4\], not int64 \['B', 4\]"),
            (np.zeros((3, 5), np.int64), "inputs are int64"),
            (np.full((3, 4), 6), "words are 6 to 6, not within 0 to 5"),
            (np.full((3, 4), -1), "words are -1 to -1"),
        ):
            save_batch(tmp_path / "b.npz", Batch(inputs))
            with pytest.raises(BadData, match=message):
                load_batch(tmp_path / "b.npz", TASK)

    def test_a_synthetic_batch_is_uniform_words(self) -> None:
        batch = synthetic_batch("uniform", TASK, 400)
        assert batch.inputs.shape == (400, 4)
        # 1,600 draws of six words: a share is off by 5 deviations of .0093 with probability below 1e-5 for all six.
        assert np.bincount(batch.inputs.ravel(), minlength=6) / 1600 == pytest.approx([1 / 6] * 6, abs=0.047)
        assert synthetic_batch("uniform", TASK, 400).digest() == batch.digest()
        with pytest.raises(InvalidSetting, match="words is uniform, not grey"):
            synthetic_batch("grey", TASK)


class TestRealData:
    def test_the_released_logs(self, real_data: Path) -> None:
        report = read(real_data / "nasbench_nlp" / "wikitext2_logs.zip")
        (table,) = report.tables
        assert (table.dataset, table.architectures, table.trainings) == ("wikitext-2", 263, 341)
        assert dict(report.dropped) == {"trainings that ended before epoch 50 as the loss became NaN": 4}

    def test_the_sheet_of_penn_treebank(self, real_data: Path) -> None:
        report = read(real_data / "nasbench_nlp" / "ptb_loss.csv")
        (table,) = report.tables
        assert (table.architectures, table.trainings, table.validated) == (249, 312, False)
        assert math.exp(table.best_valid) == pytest.approx(83.82, abs=0.005)  # published to two digits
