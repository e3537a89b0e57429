"""ONNX is what torch computes, for any number of inputs, and says what goes in and comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import call
from written import STRANGE

from nassearch.errors import InvalidSetting
from nassearch.export import onnx_file
from nassearch.export.code.file import Reading
from nassearch.export.results.named import named
from nassearch.export.writing import export

onnx = pytest.importorskip("onnx", reason="ONNX needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX needs the extra onnx")
pytest.importorskip("onnxscript", reason="ONNX needs the extra onnx")


def test_onnx_answers_as_torch_does_and_names_what_is_in_it(tmp_path: Path) -> None:
    subject = named("nasbench201(channels=2, cells=1)", "6111", "3,8,8", len(STRANGE))
    reads = Reading((3, 8, 8), STRANGE, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    done = export(replace(subject, reads=reads), tmp_path / "best.py", onnx=True)
    assert done.gaps["onnx"] <= 1e-4
    content = (tmp_path / "best.onnx").read_bytes()
    model = onnx.load_from_string(content)
    facts = {each.key: each.value for each in model.metadata_props}
    assert tuple(json.loads(facts["classes"])) == STRANGE
    assert (json.loads(facts["mean"]), json.loads(facts["std"])) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    assert all(value.isascii() and value.isprintable() for value in facts.values())
    assert [each.version for each in model.opset_import if not each.domain] == [done.facts["onnx"]["opset"]]
    assert str(Path.cwd()).encode() not in content
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    module = subject.module(subject.network())
    for count in (1, 3, 40):
        inputs = torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(count))
        (found,) = session.run(["logits"], {"input": inputs.numpy()})
        with torch.inference_mode():
            wanted = module(inputs).numpy()
        # Other kernels sum in other orders.
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_a_missing_library_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(onnx_file, "import_module", missing)
    result = call("export", "--space", "nasbench201", "--arch", "6111", "--onnx")
    assert result.exit_code == 1
    assert "pip install -e '.[onnx]'" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_network_that_onnx_cannot_hold_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "CLOSE", -1.0)
    subject = named("nasbench201(channels=2, cells=1)", "6111", "3,8,8", 2)
    with pytest.raises(Exception, match="the ONNX file answers otherwise"):
        export(subject, tmp_path / "best.py", onnx=True)
    assert not list(tmp_path.iterdir())
    assert issubclass(InvalidSetting, ValueError)
