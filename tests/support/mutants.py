"""A contract held to one part without pytest's fixtures: which of its tests fail, and what they say."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest


def complaint(contract: Any, test: str, given: Mapping[str, Any]) -> str | None:
    """Return what one test of a contract says of a part, None where it passes."""
    function = getattr(contract, test)
    try:
        function(**{name: given[name] for name in inspect.signature(function).parameters})
    except (AssertionError, pytest.fail.Exception) as error:
        return str(error)
    return None


def complaints(contract: Any, given: Mapping[str, Any]) -> dict[str, str]:
    """Return what each failing test of a contract says."""
    found = {name: complaint(contract, name, given) for name in dir(contract) if name.startswith("test_")}
    assert found, "a contract has tests"
    return {name: told for name, told in found.items() if told is not None}
