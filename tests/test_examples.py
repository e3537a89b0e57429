"""The examples do what they say: every script of the folder, as a user runs it, and the notebook, cell by cell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, environment
from lasting import lasting

EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
NOTEBOOK = EXAMPLES / "notebook.ipynb"


def own_proxy(said: list[str], out: Path) -> None:
    assert said[:2] == [
        "ae, warm-up 1000 by windows: a median of 93 percent after 1 models",
        "ae: a median of 93 percent after 73 models",
    ]
    rho = {line.partition(": rho ")[0]: float(line.split("rho ")[1][:5]) for line in said[2:]}
    assert rho == {
        "windows": 0.765,
        "windows(power=2.0)": 0.757,
        "synflow": 0.869,
        "rank(windows, synflow)": 0.881,
    }
    assert {path.name for path in out.iterdir()} == {"alone.jsonl", "guided.jsonl", "curves.png"}


def own_space(said: list[str], out: Path) -> None:
    assert said[0] == "27 architectures"
    for line in said[1:5]:
        arch, params, *_ = line.split("  ")
        assert params == f"params {weights_of(arch)}"
    assert re.fullmatch(r"winner: depth=\d,width=\d+,block=\w+(,expansion=\d)?, \d+ parameters", said[5])
    assert said[5].split(", ")[1] == f"{weights_of(said[5][8:].split(', ')[0])} parameters"
    valid, test = map(float, re.findall(r"(\d+\.\d) percent", said[6]))
    assert 60 < valid <= 100 and 60 < test <= 100, "a third is chance"
    stands_alone(out, "torch.zeros(2, 3, 12, 12, dtype=torch.uint8)")
    assert [line.partition(": ")[0] for line in said[7:]] == ["code", "weights", "program", "card"]


def weights_of(arch: str) -> int:
    """Return the parameters of an architecture of the example's space, by hand."""
    chosen = dict(pair.split("=") for pair in arch.split(","))
    depth, width = int(chosen["depth"]), int(chosen["width"])
    inner = width // int(chosen.get("expansion", 1))
    plain = 2 * (9 * width * width + 2 * width)
    bottleneck = 2 * width * inner + 9 * inner * inner + 4 * inner + 2 * width
    block = plain if chosen["block"] == "plain" else bottleneck
    return 27 * width + 2 * width + depth * block + 3 * width + 3


def own_data(said: list[str], out: Path) -> None:
    assert said[0] == "OwnDataset(shapes: image [3, 16, 16], 3 classes, train 168, valid 36, test 36)"
    assert len(list((out / "shapes").rglob("*.png"))) == 240
    winner = json.loads((out / "search" / "winner.json").read_text())
    assert f"winner: {winner['text']}" in said
    assert f"test: {winner['test']:.1f} percent" in "\n".join(said)
    assert winner["models"] == 4 and winner["test_examples"] == 36
    assert [line.split(",")[0] for line in said[-3:]] == ["a disc", "a square", "a stripes"]
    assert all(re.search(r"it says: (disc|square|stripes), \d+%$", line) for line in said[-3:])
    assert winner["text"] in (out / "report.html").read_text() or (out / "report.html").stat().st_size > 10**6
    stands_alone(out, "torch.zeros(2, 3, 16, 16, dtype=torch.uint8)")


def stands_alone(out: Path, inputs: str) -> None:
    """Load what was exported where nassearch cannot be imported, and let it answer."""
    code = "import sys; sys.modules['nassearch'] = None; import torch, best; "
    code += f"print(len(best.predict(best.load(), {inputs})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=out, capture_output=True, text=True, timeout=300)
    assert done.stdout == "2\n", done.stderr


def optuna_study(said: list[str], out: Path) -> None:
    studies = [
        re.match(r"(TPE|TPE, guided): (0\.\d+) after \d+ trials, \d+ ended early", line) for line in said[:2]
    ]
    assert [study and study[1] for study in studies] == ["TPE", "TPE, guided"]
    assert all(study and float(study[2]) > 0.2 for study in studies), "a tenth is chance"
    assert re.search(r"score.*\d", said[2])


def cluster(said: list[str], out: Path) -> None:
    reached = [float(line.split("reached ")[1].split()[0]) for line in said if " reached " in line]
    assert len(reached) == 8
    assert said[-1] == f"best of 8 models: {max(reached):.1f} percent"


CHECKS: dict[str, Callable[[list[str], Path], None]] = {
    f"{check.__name__}.py": check for check in (own_proxy, own_space, own_data, optuna_study, cluster)
}
NEEDS = {"optuna_study.py": "optuna", "own_data.py": "plotly"}


def test_every_script_is_checked() -> None:
    assert set(SCRIPTS) == set(CHECKS), "say in CHECKS what the new script prints and leaves"
    page = (EXAMPLES / "README.md").read_text()
    assert not [name for name in [*SCRIPTS, NOTEBOOK.name] if f"({name})" not in page]


@pytest.mark.parametrize(
    "name", lasting(SCRIPTS, "own_space.py", "own_data.py", "cluster.py", "optuna_study.py")
)
def test_a_script_does_what_it_says(name: str, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    out, folder = tmp_path / "out", tmp_path / "elsewhere"
    folder.mkdir()
    text = (EXAMPLES / name).read_text()
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *(["--out", out] if '"--out"' in text else [])],
        cwd=folder,
        env=environment(OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    CHECKS[name](done.stdout.splitlines(), out)
    assert not list(folder.iterdir()), "all that it writes is in --out"


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not [cell for cell in code if cell["outputs"] or cell["execution_count"] is not None]
    imported = {
        name for cell in code for name in re.findall(r"^(?:import|from) (\w+)", "".join(cell["source"]), re.M)
    }
    assert imported == {"matplotlib", "nassearch"}, "it only calls the package"


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(library)
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    work = tmp_path / "work"
    work.mkdir()
    book = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(book, timeout=400, resources={"metadata": {"path": str(work)}}).execute()
    shown: list[Any] = [
        output.get("data", output)
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert not [each for each in shown if each.get("output_type") == "stream"], "nothing is warned of"
    assert sum("image/png" in each for each in shown) == 3
    tables = "\n".join(each.get("text/html", "") for each in shown)
    import nassearch as ns

    guided, alone = (ns.read(work / f"{name}.jsonl")[0] for name in ("guided", "alone"))
    rows = ns.compare([guided, alone], target=93, baseline=alone).rows
    assert all(f"<td>{row['models_to_target']}</td>" in tables for row in rows)
    assert f"{alone.frame()['best'].iloc[-1]:.6f}".rstrip("0") in tables
