"""A table as a scorer: every format gives the same scores, and what is wrong with a file is said before work."""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from nassearch.benchmarks.nasbench101 import NASBench101Benchmark
from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.errors import BadData, InvalidSetting, MissingData, NassearchError, UnknownName
from nassearch.provenance.identity import identity
from nassearch.scorers import build_scorer, parse_spec
from nassearch.scorers.lookups.writing import with_quotes
from nassearch.scorers.spec import AnyScorer, check_scorer, needs, parts_of
from nassearch.spaces.nasbench101.space import NASBench101
from nassearch.spaces.nasbench201 import NASBench201
from nassearch.spaces.transnas.macro import TransNASMacro
from nassearch.spaces.transnas.micro import TransNASMicro
from nassearch.types import Task

SPACE, SMALL, MICRO, MACRO = NASBench201(), NASBench101(), TransNASMicro(), TransNASMacro()
TASK = Task((3, 32, 32), 10)
ARCHS = SPACE.sample_many(6, np.random.default_rng(3))
SCORES = [1.5, -2.0, math.nan, 1e47, 0.0, 7.0]
NASLIB = (
    "(4, 0, 3, 1, 4, 3)",
    "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|",
)


def make(text: str, space: object = SPACE, dataset: str | None = "cifar10") -> AnyScorer:
    return build_scorer(text, space, TASK, benchmark=NASBench201Benchmark, dataset=dataset)  # type: ignore[arg-type]


def rows(places: bool = False) -> list[dict[str, object]]:
    names = [SPACE.index(arch) if places else SPACE.format(arch) for arch in ARCHS]
    key = "index" if places else "architecture"
    return [{key: name, "mine": None if math.isnan(s) else s} for name, s in zip(names, SCORES, strict=True)]


def write(path: Path, what: list[dict[str, object]]) -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        if ".csv" in path.name:
            table = csv.DictWriter(file, list(what[0]))
            table.writeheader()
            table.writerows(what)
        elif ".jsonl" in path.name:
            file.write("".join(json.dumps(row) + "\n" for row in what))
        else:
            json.dump(what, file)
    return path


@pytest.mark.parametrize("places", [False, True])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.json", "a.parquet"])
def test_every_format_gives_the_scores_that_are_in_it(name: str, places: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(rows(places)), path)
    else:
        write(path, rows(places))
    scorer = make(f"table({path}, mine)")
    others = [arch for arch in SPACE.sample_many(4, np.random.default_rng(9)) if arch not in ARCHS]
    np.testing.assert_array_equal(scorer([*ARCHS, *others]), [*SCORES, *[math.nan] * len(others)])
    turned = make(f"table({path}, mine, higher_is_better=false)")
    np.testing.assert_array_equal(turned(ARCHS), -np.array(SCORES))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(scorer))(ARCHS), SCORES)


def test_one_row_of_json_lines_is_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", rows()[:1])
    assert make(f"table({path}, mine)")(ARCHS[:1]).tolist() == SCORES[:1]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_may_begin_with_a_byte_order_mark(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, rows())
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    np.testing.assert_array_equal(make(f"table({path}, mine)")(ARCHS), SCORES)


def suite(tmp_path: Path, text: str = NASLIB[0], **more: object) -> Path:
    path = tmp_path / "zc.json"
    found = {text: {"synflow": {"score": 44.5, "time": 0.2}, "val_accuracy": 84.99}}
    other = {text: {"synflow": {"score": math.nan, "time": 0.2}, "val_accuracy": 10.0}}
    path.write_text(json.dumps({"cifar10": found, "ImageNet16-120": other, **more}))
    return path


def test_what_nas_bench_suite_zero_publishes_is_read_for_the_data_set_of_the_search(tmp_path: Path) -> None:
    path, arch = suite(tmp_path), SPACE.parse(NASLIB[1])
    assert make(f"table({path}, synflow)")([arch]).tolist() == [44.5]
    assert make(f"table({path}, val_accuracy, dataset=ImageNet16-120)", dataset=None)([arch]).tolist() == [
        10.0
    ]
    assert make(f"table({path}, val_accuracy)", dataset="ImageNet16-120")([arch]).tolist() == [10.0]
    with pytest.raises(
        BadData, match=r"data sets cifar10, ImageNet16-120, and not cifar100 once: say one by dataset="
    ):
        make(f"table({path}, synflow)", dataset="cifar100")
    with pytest.raises(BadData, match="no score in synflow for any architecture"):
        make(f"table({path}, synflow)", dataset="ImageNet16-120")
    with pytest.raises(BadData, match=r"no column 'snip'; columns found: synflow, val_accuracy"):
        make(f"table({path}, snip)")


@pytest.mark.parametrize("layout", ["published", "of its branch benchmarks", "rows"])
def test_every_layout_of_nas_bench_suite_zero_is_read(layout: str, tmp_path: Path) -> None:
    # The three were taken from files that its authors put beside their code: sixteen digits, and -1e8 for a failure.
    arch, failed = SPACE.parse(NASLIB[1]), "(0, 4, 0, 3, 3, 3)"
    cells = {NASLIB[0]: 44.50000000000001, failed: -100000000.0}
    full = {
        text: {
            "idx": "0",
            "arch": text,
            "synflow": {"score": score, "time": 0.7},
            "val_accuracy": 61.340000006103516,
        }
        for text, score in cells.items()
    }
    plain = {text: {"synflow": score, "val_accuracy": 61.34} for text, score in cells.items()}
    what = {
        "published": {
            "cifar10": full,
            "ImageNet16-120": {NASLIB[0]: {"synflow": {"score": 1.0, "time": 1.0}}},
        },
        "of its branch benchmarks": {
            "nasbench201": {"cifar10": plain, "cifar100": {NASLIB[0]: {"synflow": 1.0}}}
        },
        "rows": list(full.values()),
    }[layout]
    path = tmp_path / "zc.json"
    path.write_text(json.dumps(what))
    scores = make(f"table({path}, synflow)")([arch, SPACE.from_naslib((0, 4, 0, 3, 3, 3))])
    np.testing.assert_array_equal(scores, [44.50000000000001, math.nan])


def test_several_keys_of_one_cell_are_its_mean(tmp_path: Path) -> None:
    # As in the published scores of NAS-Bench-101: cells before they are pruned, of which 500 have 292 different ones.
    edge, loose = "(0, 1, 0, 0, 0, 1)", "(0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 4, 1)"
    numbers = [tuple(map(int, text.strip("()").split(","))) for text in (edge, loose)]
    (cell,) = {SMALL.from_naslib(each) for each in numbers}
    path = tmp_path / "zc.json"
    rows = {edge: {"synflow": 30.25, "snip": 1.5}, loose: {"synflow": 30.75, "snip": -1e8}}
    path.write_text(json.dumps({"nasbench101": {"cifar10": rows}}))
    for column, wanted in (("synflow", 30.5), ("snip", 1.5)):
        made = build_scorer(
            f"table({path}, {column})", SMALL, TASK, benchmark=NASBench101Benchmark, dataset="cifar10"
        )
        assert made([cell]).tolist() == [wanted]


def test_naslib_pads_skeletons_with_zeros() -> None:
    assert (
        MACRO.from_naslib((1, 2, 4, 2, 0, 0))
        == MACRO.from_naslib((1, 2, 4, 2))
        == MACRO.parse("64-1242-basic")
    )
    assert MACRO.from_naslib((3, 4, 4, 2, 1, 0)) == MACRO.parse("64-34421-basic")
    texts = [MACRO.format(arch).removeprefix("64-").removesuffix("-basic") for arch in MACRO.all()]
    assert [MACRO.from_naslib(tuple(map(int, text.ljust(6, "0")))) for text in texts] == list(MACRO.all())
    for wrong in (
        (),
        (0,) * 6,
        (1, 2, 0, 3, 0, 0),
        (0, 1, 2, 3, 0, 0),
        (1, 1, 1, 1, 0, 0),
        (1, 2, 3, 1, 1, 1, 0),
    ):
        with pytest.raises(NassearchError, match="digits of its text with zeros at the end"):
            MACRO.from_naslib(wrong)


def test_naslib_writes_cells_as_numbers_of_its_own_order() -> None:
    # The pair stands side by side in the tables of Kadlecova et al. (2024), from NASLib's own conversion.
    numbers = tuple(map(int, NASLIB[0].strip("()").split(",")))
    assert SPACE.from_naslib(numbers) == SPACE.parse(NASLIB[1])
    cell = SMALL.parse("110-01-1:conv3x3,maxpool3x3")
    matrix = [0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert SMALL.from_naslib((*matrix, 0, 4, 2, 1)) == cell
    # NASLib's key of this cell and the published text stand for the same trainings: the rank agreement of its
    # validation accuracies with those of the text is .998 over the 2,128 cells that were compared.
    assert MICRO.from_naslib((2, 3, 2, 3, 2, 3)) == MICRO.parse("64-41414-2_32_323")
    for wrong in ((0,) * 5, (0, 0, 0, 0, 0, 5)):
        with pytest.raises(NassearchError, match="six numbers from 0 to 4"):
            SPACE.from_naslib(wrong)
    for wrong in ((0,) * 7, (*matrix, 0, 5, 2, 1)):
        with pytest.raises(NassearchError, match="numbers of its matrix"):
            SMALL.from_naslib(wrong)


def test_naslib_numbers_are_read_in_sheets_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{"net": NASLIB[0], "jacov": "-88.3"}])
    assert make(f"table({path}, jacov, arch=net)")([SPACE.parse(NASLIB[1])]).tolist() == [-88.3]


def test_rows_of_other_data_sets_are_passed_over(tmp_path: Path) -> None:
    name = SPACE.format(ARCHS[0])
    what: list[dict[str, object]] = [
        {"arch": name, "dataset": d, "s": s} for d, s in (("CIFAR-10", 1), ("cifar100", 2))
    ]
    path = write(tmp_path / "a.csv", what)
    assert [make(f"table({path}, s)", dataset=d)(ARCHS[:1])[0] for d in ("cifar10", "cifar100")] == [1, 2]
    with pytest.raises(BadData, match="no rows about ImageNet16-120"):
        make(f"table({path}, s)", dataset="ImageNet16-120")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("arch,s\n", "has no rows"),
        (
            "cell,s\n1,2\n",
            r"no column for the architectures \(arch or architecture or index\).*found: cell, s; .*arch=",
        ),
        ("arch,t\n1,2\n", r"no column 's'; columns found: arch, t"),
        ("arch,s\n1,high\n", "line 2: s is 'high', not a number"),
        ("arch,s\n1,1_0\n", "line 2: s is '1_0', not a number"),
        ("arch,s\n|none~0|,2\n", "line 2: '|none~0|' has 1 nodes"),
        ("index,s\n15625,2\n", "line 2: an index of nasbench201 is from 0 to 15624, not '15625'"),
        ("arch,s\n3,2\n3,2\n3,1\n", "line 4: .* is there twice with different scores, first in line 2"),
        ("arch,s\n3,\n", "no score in s for any architecture of nasbench201"),
        ("arch,s\n3,inf\n", "no score in s for any architecture of nasbench201"),
        ('[{"arch": [0, 1], "s": 1}]', r"row 1: an architecture is a text, not \[0, 1\]"),
        ('[{"arch": "3", "s": true}]', "row 1: s is True, not a number"),
        ("[1, 2]", "is a JSON list of something else than rows"),
        ('{"cifar10": {"3": 1}}', "nested otherwise than NAS-Bench-Suite-Zero"),
        ('{"arch": "3", "s": 1}\n{"arch"', "is no JSON, nor JSON lines"),
        ("{" * 5000, "is no JSON, nor JSON lines"),
        ("\x80\x04cos\nsystem\n", "is a Python pickle|is not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadData, match=message):
        make(f"table({path}, s)")


def test_texts_and_options_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    for text in ("table", "table(a.csv)", "table(a.csv, b, c)", "oracle(a)", "random(3)"):
        with pytest.raises(InvalidSetting, match="is written"):
            check_scorer(text)
    with pytest.raises(UnknownName, match="option of table"):
        check_scorer("table(a.csv, b, lower=true)")
    with pytest.raises(InvalidSetting, match="higher_is_better of table is true or false"):
        check_scorer("rank(epsilon, table(a.csv, b, higher_is_better=1))")
    with pytest.raises(MissingData, match=r"there is no file a\.csv; its path is written from the folder"):
        make("table(a.csv, b)")
    assert needs("rank(params, table(a.csv, b))") == frozenset()


@pytest.mark.parametrize(
    ("text", "texts", "options"),
    [
        ("table(my scores.csv, a/b)", ["my scores.csv", "a/b"], {}),
        ("table(/x/it's (1).csv, rank(a, b))", ["/x/it's (1).csv", "rank(a, b)"], {}),
        ("table('a,b.csv', \"c)\")", ["a,b.csv", "c)"], {}),
        (r"table(C:\new\table(1).csv, s, arch=net)", [r"C:\new\table(1).csv", "s"], {"arch": "net"}),
        ("table(a.csv, s, dataset=ImageNet16-120)", ["a.csv", "s"], {"dataset": "ImageNet16-120"}),
        ("table(a.csv, s, higher_is_better=False)", ["a.csv", "s"], {"higher_is_better": False}),
        ("table ( a.csv ,s )", ["a.csv", "s"], {}),
    ],
)
def test_bare_texts_are_read_as_they_stand(text: str, texts: list[str], options: dict[str, object]) -> None:
    assert parse_spec(text) == ("table", texts, options)
    name, (inner, other), _ = parse_spec(f"rank({text}, params)")
    assert (name, other, parse_spec(inner)) == ("rank", "params", ("table", texts, options))


@pytest.mark.parametrize("text", ["table(a.csv, s", "table(a.csv, s))", "table(", "table(a, b) + 1"])
def test_what_is_no_text_of_a_scorer_stays_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="is not a scorer"):
        parse_spec(text)
    assert with_quotes("rank(a, b)", ["table"]) == "rank(a, b)"


def test_an_identity_has_the_content_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    text = f"rank(params, table({path}, mine))"
    before = [identity(part) for part in parts_of(text)]
    assert before == [identity(part) for part in parts_of(text)]
    assert before[2].startswith("revision 1, scores ")
    write(path, rows()[:-1])
    assert [identity(part) for part in parts_of(text)][2] != before[2]


def test_tables_combine_and_compare_with_draws(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    scorer = make(f"fallback(table({path}, mine), table({path}, mine, higher_is_better=false))")
    np.testing.assert_array_equal(np.argsort(scorer(ARCHS)[[0, 1, 3, 4, 5]]), [1, 3, 0, 4, 2])
    among = make("rank(random, random(seed=1), among=50)")
    assert among(ARCHS[:1])[0] == among(ARCHS)[0]


def test_released_scores_are_those_of_their_columns(real_data: Path) -> None:
    file = real_data / "nasbench201" / "reference_scores.csv.gz"
    with gzip.open(file, "rt") as opened:
        lines = list(csv.DictReader(opened))
    archs = [SPACE.parse(line["arch"]) for line in lines]
    wanted = [float(line["cifar10_epsilon"] or "nan") for line in lines]
    np.testing.assert_array_equal(make(f"table({file}, cifar10_epsilon)")(archs), wanted)
    np.testing.assert_array_equal(make(f"table({file}, cifar10_epsilon, arch=index)")(archs), wanted)
