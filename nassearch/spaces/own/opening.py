"""Open a space of a user's own code."""

from __future__ import annotations

import inspect
from typing import Any

from nassearch.errors import BrokenPart, InvalidSetting, NassearchError, quoted, told
from nassearch.provenance.from_here import import_from_here
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.own.space import ModuleSpace

WANTED = "a pair (choices, build), a SearchSpace, or a subclass of it that is made without arguments"


def open_named(text: str) -> SearchSpace:
    """Return the space that `module:attribute` names, see `WANTED`.

    Raises:
        InvalidSetting: there is no such thing, or it is no space.
        BrokenPart: the module, or a class in it, fails.
    """
    return space_from(import_from_here(text, f"the space {text}"), f"the space {text}")


def space_from(given: Any, what: str = "a space") -> SearchSpace:
    """Return a space as people write one.

    Raises:
        InvalidSetting: it is none.
        BrokenPart: a class fails as it is made.
    """
    if isinstance(given, SearchSpace):
        return given
    if isinstance(given, type) and issubclass(given, SearchSpace):
        if inspect.isabstract(given):
            missing = ", ".join(sorted(given.__abstractmethods__))
            raise InvalidSetting(f"{what} is a class that does not define {missing}: add them")
        try:
            return given()
        except NassearchError:
            raise
        except Exception as error:
            raise BrokenPart(f"{what} cannot be made: {told(error)}; mend it there") from error
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InvalidSetting(f"{what} is {WANTED}, not {quoted(given)}")
    return ModuleSpace(*given)
