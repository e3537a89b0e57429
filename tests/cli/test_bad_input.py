"""What people get wrong, a row each: the message has the rule, the value met and the remedy, and nothing is lost."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import call, install, spawn

from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
from nassearch.scorers.cache.scores import cache_path
from nassearch.search.records import Header
from nassearch.search.store import Store

RUN = "run rand --dataset cifar10 --rounds 2 --budget 5 "
AE = "run ae --dataset cifar10 --rounds 2 --budget 70 "
RL = "run rl --dataset cifar10 --rounds 2 --budget 5 "
SCORE = "score 6111 --dataset cifar10 "

MODEL = "score --proxies params --input 1,4,4 --model "

REFUSED = [
    # command, parts of the message
    ("run rnd", "no strategy is called 'rnd'", "did you mean rand?"),
    ("run aes", "no strategy is called 'aes'", "did you mean ae?"),
    (RUN + "--benchmark nasbench210", "no benchmark is called 'nasbench210'", "did you mean nasbench201 or"),
    ("run rand --dataset cifar11", "data set of nasbench201", "'cifar11'", "did you mean cifar10"),
    (RUN + "--warmup 5 --scorer synflo", "no scorer is called 'synflo'", "did you mean synflow"),
    (RUN + "--scorer synflo", "no scorer is called 'synflo'", "did you mean synflow"),
    (AE + "--move parms", "no scorer is called 'parms'", "did you mean params"),
    (AE + "--set fitness=parms", "no scorer is called 'parms'", "did you mean params"),
    (AE + "--set fitness=params(a=1)", "no option of params is called 'a'"),
    (RUN + "--warmup 5 --scorer synflow(estimater=sampled)", "option of synflow", "did you mean estimator?"),
    (
        RUN + "--warmup 5 --scorer synflow(",
        "'synflow(' is not a scorer",
        "synflow(estimator=sampled, seed=3)",
    ),
    (RUN + "--warmup 5 --scorer synflow(params)", "synflow is a proxy and takes options only", "not params"),
    (RUN + "--set frist=3", "no setting of rand is called 'frist'", "did you mean first?"),
    (RUN + "--set first=x", "first is a whole number", "'x'"),
    (AE + "--set pool=0", "pool is a whole number of at least 1, not 0"),
    (AE + "--set tournament=65", "tournament is a whole number from 1 to 64, not 65"),
    (RUN + "--warmup 15626", "warmup is a whole number from 0 to 15625, not 15626"),
    (RUN + "--warmup -1", "warmup is a whole number from 0 to 15625, not -1"),
    (RUN + "--move params --move-at child", "has no meaning for rand", "it takes draw"),
    (
        "run ae --move params --move-at uncle",
        "a move at 'uncle' has no meaning for ae",
        "it takes child or parent",
    ),
    (RUN + "--move params --explore 0.5", "rand with a move at draw has none", "leave it out"),
    (RUN + "--move-ratio 5", "there is no move", "add --move SCORER"),
    (RUN + "--move params --move-ratio 0", "move ratio is a whole number of at least 1, not 0"),
    (AE + "--move params --move-ratio 5", "no meaning for ae", "use rl or rand"),
    (RL + "--set controller=lstn", "no controller is called 'lstn'", "did you mean lstm?"),
    (RL + "--set learning_rate=fast", "learning_rate is a number of at least 0, not 'fast'"),
    (RL + "--set entropy_weight=-1", "entropy_weight is a number of at least 0, not -1"),
    (RL + "--set baseline_decay=2", "baseline_decay is a number from 0 to 1, not 2"),
    (RL + "--warmup -1", "warmup is a whole number of at least 0, not -1"),
    (AE + "--move-at parent", "there is no move", "add --move SCORER"),
    (AE + "--explore 0.5", "there is no move", "add --move SCORER"),
    (AE + "--move params --explore 1.5", "explore is a share from 0 to 1, not 1.5"),
    (AE + "--move params --explore nan", "explore is a share from 0 to 1, not nan"),
    (AE + "--move params --move-at parent --set fitness=params", "both decide the tournament", "give one"),
    ("run ae --budget 63", "a budget of 63 is too small", "raise the budget to at least 64"),
    ("run rand --budget 0", "budget is a whole number of at least 1, not 0"),
    ("run rand --rounds 0", "rounds is a whole number of at least 1, not 0"),
    ("run rand --seed -1", "seed is a whole number of at least 0, not -1"),
    (RUN + "--target nan", "target is a number", "nan"),
    (RUN + "--workers 0", "workers is a whole number of at least 1, not 0"),
    (RUN + "--executor proceses", "no executor is called 'proceses'", "did you mean processes?"),
    (RUN + "--plot a.jpeg", "a plot is written as .png, .svg, .pdf, not as 'a.jpeg'"),
    (RUN + "--out /dev/null/deep", "/dev/null/deep", "cannot be written", "choose another --out"),
    (RUN + "--warmup 5 --batch gray", "no batch is called 'gray'", "did you mean grey?", ".npz"),
    (RUN + "--warmup 5 --batch none.npz", "there is no file none.npz", "give another --batch"),
    (
        "run rand --dataset cifar100",
        "cifar100 table",
        "is not installed",
        "nassearch bench import nasbench201 FILE",
    ),
    (
        "score 6111 --dataset cifar100 --proxies epsilon",
        "no batch of cifar100",
        "bench import",
        "--batch grey",
    ),
    (SCORE + "--proxies sinflow", "no scorer is called 'sinflow'", "did you mean synflow"),
    (SCORE + "--proxies params,params", "params is there twice"),
    (SCORE + "--proxies params,,flops", "'params,,flops' is not a list of proxies"),
    (SCORE + "--proxies params -o a.txt", "written as .csv or .json, not as 'a.txt'"),
    (SCORE + "--proxies params -o /dev/null/a.csv", "/dev/null/a.csv cannot be written", "another -o"),
    (SCORE + "--proxies params --dataset cifra10", "'cifra10'", "did you mean cifar10"),
    ("score 15625 --proxies params", "an index of nasbench201 is from 0 to 15624, not 15625"),
    ("score |none~0|+|none~0|none~1| --proxies params", "has 2 nodes", "an example: |nor_conv_3x3~0|"),
    ("score |non~0|+|none~0|none~1|+|none~0|none~1|none~2| --proxies params", "'non'", "known: none"),
    ("score --sample 0 --proxies params", "sample is a whole number of at least 1, not 0"),
    ("compare nothing.jsonl", "there is no result nothing.jsonl", "nassearch run writes one"),
    ("show nothing.jsonl", "there is no result nothing.jsonl", "nassearch run writes one"),
    ("plot nothing.jsonl -o a.bmp", "a plot is written as .png, .svg, .pdf, not as 'a.bmp'"),
    ("plot nothing.jsonl -o a.png", "there is no result nothing.jsonl"),
    ("bench info cifra10", "no data set of nasbench201 is called 'cifra10'", "did you mean cifar10"),
    ("bench import nasbench201 nothing.csv", "nothing.csv"),
    ("bench import natssize a.tar", "no benchmark is called 'natssize'", "did you mean nats-size?"),
    ("bench import nats-size nothing.tar", "there is no file nothing.tar"),
    ("bench import nats-size a.tar --dataset cifar11", "'cifar11'", "did you mean cifar10 or cifar100?"),
    ("bench import nats-size a.tar --scale 0", "scale is a positive factor, not 0.0"),
    ("bench import nasbench-nlp nothing.zip", "there is no file nothing.zip"),
    ("bench fetch nasbench102", "files to fetch is called 'nasbench102'", "did you mean nasbench101 or"),
    ("bench fetch nasbench101 --file a", "no file of nasbench101 is called 'a'", "nasbench_only108.tfrecord"),
    ("bench fetch nasbench101 --url ftp://x/y", "begins with http:// or https://, not 'ftp://x/y'"),
    ("score 32768 --benchmark nats-size --proxies params", "from 0 to 32767, not 32768"),
    ("score 8:16 --benchmark nats-size --proxies params", "2 names", "has 5 decisions", "8:8:8:8:8"),
    ("score 9:8:8:8:8 --benchmark nats-size --proxies params", "'9' in '9:8:8:8:8' is none of 8, 16"),
    ("score 1_2 --benchmark nasbench-asr --proxies params", "'1_2' names 2 options, not 9; an example"),
    (
        "score 1_0_1_0_0_1_0_0_7 --benchmark nasbench-asr --proxies params",
        "option 9",
        "not a skip bit, 0 or 1",
    ),
    ("score 423624 --benchmark nasbench101 --proxies params", "from 0 to 423623, not 423624"),
    ("score 01-1:conv --benchmark nasbench101 --proxies params", "'conv' is not an operation", "conv3x3"),
    ("score " + "a" * 5000 + " --proxies params", "'aaa", "(5000 characters) has 1 nodes", "an example"),
    ("score " + "1" * 5000 + " --proxies params", "(5000 characters) has 1 nodes", "an example"),
    (
        RUN + "--warmup 5 --scorer " + "(" * 5000,
        "(5000 characters) is not a scorer",
        "rank(epsilon, synflow)",
    ),
    ("run rand --benchmark nasbench101", "is not installed", "nassearch bench import nasbench101 FILE"),
    ("run rand --benchmark nasbench-nlp", "is not installed", "nassearch bench import nasbench-nlp FILE"),
    ("run rand --benchmark nasbench-asr", "is not installed", "nassearch bench import nasbench-asr FILE"),
    ("run rand --rounds 10000000000000000000000", "rounds is a whole number of at most 10000000, not 1000"),
    ("run rand --budget 10000001", "budget is a whole number of at most 10000000, not 10000001"),
    (AE + "--set pool=100000000000", "pool is a whole number of at most 10000000, not 100000000000"),
    (RL + "--warmup 100000000000", "warmup is a whole number of at most 10000000, not 100000000000"),
    (RUN + "--move params --move-ratio 100000000000", "move ratio is a whole number of at most 10000000"),
    (RUN + "--seed 9223372036854775808", "seed is a whole number of at most 9223372036854775807, not 922"),
    (RUN + "--workers 10000000000000000000000", "workers is a whole number of at most 100000, not 1000"),
    ("score --sample 100000000000 --proxies params", "sample is a whole number of at most 10000000, not 1"),
    ("score --sample 1_000_000_000 --proxies params", "sample is a whole number of at most 10000000"),
    ("score 1 --proxies epsilon(seed=1) --batch grey", "no option of epsilon is called 'seed'"),
    (
        "score 1 --proxies synflow(estimator=sampled,seed=10000000000000000000000)",
        "seed of synflow",
        "63 bits",
    ),
    ("score 1 --proxies synflow(estimator=sampled,seed=-1)", "seed of synflow", "of at least 0", "not -1"),
    ("score 1 --proxies grad_norm(seed=x) --batch grey", "seed of grad_norm", "not 'x'", "such as seed=1"),
    ("bench info --benchmark nats-size", "is not installed", "nassearch bench import nats-size FILE"),
]
NAMED = [
    # command, rule, value met, remedy; in a folder with a result, notes, a broken archive and a module
    ("compare notes.jsonl", "not a result of nassearch run", "'my notes'", "name a file that nassearch run"),
    ("compare empty.jsonl", "not a result of nassearch run", "empty.jsonl", "run the search again"),
    ("compare a.jsonl --target nan", "target is a number", "nan", "that curves may reach"),
    ("compare a.jsonl --baseline rnd", "no result is called", "'rnd'", "did you mean rand?"),
    ("plot a.jsonl -o a.jpg", "a plot is written as", "'a.jpg'", ".png, .svg, .pdf"),
    ("plot a.jsonl -o /dev/null/a.png", "cannot be written", "/dev/null/a.png", "choose another place"),
    ("show a.jsonl --round 7", "a.jsonl holds rounds", "not 7", "0 to 1"),
    ("show notes.jsonl", "not a result of nassearch run", "'my notes'", "name a file that nassearch run"),
    ("correlate --sample 0 --proxies params", "a whole number", "not 0", "at least 1"),
    (
        "correlate --sample 20000 --proxies params",
        "has 15625 architectures",
        "no sample of 20000",
        "use all of them",
    ),
    ("correlate --sample 50 --proxies parms", "no scorer is called", "'parms'", "did you mean params"),
    ("correlate --sample 50 --proxies params --draws 0", "draws is a whole number", "not 0", "at least 1"),
    (
        "correlate --sample 50 --proxies params --neighbourhoods -1",
        "is a whole number",
        "not -1",
        "at least 0",
    ),
    (
        "correlate --sample 50 --proxies params -o a.txt",
        "written as .csv or .json",
        "'a.txt'",
        "choose another -o",
    ),
    (
        "correlate --sample 50 --proxies params --plot a.gif",
        "a plot is written as",
        "'a.gif'",
        ".png, .svg, .pdf",
    ),
    ("correlate --sample 50 --proxies params,params", "there twice", "params", "name each proxy once"),
    (
        "correlate --sample 50 --proxies epsilon --batch gray",
        "no batch is called",
        "'gray'",
        "did you mean grey?",
    ),
    (
        "correlate --sample 50 --proxies params --draws 100000000000",
        "draws is a whole number",
        "not 100000000000",
        "at most 10000000",
    ),
    (
        "correlate --sample 50 --proxies params --neighbourhoods 10000000000000000000000",
        "neighbourhoods is a whole number",
        "not 10000000000000000000000",
        "at most 10000000",
    ),
    ("correlate --sample 50 --proxies params --seed -1", "seed is a whole number", "not -1", "at least 0"),
    ("score --sample 3 --proxies params --seed -1", "seed is a whole number", "not -1", "at least 0"),
    (MODEL + "models.py --classes 2", "--model is MODULE:FUNCTION", "'models.py'", "such as models:small"),
    (MODEL + "modells:small --classes 2", "no module is called", "'modells'", "change to its folder"),
    (MODEL + "models:smal --classes 2", "there is no", "'smal'", "name one that is there"),
    (MODEL + "models:value --classes 2", "not a function", "of type int", "name one without arguments"),
    (
        MODEL + "models:number --classes 2",
        "the function returned",
        "of type int",
        "let it return a torch.nn.Module",
    ),
    (MODEL + "models:number --classes 1", "needs its number of logits", "not 1", "such as --classes 10"),
    (MODEL + "models:number --classes 2 --seed -1", "seed is a whole number", "not -1", "at least 0"),
    (
        "score --sample 3 --proxies params --executor raz",
        "no executor is called",
        "'raz'",
        "did you mean ray?",
    ),
    (
        "score --sample 3 --proxies epsilon --batch wrong.npz",
        "float32 ['B', 1, 40]",
        "[2, 3]",
        "give another --batch",
    ),
    ("score --sample 3 --proxies epsilon --batch b.npz", "no .npz archive", "b.npz", "give another --batch"),
    (
        "score --sample 3 --proxies epsilon(weights=7)",
        "weights of epsilon are two",
        "not 7",
        "such as (1e-7, 1)",
    ),
    (RUN + "--executor threads", "no executor is called", "'threads'", "known: processes, ray"),
    (AE + "--set pool=many", "pool is a whole number", "'many'", "at least 1"),
    (AE + "--set pol=3", "no setting of ae is called", "'pol'", "did you mean pool?"),
    (AE + "--set fitness=7", "is not a scorer", "'7'", "such as synflow(estimator=sampled, seed=3)"),
    (AE + "--move epsilon --batch wrong.npz", "float32 ['B', 3, 32, 32]", "[2, 3]", "give another --batch"),
    (
        "bench fetch nasbench101 --file ../x",
        "no file of nasbench101",
        "'../x'",
        "known: nasbench_full.tfrecord",
    ),
    ("bench fetch nasbench101 --url nowhere", "an address begins with", "'nowhere'", "http:// or https://"),
    (
        "bench info --benchmark nasbench210",
        "no benchmark is called",
        "'nasbench210'",
        "did you mean nasbench201",
    ),
    (
        "bench import nasbench201 b.npz",
        "becomes the batch of one data set",
        "b.npz",
        "name it with --dataset",
    ),
    (
        "bench import nasbench201 b.npz --dataset cifar10",
        "no .npz archive",
        "b.npz",
        "give an .npz archive of uint8",
    ),
    (
        "bench import nasbench201 notes.jsonl",
        "no column for the architectures",
        "my notes",
        "name it in the mapping",
    ),
    (
        "bench import nasbench201 seeds.csv",
        "seeds tell the trainings of one architecture apart",
        "15625 different seeds, so 244140625 places for 15625 trainings",
        "number the trainings of each architecture from 0, or leave the seeds out",
    ),
]
MISUSED = [
    ("", "Commands"),
    ("rum", "No such command 'rum'"),
    ("run", "Missing argument 'STRATEGY'"),
    ("run rand --budget many", "'many' is not a valid integer"),
    ("run rand --set first", "'first' is not of the form KEY=VALUE"),
    ("run rand --shwo test", "No such option"),
    ("score 6111", "Missing option '--proxies'"),
    ("score --proxies params", "give architectures, or --sample N, or --all, or --model: one of the four"),
    ("score 1 --all --proxies params", "one of the four"),
    (
        "list proxy",
        "'proxy' is not one of 'strategies', 'proxies', 'combinations', 'lookups', 'benchmarks', 'spaces'",
    ),
    ("compare", "Missing argument"),
    ("plot a.jsonl", "Missing option"),
    ("bench import", "Missing argument 'NAME'"),
    ("bench import nats-size", "Missing argument 'FILE'"),
    ("bench fetch", "Missing argument 'NAME'"),
    ("bench build --engine fast", "'fast' is not one of 'compiled', 'grouped'"),
]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def split(line: str) -> list[str]:
    """Split at the spaces that stand outside brackets."""
    words: list[str] = []
    for word in line.split():
        if words and words[-1].count("(") > words[-1].count(")") and ")" in word:
            words[-1] += word
        else:
            words.append(word)
    return words


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[0][:80])
def test_refused(row: tuple[str, ...], in_an_empty_folder: Path) -> None:
    result = call(*split(row[0]))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("nassearch: ")
    assert result.stderr.count("\n") == 1
    for part in row[1:]:
        assert part in result.stderr
    assert list(in_an_empty_folder.iterdir()) == []  # refused before anything is begun


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row[0])
def test_rule_value_and_remedy(row: tuple[str, str, str, str], in_an_empty_folder: Path) -> None:
    here = in_an_empty_folder
    (here / "a.jsonl").write_bytes(_result())
    (here / "notes.jsonl").write_text("my notes\n")
    (here / "empty.jsonl").touch()
    (here / "b.npz").write_text("x")
    np.savez(here / "wrong.npz", inputs=np.zeros((2, 3), np.float32))
    (here / "seeds.csv").write_text(_numbered_rows())
    (here / "models.py").write_text("def number():\n    return 3\n\n\nvalue = 5\n")
    before = sorted(path.name for path in here.iterdir())
    command, rule, value, remedy = row
    result = call(*split(command))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("nassearch: ") and result.stderr.count("\n") == 1
    for part in (rule, value, remedy):
        assert part in result.stderr
    assert "allow_pickle" not in result.stderr
    assert sorted(path.name for path in here.iterdir() if path.name != "__pycache__") == before


@cache
def _numbered_rows() -> str:
    """Write a table whose column of seeds is the number of the row: 6 GB, if each seed had a row of its own."""
    space = NASBench201Benchmark.make_space()
    lines = [f"{space.format(arch)},cifar10,50,50,{row}" for row, arch in enumerate(space.all())]
    return "\n".join(["arch,dataset,valid,test,seed", *lines])


@cache
def _result() -> bytes:
    assert call(*split(RUN + "--out made.jsonl")).exit_code == 0
    content = Path("made.jsonl").read_bytes()
    for path in Path.cwd().glob("made.*"):
        path.unlink()
    return content


@pytest.mark.parametrize("row", MISUSED, ids=lambda row: row[0] or "nothing")
def test_misused(row: tuple[str, str], in_an_empty_folder: Path) -> None:
    result = call(*split(row[0]))
    assert result.exit_code == 2
    assert row[1] in result.stderr
    assert list(in_an_empty_folder.iterdir()) == []


def test_json_leaves_standard_output_empty_on_an_error() -> None:
    result = call("run", "rnd", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "did you mean rand?" in result.stderr


def test_a_file_whose_name_is_no_text(in_an_empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")  # as in any locale but that of C
    name = os.fsdecode(b"a\x83.csv")
    line = ["score", "1", "--proxies", "params", "-o"]
    process = spawn(*line, name, cwd=in_an_empty_folder)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "a\\udc83.csv" in out
    assert (in_an_empty_folder / name).read_text().startswith("arch,index,params\n")
    result = call(*line, name)
    assert result.exit_code == 0 and "a\\udc83.csv" in result.stdout
    result = call("compare", os.fsdecode(b"a\x83.jsonl"))
    assert result.exit_code == 1 and "there is no result a\\udc83.jsonl" in result.stderr


def test_a_value_that_the_proxy_refuses() -> None:
    result = call(*split(RUN + "--warmup 5 --scorer synflow(estimator=guess)"))
    assert result.exit_code == 1
    assert "'guess'" in result.stderr
    assert "expected" in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_batch_is_installed(in_an_empty_folder: Path) -> None:
    NASBench201Benchmark.batch_path("cifar10").unlink()
    result = call(*split(AE + "--move epsilon"))
    assert result.exit_code == 1
    assert "epsilon looks at data, and no batch of cifar10 is installed" in result.stderr
    assert "nassearch bench import nasbench201 IMAGES.npz --dataset cifar10" in result.stderr


def test_truncated_table() -> None:
    path = NASBench201Benchmark.table_path("cifar10")
    path.write_bytes(path.read_bytes()[:-100])
    result = call(*split(RUN))
    assert result.exit_code == 1
    assert f"{path} is damaged" in result.stderr
    assert "nassearch bench import" in result.stderr


def test_truncated_cache_is_set_aside_with_one_line(data_dir: Path) -> None:
    line = split(RUN + "--warmup 40 --scorer params --out a.jsonl --json")
    good = call(*line)
    gc.collect()  # closes what the command has opened, as the end of its process would
    cache = cache_path()
    cache.write_bytes(cache.read_bytes()[:3000])
    for journal in data_dir.glob("scores-v*.sqlite-*"):
        journal.unlink()
    first = Path("a.jsonl").read_bytes()
    Path("a.jsonl").unlink()
    again = call(*line)
    assert again.exit_code == good.exit_code == 0
    assert Path("a.jsonl").read_bytes() == first
    assert again.stdout == good.stdout
    assert again.stderr.startswith(f"nassearch: the score cache {cache} is damaged")
    assert again.stderr.count("\n") == 1
    assert cache_path().with_name(f"{cache_path().name}.corrupt").exists()


def test_unwritable_cache_is_a_warning(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    cache_path().mkdir()
    result = call(*split(RUN + "--warmup 40 --scorer params"))
    assert result.exit_code == 0
    assert result.stderr.startswith("nassearch: scores are not cached in")
    assert result.stderr.count("\n") == 1


def finished(*more: str) -> Path:
    assert call(*split(RUN + "--out a.jsonl"), *more).exit_code == 0
    return Path("a.jsonl")


@pytest.mark.parametrize("cut", [1, 30, 400])
def test_truncated_result_goes_on_to_the_same_bytes(cut: int) -> None:
    path = finished()
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert finished().read_bytes() == whole


def test_damaged_result_is_left_as_it_is() -> None:
    path = finished()
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = lines[0] + b"{damage\n" + lines[2]
    path.write_bytes(damaged)
    for line in (RUN + "--out a.jsonl", "compare a.jsonl", "plot a.jsonl -o a.png"):
        result = call(*split(line))
        assert result.exit_code == 1
        assert "line 2 of a.jsonl is damaged" in result.stderr
    assert path.read_bytes() == damaged


def test_result_of_another_experiment_is_left_as_it_is() -> None:
    path = finished()
    before = path.read_bytes()
    result = call(*split(RUN + "--out a.jsonl --seed 1"))
    assert result.exit_code == 1
    assert "a.jsonl holds rounds with seed 0, and this run has 1: choose another --out" in result.stderr
    assert path.read_bytes() == before


def test_something_else_where_the_result_belongs() -> None:
    Path("a.jsonl").write_text("my notes\n")
    result = call(*split(RUN + "--out a.jsonl"))
    assert result.exit_code == 1
    assert "a.jsonl" in result.stderr
    assert Path("a.jsonl").read_text() == "my notes\n"


def test_two_runs_to_one_place() -> None:
    with Store.open("a.jsonl", Header({}, "0", "0")):
        result = call(*split(RUN + "--out a.jsonl"))
    assert result.exit_code == 1
    assert "a.jsonl is being written by another run: wait for it, or choose another --out" in result.stderr


def test_disk_full(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = finished().read_bytes()
    Path("a.jsonl").unlink()
    monkeypatch.setattr("nassearch.files.lines.FileIO", _Full)
    result = call(*split(RUN + "--out a.jsonl"))
    assert result.exit_code == 1
    assert "a.jsonl cannot be written: No space left on device. The 1 rounds in it are safe" in result.stderr
    assert whole.startswith(Path("a.jsonl").read_bytes())
    monkeypatch.setattr("nassearch.files.lines.FileIO", FileIO)
    assert finished().read_bytes() == whole


class _Full:
    """A file on a disk that has room for two lines."""

    def __init__(self, *args: Any) -> None:
        self._file, self._lines = FileIO(*args), 0

    def write(self, data: bytes) -> int:
        self._lines += 1
        if self._lines > 2:
            raise OSError(28, "No space left on device")
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_an_error_in_a_worker_is_told_as_here() -> None:
    line = SCORE + "--proxies epsilon(path=wrong) --no-cache"
    here, there = call(*split(line)), call(*split(line + " --workers 2"))
    assert here.exit_code == there.exit_code == 1
    assert "path of epsilon is collapsed, compiled, torch or full, not 'wrong'" in here.stderr
    assert there.stderr == here.stderr


def test_results_of_different_data_sets_are_drawn_beside_each_other() -> None:
    finished()
    install("cifar100")
    assert call(*split(RUN + "--out b.jsonl --dataset cifar100")).exit_code == 0
    result = call("plot", "a.jsonl", "b.jsonl", "-o", "a.svg")
    assert result.exit_code == 0, result.stderr
    drawn = Path("a.svg").read_text()
    assert ">nasbench201, cifar10<" in drawn and ">nasbench201, cifar100<" in drawn


def test_unknown_baseline() -> None:
    result = call("compare", finished(), "--baseline", "rnd")
    assert result.exit_code == 1
    assert "did you mean rand?" in result.stderr


LONG = "run ae --dataset cifar10 --rounds 800 --budget 80 --out a.jsonl"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("undisturbed") / "a.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASSEARCH_DATA", str(path.parent / "data"))
        install()
        assert call(*LONG.split()[:-1], path).exit_code == 0
    return path.read_bytes()


@pytest.mark.posix
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_run_that_is_ended_goes_on_to_the_same_bytes(
    undisturbed: bytes, in_an_empty_folder: Path, name: str, workers: int
) -> None:
    how = signal.Signals[name]
    path = in_an_empty_folder / "a.jsonl"
    process = spawn(*LONG.split(), "--workers", workers, cwd=in_an_empty_folder)
    while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 30):
        pass
    if how is signal.SIGINT:
        os.killpg(process.pid, how)  # a terminal sends it to all of the group
    else:
        process.kill()
        process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(
                process.pid, how
            )  # workers would wait minutes for a parent that is gone, holding the pipes
    out, err = process.communicate(timeout=60)
    left = path.read_bytes()
    assert 30 <= left.count(b"\n") < 801, "it was over before it was ended: make it longer"
    assert undisturbed.startswith(left)
    if how is signal.SIGINT:
        assert process.returncode == 130
        done = left.count(b"\n") - 1
        safe = f"the {done} rounds in a.jsonl are safe"
        assert (out, err.strip()) == ("", f"nassearch: interrupted; {safe}: run the same command to go on")
    assert call(*LONG.split()).exit_code == 0
    assert path.read_bytes() == undisturbed


def test_a_reader_that_goes_away(in_an_empty_folder: Path) -> None:
    process = spawn("score", "--all", "--proxies", "params", "--json", cwd=in_an_empty_folder)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "[\n"
    process.stdout.close()
    assert process.stderr.read() == "scores: 0 read from the cache, 15625 computed now\n"
    assert process.wait(60) in (0, 1)  # which of them differs between versions of click
