"""Links from types in signatures, which Python names by where they are defined, to where they are public."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

import nassearch


@cache
def public_names() -> dict[str, str]:
    """Return the public name of what is public, by the name of its definition."""
    nouns = ["nassearch", *(f"nassearch.{found.name}" for found in iter_modules(nassearch.__path__))]
    names: dict[str, str] = {}
    for noun in nouns:
        if noun.endswith("__main__"):
            continue
        module = import_module(noun)
        for name in getattr(module, "__all__", ()):
            part = getattr(module, name)
            defined = f"{getattr(part, '__module__', '')}.{getattr(part, '__qualname__', '')}"
            names.setdefault(defined, f"{noun}.{name}")
    return names


def _resolve(app: Sphinx, env: Any, node: pending_xref, content: nodes.TextElement) -> nodes.Element | None:
    name = public_names().get(node.get("reftarget", ""))
    if node.get("refdomain") != "py" or name is None:
        return None
    domain = env.domains.python_domain
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, content)  # type: ignore[no-any-return]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
