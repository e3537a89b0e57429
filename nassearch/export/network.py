"""Write the network that a search has found, from Python."""

from __future__ import annotations

import os

from nassearch.checks import a_path
from nassearch.errors import InvalidSetting, quoted
from nassearch.export.exported import Exported
from nassearch.export.results.found import found_in
from nassearch.export.writing import check_places, export, paths_of
from nassearch.search.trained.folder import SearchFolder
from nassearch.search.trained.searching import Found


def export_network(
    result: str | os.PathLike[str] | Found | SearchFolder,
    out: str | os.PathLike[str] = "best.py",
    *,
    arch: str | None = None,
    retrained: bool = False,
    onnx: bool = False,
    force: bool = False,
) -> Exported:
    """Write the best network of a search as files that need nassearch no more, as `nassearch export` does.

        found = nassearch.find_network("my_images", hours=2)
        nassearch.export_network(found, "best.py", onnx=True).files

    Args:
        result: what `find_network` returned, the folder of a search, or the result of `nassearch run`.
        out: the file of code; weights, card and ONNX lie beside it.
        arch: the text of another architecture of the space; None for the best.
        retrained: whether to take the best of what `nassearch retrain` has trained.
        onnx: whether to write ONNX too, held against torch by onnxruntime.
        force: whether files that are there are replaced.

    Raises:
        MissingData, BadData: there is no such result, or it is damaged.
        InvalidArch: the text is none of the space.
        InvalidSetting: files are there already, the name is none of a module, nothing was trained later, or a library
            is missing.
        InvalidModel: torch cannot follow the module.
        NassearchError: a file answers otherwise than the module, or cannot be written; nothing was changed then.
    """
    if isinstance(result, Found):
        result = result.folder.path
    elif isinstance(result, SearchFolder):
        result = result.path
    path = a_path(
        "a network is exported from what find_network returned, or from the path of a result", result
    )
    place = a_path("out is the path of a file of Python, such as best.py", out)
    if arch is not None and not isinstance(arch, str):
        raise InvalidSetting(
            f"arch is the text of an architecture, as its space writes it, not {quoted(arch)}"
        )
    check_places(paths_of(place, onnx), force)
    return export(found_in(path, arch, retrained), place, onnx=onnx, force=force)
