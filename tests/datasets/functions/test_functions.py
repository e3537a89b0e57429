"""Functions of a user's own that return data sets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np
import pytest
from own_data import everything, told

from nassearch.datasets import OwnDataset, open_dataset
from nassearch.datasets.functions import reading
from nassearch.datasets.images import pictures
from nassearch.errors import BadData, BrokenPart, InvalidSetting
from nassearch.workers.shipping import pack, unpack

HEAD = """
from threading import Lock
import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset

rng = np.random.default_rng(0)
PIXELS = rng.integers(0, 256, (60, 10, 8, 3), dtype=np.uint8)
Y = np.arange(60) % 3

class Toys(Dataset):
    classes = ["ant", "bee", "cow"]
    def __init__(self, change, label=lambda y: int(y), size=60):
        self.change, self.label, self.size = change, label, size
    def __len__(self):
        return self.size
    def __getitem__(self, place):
        return self.change(PIXELS[place]), self.label(Y[place])

OTHER = Toys(lambda x: Image.fromarray(255 - x), size=20)
"""
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 10, 8, 3), dtype=np.uint8)
Open = Callable[..., OwnDataset]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open what the body of a function returns."""
    monkeypatch.chdir(tmp_path)
    # Two texts of one length within one second would have one time stamp, and what is compiled would be the first.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def open_body(body: str, **options: Any) -> OwnDataset:
        (tmp_path / "ownsets.py").write_text(f"{HEAD}\ndef load():\n{indent(body, '    ')}\n")
        sys.modules.pop("ownsets", None)
        return open_dataset("ownsets:load", **options)

    return open_body


@pytest.mark.parametrize(
    "change",
    [
        "Image.fromarray",
        "lambda x: x",
        "lambda x: torch.tensor(x)",
        "lambda x: torch.tensor(x).permute(2, 0, 1)",
        "lambda x: x.transpose(2, 0, 1)",
    ],
)
def test_images(change: str, opened: Open) -> None:
    data = opened(f"return Toys({change})")
    assert (data.name, data.kind, data.shape, data.source) == (
        "ownsets-load",
        "image",
        (3, 10, 8),
        "ownsets:load",
    )
    assert data.classes == ("ant", "bee", "cow") and [len(data.train), len(data.valid), len(data.test)] == [
        42,
        9,
        9,
    ]
    assert {image.tobytes() for image in everything(data)} == {
        image.transpose(2, 0, 1).tobytes() for image in IMAGES
    }


def test_tensors_of_numbers(opened: Open) -> None:
    data = opened("return Toys(lambda x: torch.tensor(x).permute(2, 0, 1).float() / 255)")
    assert data.train.take([0]).dtype == np.float32 and data.shape == (3, 10, 8)
    assert opened("return Toys(lambda x: x[0, :, 0].astype(float))").shape == (8,)
    assert opened("return Toys(lambda x: x[..., 0].reshape(1, 80).astype(float))").kind == "signal"
    assert opened("return Toys(lambda x: x[..., 0].reshape(20, 4).astype(float))").shape == (4, 20)
    assert opened("return Toys(lambda x: x[..., 0].astype(float))").shape == (1, 10, 8)


@pytest.mark.parametrize(
    "label",
    ["int", "str", "torch.tensor", "np.int32", "float", "lambda y: 'abc'[y]", "lambda y: y == 0",
     "lambda y: None if y == 2 else int(y)"],
)  # fmt: skip
def test_labels(label: str, opened: Open) -> None:
    data = opened(f"data = Toys(Image.fromarray, {label})\ndata.classes = None\nreturn data")
    assert len(data.classes) == (2 if "==" in label else 3)
    assert len(everything(data)) == (40 if "None" in label else 60)


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ("return Toys(Image.fromarray), OTHER", [51, 9, 20]),
        ("return tuple(Toys(lambda x, k=k: Image.fromarray(x ^ k)) for k in range(3))", [60, 60, 60]),
        ("return {'train': Toys(Image.fromarray), 'val': OTHER}", [51, 20, 9]),
        ("return Toys(Image.fromarray), None, OTHER", [51, 9, 20]),
        ("t = Toys(Image.fromarray)\nreturn Subset(t, range(40)), Subset(t, range(40, 60))", [34, 6, 20]),
        ("return [(Image.fromarray(x), int(y)) for x, y in zip(PIXELS, Y)]", [42, 9, 9]),
        ("return [{'image': Image.fromarray(x), 'label': int(y)} for x, y in zip(PIXELS, Y)]", [42, 9, 9]),
        ("return TensorDataset(torch.tensor(PIXELS / 255), torch.tensor(Y))", [42, 9, 9]),
        ("return PIXELS, Y", [42, 9, 9]),
        ("return Toys(Image.fromarray, lambda y: ('ant', 'bee', 'cow')[y])", [42, 9, 9]),
        ("return torch.tensor(PIXELS), torch.tensor(Y)", [42, 9, 9]),
        ("return (PIXELS, Y), (255 - PIXELS[:20], Y[:20])", [51, 9, 20]),
        ("return {'x_train': PIXELS, 'y_train': Y}", [42, 9, 9]),
    ],
)  # fmt: skip
def test_what_may_be_returned(body: str, sizes: list[int], opened: Open) -> None:
    data = opened(body)
    assert [len(data.train), len(data.valid), len(data.test)] == sizes
    assert data.kind == "image"


def test_other_things_that_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "named.py").write_text(
        f"{HEAD}\nclass Mine(Toys):\n    def __init__(self): super().__init__(Image.fromarray)\n    @classmethod\n"
        "    def make(cls): return cls()\nready = Mine()\n"
    )
    digests = {open_dataset(f"named:{name}").digest for name in ("Mine", "Mine.make", "ready")}
    assert len(digests) == 1


def test_images_of_several_sizes(opened: Open) -> None:
    data = opened("return Toys(lambda x: Image.fromarray(x[: 6 + x[0, 0, 0] % 5]))")
    assert told(data, "Images of 5 sizes") and len(set(data.shape[1:])) == 1
    assert opened("return Toys(Image.fromarray)", size=5).shape == (3, 5, 5)


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("return None", BadData, "gave a value of type NoneType"),
        ("return 3", BadData, "let it return a data set with __len__ and __getitem__"),
        ("return 'shapes'", BadData, "gave a value of type str"),
        ("return []", BadData, "gave a data set without an item"),
        ("return {'a': Toys(Image.fromarray)}", BadData, "names 'a', where train, valid and test belong"),
        ("return {'train': 3}", BadData, "gave a value of type int for train"),
        ("return torch.rand(60, 3)", BadData, "is (input, label)"),
        ("return [3, 4]", BadData, "ownsets:load[0] is 3: each is (input, label), or a dict with image and label"),
        ("return [('x', 1), ('y', 2)]", BadData, "inputs are images of Pillow, tensors or arrays of numbers"),
        ("return [(np.zeros(3), 0), (np.zeros(4), 1)]", BadData, "load[1] is [4], and others [3]: bring"),
        ("return [(np.zeros(3, np.uint8), 0), (np.full(3, 300.5), 1)]", BadData,
         "load[1] is float64, and others are uint8"),
        ("return [(np.zeros((8, 8)), 0), (PIXELS[0, :8, :, 0], 1)]", BadData,
         "load[1] is uint8, and others are not uint8"),
        ("return [(PIXELS[k] if k % 2 else PIXELS[k] / 255, k % 2) for k in range(60)][::-1]", BadData,
         "two classes or more apart; Left out, as they cannot be read: 30"),
        ("return [(np.zeros(3), [1, 1]), (np.ones(3), [1, 1])]", BadData, "rows of zeros"),
        ("return [(np.full(3, np.nan), 0), (np.ones(3), 1)]", BadData, "with NaN or an infinite number"),
        ("return Toys(lambda x: torch.rand(3, 8, 8))", BadData, "another input each time it is asked for"),
        ("return Toys(lambda x: Image.fromarray(np.random.permutation(x)))", BadData, "another input each time"),
        ("return Toys(Image.fromarray, lambda y, n=[]: n.append(y) or len(n))", BadData, "another label each time"),
        ("return Toys(lambda x: x / 255, lambda y, n=[]: n.append(y) or len(n))", BadData, "another label each time"),
        ("raise RuntimeError('boom')", BrokenPart, "calling it without arguments failed: RuntimeError: boom"),
        ("raise SystemExit(3)", BrokenPart, "SystemExit: 3"),
        ("return Toys(lambda x: 1 / 0)", BrokenPart, "ownsets:load[0] failed: ZeroDivisionError"),
        ("return Toys(Image.fromarray, size='x')", BrokenPart, "len() of its data set failed: TypeError"),
    ],
)  # fmt: skip
def test_what_is_no_data_set(body: str, error: type[Exception], message: str, opened: Open) -> None:
    with pytest.raises(error) as caught:
        opened(body)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere:load", "no module is called 'nowhere'"),
        ("ownsets:nothing", "there is no 'nothing' in ownsets; name one that is there"),
        ("ownsets:Toys.nothing", "there is no 'nothing' in ownsets"),
        ("ownsets.py:load", "a module is named without .py, ownsets:load"),
    ],
)
def test_names_that_are_not_there(source: str, message: str, opened: Open) -> None:
    opened("return PIXELS, Y")
    with pytest.raises(InvalidSetting) as caught:
        open_dataset(source)
    assert message in str(caught.value)


def test_a_module_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fails.py").write_text("import torch\n1 / 0\n")
    with pytest.raises(BrokenPart, match=r"importing fails failed: ZeroDivisionError.*fails\.py:2"):
        open_dataset("fails:load")


def test_what_it_prints_is_no_output(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    opened("print('hello')\nreturn PIXELS, Y")
    captured = capsys.readouterr()
    assert captured.out == "" and "hello" in captured.err


@pytest.mark.parametrize(
    "change",
    ["Image.fromarray", "lambda x: x.astype('float32')", "lambda x, lock=Lock(): Image.fromarray(x)"],
)
def test_more_than_memory_should_hold(change: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    held = opened(f"return Toys({change})")
    monkeypatch.setattr(reading, "HELD", 1)
    monkeypatch.setattr(pictures, "HELD", 1)
    monkeypatch.setattr("nassearch.datasets.images.gallery.HELD", 1)
    asked = open_dataset("ownsets:load")
    assert asked.digest == held.digest
    np.testing.assert_array_equal(everything(asked), everything(held))
    import ownsets

    asked = unpack(pack(asked))
    np.testing.assert_array_equal(everything(asked), everything(held))
    ownsets.PIXELS[:] = 255 - ownsets.PIXELS
    with pytest.raises(BadData, match=r"has changed|another input each time"):
        asked.train.take([0])
