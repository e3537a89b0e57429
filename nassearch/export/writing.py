"""Write what is exported: the code, the weights, the card, and ONNX where it is asked for; all of it or nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path

from nassearch import __version__
from nassearch.errors import InvalidSetting
from nassearch.export.card import write_card
from nassearch.export.checked import answers, examples_of, hold, loaded
from nassearch.export.code.file import write_file
from nassearch.export.code.network import write_network
from nassearch.export.code.recurrent import write_recurrent
from nassearch.export.exported import Exported
from nassearch.export.measured import measured
from nassearch.export.subject import SEED, Subject
from nassearch.files.bounded import refuse_special
from nassearch.files.inert import inert
from nassearch.files.together import finish, write_together

REMEDY = "choose another -o"
NEEDED = sys.stdlib_module_names | {"torch", "safetensors", "numpy"}
"""Modules that a file which lies beside whoever imports it would hide, `code.py` for one, which torch imports."""
SUFFIXES = {"weights": ".safetensors", "program": ".pt2", "onnx": ".onnx", "card": ".md"}


def paths_of(out: Path, onnx: bool, option: str = "-o") -> dict[str, Path]:
    """Return where the files of an export may lie, by kind; `option` is what people name the first of them by.

    Raises:
        InvalidSetting: the name is none of a module of Python, or is that of one which the file needs.
    """
    if out.stem in NEEDED:
        raise InvalidSetting(
            f"{out.name} would stand for Python's or torch's own {out.stem!r}, which the file needs: choose another "
            f"{option}"
        )
    if out.suffix != ".py" or not out.stem.isidentifier() or iskeyword(out.stem):
        raise InvalidSetting(
            f"{option} is a file of Python that can be imported, such as best.py, not {out.name!r}: choose another "
            f"{option}"
        )
    kinds = [kind for kind in SUFFIXES if onnx or kind != "onnx"]
    return {"code": out, **{kind: out.with_suffix(SUFFIXES[kind]) for kind in kinds}}


def check_places(paths: Mapping[str, Path], force: bool) -> None:
    """Raise `InvalidSetting` where files are there already, `NassearchError` where they cannot be written."""
    for path in paths.values():
        refuse_special(path, REMEDY)
        if path.exists() and not force:
            raise InvalidSetting(f"{path} is there already: {REMEDY}, or --force to replace it")


def export(subject: Subject, out: Path, *, onnx: bool = False, force: bool = False) -> Exported:
    """Write a network as files that need nassearch no more.

    Beside `best.py` lie `best.safetensors` and `best.md`, with `onnx` `best.onnx`, and for a torch module of somebody's
    own `best.pt2`. Before anything is written all of them are held against the module that was searched.

    Args:
        subject: what to export.
        out: the file of code.
        onnx: whether to write ONNX too.
        force: whether files that are there are replaced.

    Raises:
        InvalidSetting: files are there already, the name is none of a module, or a library is missing.
        BadData: the weights are not those of the architecture.
        InvalidModel: torch cannot follow the module.
        NassearchError: a file answers otherwise than the module, or cannot be written; nothing was changed then.
    """
    from nassearch.networks.graph import Network
    from nassearch.networks.modules.isolation import isolated
    from nassearch.networks.recurrent import RecurrentNetwork
    from nassearch.training.single.state import weights_bytes, weights_of

    paths = paths_of(out, onnx)
    finish(out.parent)
    check_places(paths, force)
    if onnx:
        from nassearch.export.onnx_file import check_installed

        check_installed()
    with isolated(SEED):
        network = subject.network()
    module = subject.module(network)
    inputs, checked = examples_of(subject)
    wanted = answers(module, inputs)
    state, trained = weights_of(module), subject.weights is not None
    about = subject.reads, subject.space_text, subject.text
    contents: dict[str, bytes] = {}
    if isinstance(network, Network | RecurrentNetwork):
        written = write_network(network) if isinstance(network, Network) else write_recurrent(network)
        contents["weights"] = weights_bytes({written.renamed(name): tensor for name, tensor in state.items()})
        source = write_file(written, *about, trained)
        found = loaded(source, contents["weights"])
    else:
        from nassearch.export.program import program_answers, program_bytes, write_loader

        contents["weights"] = weights_bytes(state)
        contents["program"] = program_bytes(module, inputs[:2])
        source = write_loader(*about, trained)
        found = program_answers(contents["program"], contents["weights"])
    contents["code"] = source.encode()
    gaps = {"code": hold("the written network", answers(found, inputs), wanted)}
    facts = {**subject.facts, "network": measured(subject, network, module)}
    if onnx:
        from nassearch.export.onnx_file import onnx_bytes

        told = {"space": inert(subject.space_text), "architecture": inert(subject.text)}
        told |= {"producer": f"nassearch {__version__}", "weights": "trained" if trained else "drawn"}
        contents["onnx"], gaps["onnx"], facts["onnx"] = onnx_bytes(module, inputs, subject.reads, told)
    files = {kind: path for kind, path in paths.items() if kind in contents or kind == "card"}
    done = Exported(files, trained, checked, gaps, facts)
    contents["card"] = write_card(subject, done).encode()
    write_together(out.parent, {files[kind].name: content for kind, content in contents.items()}, REMEDY)
    return done
