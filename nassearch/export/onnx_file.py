"""A network as ONNX, with what its inputs and classes are in its metadata, held against torch by onnxruntime."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nassearch.errors import InvalidModel, InvalidSetting, told
from nassearch.export.checked import answers, hold
from nassearch.export.code.file import Reading

if TYPE_CHECKING:
    from torch import Tensor, nn

OPSET = 20
"""Of the operators: the newest that onnxruntime 1.17 and its successors read."""
CLOSE = 1e-4
"""Of the largest logit: kernels of another library sum in another order, layer by layer."""
MISSING = (
    "ONNX needs onnx, onnxscript and onnxruntime, which are not all installed ({}): in a checkout, pip install -e "
    "'.[onnx]'"
)


def check_installed() -> None:
    """Raise `InvalidSetting` where the libraries that ONNX needs are missing."""
    try:
        for name in ("onnx", "onnxscript", "onnxruntime"):
            import_module(name)
    except ImportError as error:
        raise InvalidSetting(MISSING.format(error)) from error


def onnx_bytes(
    module: nn.Module, inputs: Tensor, reads: Reading, about: dict[str, str]
) -> tuple[bytes, float, dict[str, Any]]:
    """Return a module as ONNX for batches of any size, how far its logits are from torch's, and facts of the file.

    Args:
        module: in evaluation mode.
        inputs: two examples or more.
        reads: goes into the metadata as JSON: `classes`, `mean`, `std`.
        about: more of the metadata.

    Raises:
        InvalidSetting: a library is missing.
        InvalidModel: torch cannot write the module as ONNX.
        NassearchError: onnxruntime answers otherwise.
    """
    check_installed()
    import onnx
    import onnxruntime
    import torch

    with _quietly():
        try:
            program = torch.onnx.export(
                module,
                (inputs,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["input"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
            assert program is not None
            model: Any = program.model_proto
        except Exception as error:
            raise InvalidModel(
                f"torch cannot write this network as ONNX: {told(error).splitlines()[0][:200]}"
            ) from error
    facts = dict(about)
    if not reads.words:
        facts["classes"] = json.dumps(list(reads.classes))
    if reads.mean:
        facts |= {"mean": json.dumps(list(reads.mean)), "std": json.dumps(list(reads.std))}
    _say(model, facts)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    opset = next(each.version for each in model.opset_import if not each.domain)
    of = {"opset": opset, "input": "input", "output": "logits", "onnxruntime": onnxruntime.__version__}
    return content, _held(content, module, inputs), of


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave out what torch tells of packages that nothing here needs."""
    quiet, before = io.StringIO(), logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(quiet), redirect_stderr(quiet):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _say(model: Any, facts: dict[str, str]) -> None:
    """Put facts into the metadata, and take what names files of this machine out of it."""
    del model.metadata_props[:]
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for name, value in sorted(facts.items()):
        model.metadata_props.add(key=name, value=value)


def _held(content: bytes, module: nn.Module, inputs: Tensor) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    apart = 0.0
    for count in {1, len(inputs)}:
        some = inputs[:count]
        (found,) = session.run(["logits"], {"input": some.numpy()})
        apart = max(apart, hold("the ONNX file", found, answers(module, some), CLOSE))
    return apart
