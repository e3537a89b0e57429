"""Import what a user names as `module:attribute`, from the current folder first."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from nassearch.errors import BrokenPart, InvalidSetting, NassearchError
from nassearch.provenance.their_code import their_code

NAMED = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")


def is_named(text: str) -> bool:
    """Say whether a text is written as `module:attribute`."""
    return bool(NAMED.fullmatch(text.strip()))


def import_from_here(text: str, what: str, fault: type[NassearchError] = BrokenPart) -> Any:
    """Return what `module:attribute` names.

    What the module prints goes to standard error. The current folder is afterwards the last of the places that imports
    come from, so that workers find the module too, and no file in it stands for a library.

    Args:
        text: such as `mymodels:space`.
        what: it is, for errors: "--space mymodels:space".
        fault: the error of a module that fails as it is imported.

    Raises:
        InvalidSetting: there is no such module or attribute.
        NassearchError: of the kind `fault`.
    """
    module, _, attribute = text.strip().partition(":")
    here = str(Path.cwd())
    known = here in sys.path
    sys.path.insert(0, here)
    try:
        with their_code(f"{what}: importing {module}", fault=fault):
            return _found(module, attribute, what, here)
    finally:
        sys.path.remove(here)
        if not known:
            sys.path.append(here)


def _found(module: str, attribute: str, what: str, here: str) -> Any:
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        hint = f"; a module is named without .py, {module.removesuffix('.py')}:{attribute}"
        raise InvalidSetting(
            f"{what}: no module is called {error.name!r} in {here} or among what is installed: change to its folder, "
            f"or name another{hint if module.endswith('.py') else ''}"
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InvalidSetting(f"{what}: there is no {part!r} in {module}; name one that is there")
        found = getattr(found, part)
    return found
