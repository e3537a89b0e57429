"""Open the space that a text names, with the skeleton that its options ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from nassearch import registry
from nassearch.checks import positive, whole
from nassearch.errors import InvalidSetting, UnknownName, excerpt, quoted
from nassearch.provenance.from_here import is_named
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.own.opening import open_named
from nassearch.texts import read_call
from nassearch.types import Task

LARGEST = {"channels": 65536, "cells": 1000, "stem_stride": 64, "depth": 1000, "layers": 1000}
"""Of whole numbers of a skeleton: what is larger is a slip of the hand."""
WIDEST = 64.0
USUAL = {field.name: field.default for field in fields(Task)}


class SpaceChoice(NamedTuple):
    """A space, and what of a `Task` it is searched with besides the shape of the inputs and the classes.

    Attributes:
        space: the search space.
        skeleton: fields of `Task` by name, as in `Task((3, 32, 32), 10, **skeleton)`.
    """

    space: SearchSpace
    skeleton: dict[str, Any]


def open_space(text: str) -> SpaceChoice:
    """Return the space that a text names.

    >>> open_space("nasbench201(channels=8, cells=2)")
    SpaceChoice(space=NASBench201(nasbench201), skeleton={'channels': (8, 16, 32), 'cells': 2})

    Args:
        text: a name of `nassearch list spaces`, with options in brackets if need be. The options are those that the
            space names in its `skeleton`; one number as `channels` is that of the first stage, and each stage
            has twice as many channels as the one before.

            Or `module:attribute` for a space of your own code, see `nassearch.spaces.own.opening`, such as
            `mymodels:space` in mymodels.py of the current folder.

    Raises:
        InvalidSetting: it cannot be read, or an option has a value without meaning.
        UnknownName: no such space, or no such option of it.
        BrokenPart: another package's space cannot be used.
    """
    if not isinstance(text, str):
        raise InvalidSetting(
            "a space is named by a text, such as nasbench201 or mymodels:space, so that a result can open it again, "
            f"not by {quoted(text)}: write the space into a module and name it as module:attribute"
        )
    if is_named(text):
        space = open_named(text)
        return SpaceChoice(space, skeleton_of(space, {}))
    try:
        name, options = read_call(text)
    except (ValueError, TypeError):
        raise InvalidSetting(
            f"{excerpt(str(text))} is not a space: write a name, with options in brackets if need be, such as "
            "nasbench201(channels=8, cells=2)"
        ) from None
    space = _named(name)
    return SpaceChoice(space, skeleton_of(space, options))


def _named(name: str) -> SearchSpace:
    part = registry.load("spaces", name)
    try:
        made: SearchSpace = part()
    except Exception as error:  # whatever a class of someone else raises when it is made
        if registry.is_built_in("spaces", name):
            raise
        raise registry.broken("spaces", name, error) from error
    return made


def skeleton_of(space: SearchSpace, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Task` that options of a space ask for, and those that are unlike usual for it.

    Raises:
        InvalidSetting, UnknownName: see `open_space`.
    """
    known = space.skeleton
    for option in options:
        if option not in known:
            without = f"{space.name} takes no options" if not known else ""
            raise UnknownName(f"option of {space.name}", option, known, without)
    own = {field: value for field, value in known.items() if value != (USUAL[field] or 1)}
    return own | {option: _checked(space, option, value) for option, value in options.items()}


def _checked(space: SearchSpace, option: str, value: Any) -> Any:
    what, usual = f"{option} of {space.name}", space.skeleton[option]
    if option == "width":
        if positive(what, value) > WIDEST:
            raise InvalidSetting(f"{what} is a factor of at most {WIDEST:g}, not {quoted(value)}")
        return float(value)
    if option == "reduction":
        if value not in (choices := ("residual", "pool")):
            raise InvalidSetting(f"{what} is {' or '.join(choices)}, not {quoted(value)}")
        return value
    if option == "channels":
        if isinstance(value, tuple) and value:
            return tuple(whole(what, each, largest=LARGEST[option]) for each in value)
        if isinstance(value, tuple):
            raise InvalidSetting(f"{what} are one number or more, such as {option}={usual}, not ()")
        first = whole(what, value, largest=LARGEST[option])
        return tuple(first * 2**stage for stage in range(len(usual)))
    return whole(what, value, largest=LARGEST[option])
