"""Every command in every format, on a benchmark of losses whose names are as hostile as names can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import pytest
from search_folders import DATA

from nassearch import registry
from nassearch.benchmarks import Entry, Ledger
from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.table import Table
from nassearch.benchmarks.tabular import TabularBenchmark
from nassearch.cli.main import COMMANDS, cli
from nassearch.networks.graph import Builder, Network
from nassearch.proxies.base import proxy
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.choices import Choices
from nassearch.strategies.rand import RandomSearch
from nassearch.types import Arch, Task

TASK = Task((1, 8), 4)
NASTY = "[red]x[/red][/]:100:\x1b[31m\x1b]8;;http://x\x07$x_{$\u202e\x9b1m\x7f\r%(a)s{}"
"""Markup, an emoji code, escape sequences, a link, mathematics, the other direction, control characters, formats."""
HARMFUL = frozenset("\x1b\x07\u202e\x9b\x7f\r")
WRITTEN = r"[red]x[/red][/]:100:\x1b[31m\x1b]8;;http://x\x07$x_{$\u202e\x9b1m\x7f\r%(a)s{}"
LEAST = 400.0
"""The losses are from here on, so that no other number that is printed could be one with the wrong sign."""


class Space(Choices):
    """Architectures with names that act on a terminal (a test)."""

    name = "readers"
    choices = (
        ("64", "8"),
        ("100", "4"),
        ("32", "16"),
        ("plain", NASTY.replace(":", ";"), "[/b]", "$\\frac{$"),
    )

    def network(self, arch: Arch, task: Task) -> Network:
        build = Builder(task.input_shape)
        x = 0
        for option, names in zip(arch[:3], self.choices, strict=False):
            x = build.relu(build.batch_norm(build.conv(x, int(names[option]), 3)))
        build.linear(build.global_pool(x), task.classes)
        return Network(((build.done(), 1),))


class Losses(TabularBenchmark):
    name: ClassVar[str] = "losses"

    @classmethod
    def datasets(cls) -> dict[str, Dataset]:
        plain = Dataset("plain", TASK, "nats", False, "made up", highest=1e4, quantity="loss")
        nasty = Dataset(NASTY, TASK, NASTY, False, NASTY, highest=1e4, quantity=NASTY)
        return {each.name: each for each in (plain, nasty)}

    @classmethod
    def make_space(cls, dataset: str | None = None) -> SearchSpace:
        return Space()

    @classmethod
    def table_path(cls, dataset: str) -> Path:
        return super().table_path(dataset.replace("/", "-"))


class Teller(RandomSearch):
    name: ClassVar[str] = "teller"

    def report(self) -> dict[str, Any]:
        return {NASTY: NASTY, "table": {NASTY: [1, 2], f"{NASTY}2": [NASTY, 0.5]}}


Losses.__doc__ = Teller.__doc__ = f"Tell {NASTY} (a test, 2026)."


@proxy(reference=NASTY)
def nasty(networks: Any, batch: Any = None, *, option: str = NASTY) -> list[float]:
    """Count."""
    import warnings

    warnings.warn(f"beware of {NASTY}", stacklevel=1)
    return [float(number) for number, _ in enumerate(networks)]


PARTS = {
    "benchmarks": {"losses": "readers:Losses"},
    "strategies": {"teller": "readers:Teller"},
    "proxies": {"nasty": "readers:nasty"},
}


def losses() -> np.ndarray:
    """Return the published losses, `[seeds, N]` in the order of the space: the last architecture is the best."""
    base = np.linspace(LEAST + 100, LEAST, Space().size)
    return np.stack([base, base + 3.0])


@contextmanager
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install it, with its table."""
    for kind, parts in PARTS.items():
        monkeypatch.setitem(registry.BUILT_IN, kind, {**registry.BUILT_IN[kind], **parts})
    registry._known.cache_clear()
    for name, dataset in Losses.datasets().items():
        values = -losses()
        table = Table.build(
            Space(), dataset, list(Space().all()), values - 1, values, np.full(values.shape, 9.0)
        )
        path = Losses.table_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        table.save(path)
    yield
    registry._known.cache_clear()


def write_inputs(dataset: str) -> None:
    """Write what the lines read: a sheet of losses and a module."""
    space = Space()
    rows = [
        [space.format(arch).replace('"', '""'), *map(str, losses()[:, i])]
        for i, arch in enumerate(space.all())
    ]
    text = "".join(f'"{arch}","{dataset}",{valid},{test}\n' for arch, valid, test in rows)
    Path("sheet.csv").write_text(f"arch,dataset,valid,test\n{text}", newline="")
    labels = ("another", dataset.replace('"', '""'))
    text = "".join(f'{LEAST + number},"{labels[number % 2]}"\n' for number in range(40))
    Path(f"{dataset.replace('/', ';')} own.csv").write_text(f"number,label\n{text}", newline="")
    write_search(Path("search"))
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 3)).astype(np.uint8)
    named = {"y_train": np.arange(40) % 2, "class_names": np.array([dataset, "other"])}
    np.savez(f"{dataset.replace('/', ';')} images.npz", x_train=images, **named)


def write_search(path: Path) -> None:
    """Write a folder of a search that trained, whose names are hostile."""
    path.mkdir()
    recipe = {"epochs": 1}
    made: dict[str, Any] = {name: NASTY for name in ("strategy", "space", "device")}
    data = {**DATA, **dict.fromkeys(("source", "path", "name", "kind"), NASTY), "classes": [NASTY, "other"]}
    made |= {"data": data, "recipe": recipe, "skeleton": {}, "seed": 0, "threads": 1}
    head = {"format": "nassearch search", "version": 1, "package": "0", "made": made}
    (path / "search.json").write_text(json.dumps(head))
    arch = (0, 0, 0, 0)
    Ledger(path / "trained.jsonl", {}).append(Entry(arch, NASTY, 0, recipe, valid=LEAST + 1, note=NASTY))
    steps = [{"format": "nassearch events", "version": 1}, {"ask": arch}, {"tell": arch}]
    (path / "events.jsonl").write_text("".join(f"{json.dumps(step)}\n" for step in steps))
    winner = {"arch": arch, "text": NASTY, "recipe": recipe, "valid": LEAST + 1, "test": LEAST + 1}
    winner |= {"epochs": 1, "seconds": 1.0, "seconds_of_search": 1.0, "found_after": 1, "models": 1}
    winner |= dict.fromkeys(("test_interval", "test_examples", "weights", "params", "flops", "latency"))
    (path / "winner.json").write_text(json.dumps(winner))


def lines(dataset: str, file: str) -> dict[str, list[list[str]]]:
    """Return lines for every command, in each of its formats; `{n}.jsonl`s of earlier lines are read by later ones."""
    about = ["--benchmark", "losses", "--dataset", dataset]
    results = [f"{file}.jsonl", f"{file}2.jsonl"]
    search = [*about, "--rounds", "5", "--budget", "12"]
    own = f"{dataset.replace('/', ';')} images.npz"
    trained = ["--space", "nasbench201(channels=2, cells=1)", "--strategy", "rand", "--budget", "1"]
    trained += ["--recipe", "epochs=1", "--final-epochs", "0", "--out", f"{file} found"]
    asked = f"{file} asked"
    view = ["--show", "valid", "--choose", "test"]
    scores = ["--proxies", "params,nasty", *about]
    judged = [*scores, "--all", "--draws", "20", "--neighbourhoods", "5"]
    return {
        "run": [
            ["run", "rand", *search, "--out", results[0], "--target", "450"],
            ["run", "rand", *search, "--out", results[0], "--json", "--plot", f"{file}.svg"],
            ["run", "rand", *search, "--out", results[0], "--x", "distinct", *view],
            ["run", "teller", *search, "--warmup", "6", "--scorer", "nasty", "--out", results[1]],
        ],
        "search": [
            ["search", own, *trained],
            ["search", own, *trained, "--json"],
        ],
        "begin": [
            ["begin", asked, *about, "--strategy", "rand", "--budget", "4"],
            ["begin", asked, *about, "--strategy", "rand", "--budget", "5", "--json"],
        ],
        "ask": [
            ["ask", asked, "--count", "2", "--worker", dataset],
            ["ask", asked, "--worker", dataset, "--json"],
            ["ask", asked, "--again", "0", "--code", "asked.py"],
        ],
        "tell": [
            [
                "tell",
                asked,
                "1",
                str(LEAST + 50),
                "--note",
                dataset,
                "--metric",
                f"{dataset.replace('=', '')}=1",
            ],
            ["tell", asked, "--arch", Space().format((1, 1, 1, 1)), str(LEAST + 40), "--json"],
            ["tell", asked, "2", "--forget"],
        ],
        "serve": [["serve", asked]],
        "watch": [["watch", "search"], ["watch", "search", "--json"], ["watch", asked, "--json"]],
        "compare": [
            ["compare", *results],
            ["compare", *results, "--json"],
            ["compare", *results, "--x", "distinct", "--target", "440.5", *view],
            ["compare", *results, "--baseline", results[1]],
        ],
        "show": [
            ["show", results[0]],
            ["show", results[1], "--x", "distinct", *view],
            ["show", results[1], "--json"],
            ["show", results[1], "--round", "1"],
        ],
        "plot": [
            ["plot", *results, "-o", f"{file}-plot.svg", "--x", x] for x in ("models", "distinct", "seconds")
        ],
        "report": [
            ["report", *results, "-o", f"{file}.html", "--title", dataset],
            ["report", *results, "--json", "--target", "440.5", "--baseline", results[1]],
        ],
        "score": [
            ["score", "--all", *scores],
            ["score", "--all", *scores, "--json"],
            ["score", "--sample", "3", *scores, "-o", f"{file}.csv"],
            ["score", "--sample", "3", *scores, "-o", f"{file}.json"],
        ],
        "correlate": [
            ["correlate", *judged],
            ["correlate", *judged, "--json", "--metric", "valid"],
            ["correlate", *judged, "-o", f"{file}.csv", "--plot", f"{file}-scatter.svg"],
            ["correlate", *judged, "-o", f"{file}.json"],
        ],
        "export": [
            ["export", results[0], "-o", "found.py", "--force"],
            ["export", results[1], "-o", "found.py", "--force", "--json"],
        ],
        "retrain": [["retrain", "--help"]],  # trains on data of one's own, of accuracies
        "data": [
            ["data", f"{dataset.replace('/', ';')} own.csv"],
            ["data", f"{dataset.replace('/', ';')} own.csv", "--json"],
            ["data", f"{dataset.replace('/', ';')} own.csv", "--valid", "0.3", "--test", "0.2"],
        ],
        "list": [["list", kind, *more] for kind in registry.BUILT_IN for more in ([], ["--json"])],
        "cache show": [["cache", "show"], ["cache", "show", "--json"]],
        "cache clear": [["cache", "clear"], ["cache", "clear", "--others", "--json"]],
        "bench list": [["bench", "list"], ["bench", "list", "--json"]],
        "bench info": [
            ["bench", "info", dataset, "--benchmark", "losses"],
            ["bench", "info", dataset, "--benchmark", "losses", "--json"],
        ],
        "bench import": [
            ["bench", "import", "losses", "sheet.csv", "--force"],
            ["bench", "import", "losses", "sheet.csv", "--force", "--json"],
        ],
        "bench fetch": [["bench", "fetch", "nasbench101", "--list"]],  # downloads, and reads no value
        "bench build": [["bench", "build", "--help"]],  # trains the embedded benchmark, of accuracies
    }


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield every command there is, by the words that call it."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {part}", sub) for part, sub in command.commands.items())
        else:
            yield name, command
