"""What people get wrong with the newer commands, a row each: the rule, the value met and the remedy, before work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import own_data
import pytest
import search_folders
from commands import call, install

SEARCH = "search images --budget 3 --device cpu "
TRAIN = "run rand --oracle train --data images "
TABLE = "run rand --dataset cifar10 --rounds 2 --budget 5 "
IMPORT = "bench import "

REFUSED = [
    # command, parts of the message; in a folder with images, files of other benchmarks and a search
    (SEARCH.replace("images", "nowhere"), "there is no data set", "nowhere", "a folder of images"),
    (SEARCH.replace("images", "https://a.b/c"), "lies on this machine", "'https://a.b/c'", "download it first"),
    (SEARCH.replace("images", "empty"), "has no image", "a folder for each class"),
    (SEARCH.replace("images", "notes"), "a.txt is none", "PNG, JPEG", "a folder for each class"),
    (SEARCH.replace("images", "found"), "events.jsonl is none", "a folder for each class"),
    (SEARCH.replace("images", "macro.json"), "macro.json is JSON", "name a function that reads it"),
    (SEARCH.replace("images", "hw.csv"), "no column of labels among 'net, edgegpu_latency'", "path and label"),
    (SEARCH.replace("images", "paths.csv"), "no image that can be read", "x.png"),
    (SEARCH + "--hours 0", "hours is a number above 0, not 0.0"),
    (SEARCH + "--hours nan", "hours is a number above 0, not nan"),
    (SEARCH + "--max-params 500kk", "a number of parameters above 0", "500k or 1.5M", "'500kk'"),
    (SEARCH + "--max-params '5 s'", "a number of parameters above 0", "500k or 1.5M", "'5 s'"),
    (SEARCH + "--max-latency 5kk", "a time in milliseconds above 0", "5ms or 0.2s", "'5kk'"),
    (SEARCH + "--max-latency -5ms", "a time in milliseconds above 0", "5ms or 0.2s", "'-5ms'"),
    (SEARCH + "--max-memory 100XB", "a number of bytes above 0", "100MB or 64MiB", "'100XB'"),
    (SEARCH + "--max-flops 0", "multiply-accumulates of one input above 0", "30M or 1.2G", "'0'"),
    (SEARCH + "--max-latency 5ms --latency-by edgegpu", "no source of latencies", "known: measured (or MODULE:"),
    (SEARCH + "--latency-by phones", "none has a limit or is an objective", "add --max-latency"),
    (SEARCH + "--space nasbench210", "no space is called 'nasbench210'", "did you mean nasbench201"),
    (SEARCH + "--space mine:value", "the space mine:value is a pair (choices, build), a SearchSpace", "not 5"),
    (SEARCH + "--space mine:absent", "there is no 'absent' in mine", "name one that is there"),
    (SEARCH + "--space nomodule:space", "no module is called 'nomodule'", "change to its folder"),
    (SEARCH + "--recipe epochs=0", "epochs is a whole number of at least 1, not 0"),
    (SEARCH + "--recipe batch_size=ten", "batch_size is a whole number of at least 1, not 'ten'"),
    (SEARCH + "--recipe epoch=3", "'epoch'", "did you mean epochs"),
    (SEARCH + "--objectives accuracy", "accuracy and one or more of what it costs", "'accuracy'"),
    (SEARCH + "--objectives accuracy,speed", "no objective is called 'speed'", "known: accuracy, flops, latency"),
    (SEARCH + "--objectives accuracy,params --strategy ls", "ls takes one objective", "use nsga, gp or rand"),
    (SEARCH + "--strategy sh --fidelity 3,x", "--fidelity is numbers of epochs, such as 3,6", "'3,x'"),
    (SEARCH + "--strategy sh --fidelity 100", "below the 12 of a whole one", "[100]"),
    (SEARCH + "--device gpu", "device is auto, cpu or cuda", "'gpu'"),
    (SEARCH + "--final-epochs -1", "final_epochs is a whole number of at least 0, not -1"),
    (SEARCH + "--out a.jsonl", "a.jsonl is a file, and has to be a folder", "another folder by --out"),
    (SEARCH + "--out a.jsonl/deep", "a.jsonl is a file, and has to be a folder", "another folder by --out"),
    (SEARCH + "--out notes", "notes holds other things than a search", "a new one, by --out"),
    ("data one", "has 1 image and no folders of classes", "a folder for each class"),
    ("data images --valid 0.6 --test 0.6", "leaves something beside test for training, not 0.6 and 0.6"),
    ("data images --size 48x48", "height and width as in 48,64", "'48x48'"),
    ("search images --size 48x48", "height and width as in 48,64", "'48x48'"),
    ("data a.pth", "is no .npz archive", "numpy.savez"),
    ("export", "export needs a RESULT, or --space and --arch", "--arch 6111"),
    ("export images", "images is no folder of a search", "nassearch search has written"),
    ("export --space nasbench201 --arch 99999", "from 0 to 15624, not 99999"),
    ("export --space nasbench201 --arch 6111 --classes 0", "--classes is a whole number of at least 1, not 0"),
    ("export a.jsonl -o best.txt", "such as best.py", "'best.txt'", "choose another -o"),
    ("export a.jsonl --retrained", "a.jsonl is a search", "trains nothing", "leave --retrained out"),
    ("retrain images", "images is no folder of a search", "nassearch search has written"),
    ("retrain found --recipe epochs=3", "--epochs says how many there are", "leave epochs out of --recipe"),
    ("report a.jsonl -o a.pdf", "a page is written as .html", "'a.pdf'"),
    ("report images -o a.html", "the folder images has no .jsonl file", "nassearch run writes results"),
    ("report a.jsonl", "a page is written into a file", "-o report.html"),
    ("watch a.jsonl", "a.jsonl is no folder of a search", "nassearch search has written"),
    (TRAIN.replace("--data images", ""), "trains on data of your own", "--data ./my_images"),
    (TRAIN + "--dataset cifar10", "--benchmark and --dataset name a table", "say --space and --data instead"),
    (TRAIN + "--recipe epochs=0", "epochs is a whole number of at least 1, not 0"),
    (TRAIN + "--trainings a.jsonl", "a.jsonl is a file, and has to be a folder", "another folder of trainings"),
    (TABLE + "--data images", "this one looks into a table", "add --oracle train"),
    (TABLE + "--recipe epochs=3", "this one looks into a table", "add --oracle train"),
    (TABLE + "--objectives accuracy,edgegpu_latency", "not installed", "nasbench201 FILE --dataset cifar10"),
    (TABLE + "--max-params 1", "no architecture meets the limits (params up to 1)", "raise the limit"),
    ("run rand --benchmark transnas", "no benchmark is called 'transnas'", "did you mean transnas-micro or"),
    ("run rand --benchmark transnas-micro --dataset cifar10", "'cifar10'", "known: autoencoder, class_object"),
    ("run rand --benchmark nasbench-macro", "not installed", "bench import nasbench-macro FILE"),
    (IMPORT + "nasbench-macro zc.json", "zc.json is JSON", "published scores of proxies", "table(zc.json, synflow)"),
    (IMPORT + "nasbench201 macro.json", "NAS-Bench-Macro in one file", "import nasbench-macro macro.json"),
    (IMPORT + "nasbench-macro cut.json", "cut.json is no JSON of architectures", "get it again"),
    (IMPORT + "nasbench-macro wrong.json", "'02012109' is not 8 digits", "as in 02012100"),
    (IMPORT + "nasbench-macro macro.json", "lacks 6560 of the 6561 architectures", "00000000"),
    (IMPORT + "nasbench-macro macro.json --epochs 12", "does not say its epochs", "leave them out"),
    (IMPORT + "nasbench-macro macro.json --dataset cifar100", "'cifar100'", "did you mean cifar10?"),
    (IMPORT + "nasbench-macro empty", "empty cannot be read: it is a directory", "NAS-Bench-Macro in one file"),
    (IMPORT + "nasbench201 micro.csv", "no column of data sets", "--dataset NAME", "cifar10"),
    (IMPORT + "nasbench201 hw.csv", "holds metrics of one data set", "--dataset"),
    (IMPORT + "nasbench201 hw.csv --dataset cifar10", "lacks 15624 of the 15625 architectures", "metrics are of all"),
    (IMPORT + "transnas-micro a.pth", "a.pth is a zip archive", "TransNAS-Bench-101 in one file"),
    (IMPORT + "transnas-macro micro.csv", "line 2", "'64-41414-0_00_000' is not 64-MODULES-basic", "64-1234-basic"),
    (IMPORT + "hw-nas hw.csv", "no benchmark is called 'hw-nas'", "nasbench201"),
    ("begin b --space nasbench201 --strategy gb", "no strategy is called 'gb'", "did you mean gp or bp?"),
    ("begin b --strategy rand", "a search is in one space", "give --space SPACE, or --benchmark NAME"),
    ("begin b --space nasbench201 --input 3x", "the shape of one input", "--input 3,32,32", "'3x'"),
    ("begin images --space nasbench201", "images holds other things than a search", "give another folder"),
    ("begin asked --space nasbench201 --strategy ls", "strategy 'rand', and this one has 'ls'", "another folder"),
    ("ask found", "found holds no search that can be asked", "nassearch begin found --space SPACE"),
    ("ask asked --count 0", "count is a whole number from 1 to 1000, not 0"),
    ("ask asked --code model.txt", "--code is a file of Python", "'model.txt'", "choose another --code"),
    ("tell asked 7 90", "no ask of asked has the id 7"),
    ("tell asked 1 nan", "a finite number, not nan", "tell --failed"),
    ("tell asked --arch nonsense 90", "'nonsense' has 1 nodes", "an example"),
    ("bench fetch transnas-micro", "has no published files to fetch", "those that do: nasbench201"),
    ("score 0201210 --benchmark nasbench-macro --proxies params", "'0201210' is not 8 digits", "as in 02012100"),
    ("score 64-11111-basic --benchmark transnas-macro --proxies params", "1 to 3 of them double", "64-1234-basic"),
    ("score 1 --dataset cifar10 --proxies 'table(zc.json, synfow)'", "no column 'synfow'", "columns found: synflow"),
    ("score 1 --dataset cifar100 --proxies 'table(zc.json, synflow)'", "not cifar100", "dataset=NAME"),
    ("score 1 --dataset cifar10 --proxies 'table(images, synflow)'", "images cannot be read", "a directory"),
    ("correlate --dataset cifar10 --sample 9 --proxies params --between", "two proxies or more", "params alone"),
]  # fmt: skip
MISUSED = [
    ("search", "Missing argument 'DATA'"),
    ("search images --hours two", "'two' is not a valid float"),
    ("search images --budget 2.5", "'2.5' is not a valid integer"),
    ("search images --recipe epochs", "'epochs' is not of the form KEY=VALUE"),
    ("run rand --oracle trained", "'trained' is not one of 'table', 'train'"),
    ("retrain found --epochs many", "'many' is not a valid integer"),
    ("bench import nasbench201 hw.csv --column arch", "'arch' is not of the form ROLE=COLUMN"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what is named above."""
    here = tmp_path_factory.mktemp("here")
    own_data.write_folder(here / "images")
    own_data.write(here / "one" / "a.png", own_data.pixels(1))
    search_folders.write_folder(here / "found", search_folders.entries(3))
    for name in ("empty", "notes"):
        (here / name).mkdir()
    row = {"test_acc": [90.1, 90.2, 90.3], "mean_acc": 90.2}
    cell = "(4, 0, 3, 1, 4, 3)"
    scores = {cell: {"synflow": {"score": 1.5, "time": 0.1}, "val_accuracy": 90.0}}
    for name, text in {
        "notes/a.txt": "my notes",
        "macro.json": json.dumps({"02012100": row}),
        "wrong.json": json.dumps({"02012109": row}),
        "cut.json": json.dumps({"02012100": row})[:30],
        "zc.json": json.dumps({"cifar10": scores}),
        "hw.csv": 'net,edgegpu_latency\n"(0, 0, 0, 0, 0, 0)",1.5\n',
        "micro.csv": "arch,task,metric,valid,test,seconds\n64-41414-0_00_000,class_scene,top1,10,10,1\n",
        "paths.csv": "path,label\nx.png,a\ny.png,b\n",
        "mine.py": "value = 5\n",
        "a.pth": "PK\x03\x04 no archive",
    }.items():
        (here / name).write_text(text)
    return here


@pytest.fixture
def there(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install()
    monkeypatch.chdir(made)
    if not (made / "a.jsonl").exists():
        assert call(*shlex.split(TABLE + "--out a.jsonl --no-cache")).exit_code == 0
        (made / "a.svg").unlink(missing_ok=True)
        for line in ("begin asked --space nasbench201 --strategy rand --budget 3", "ask asked"):
            assert call(*shlex.split(line)).exit_code == 0
    return made


def listed(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[0])
def test_refused_before_work(row: tuple[str, ...], there: Path) -> None:
    before = listed(there)
    result = call(*shlex.split(row[0]))
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    *earlier, last = result.stderr.splitlines()
    assert last.startswith("nassearch: ")
    assert all(line.startswith("nassearch: ") or row[0].startswith(SEARCH) for line in earlier)
    for part in row[1:]:
        assert part in last
    assert listed(there) == before


@pytest.mark.parametrize("row", MISUSED, ids=lambda row: row[0])
def test_misused(row: tuple[str, str], there: Path) -> None:
    before = listed(there)
    result = call(*shlex.split(row[0]))
    assert result.exit_code == 2 and row[1] in result.stderr
    assert listed(there) == before
