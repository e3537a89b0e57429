"""A page for each noun that offers something, and links to it from types, which signatures name by their definition."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

import nassearch
from nassearch import integrations

PRIVATE = ("nassearch.__main__", "nassearch.cli")
"""The command line is not for import."""
WHOLE = ("nassearch.errors", "nassearch.types")
"""Modules of which everything is public that is theirs."""


@cache
def nouns() -> dict[str, list[str]]:
    """Return what `nassearch` and each `nassearch.<noun>` offer."""
    found = ["nassearch", *(f"nassearch.{each.name}" for each in iter_modules(nassearch.__path__))]
    found += [
        f"nassearch.integrations.{each.name}" for each in iter_modules(integrations.__path__) if each.ispkg
    ]
    modules = {name: import_module(name) for name in found if name not in PRIVATE}
    return {name: offered for name, module in modules.items() if (offered := _offered(module))}


def _offered(module: ModuleType) -> list[str]:
    if module.__name__ in WHOLE:
        return [
            name for name, part in vars(module).items() if getattr(part, "__module__", "") == module.__name__
        ]
    return list(getattr(module, "__all__", ()))


@cache
def public_names() -> dict[str, str]:
    """Return the public name of what is public, by the name of its definition."""
    names: dict[str, str] = {}
    for noun, offered in nouns().items():
        for name in offered:
            part = getattr(import_module(noun), name)
            defined = f"{getattr(part, '__module__', '')}.{getattr(part, '__qualname__', '')}"
            names.setdefault(defined, f"{noun}.{name}")
    return names


def _write_pages(app: Sphinx) -> None:
    """Write the page of each noun, where the directory of pages has none of that name."""
    for noun, offered in nouns().items():
        text = f"{noun}\n{'=' * len(noun)}\n\n.. automodule:: {noun}\n"
        if noun not in WHOLE:
            text += "   :imported-members:\n"
            if elsewhere := [
                name for name in offered if name in nouns()["nassearch"] and noun != "nassearch"
            ]:
                text += (
                    f"   :exclude-members: {', '.join(elsewhere)}\n"  # described once, where it comes first
                )
        path = Path(app.srcdir) / "reference" / "api" / f"{noun}.rst"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _resolve(app: Sphinx, env: Any, node: pending_xref, content: nodes.TextElement) -> nodes.Element | None:
    name = public_names().get(node.get("reftarget", ""))
    if node.get("refdomain") != "py" or name is None:
        return None
    domain = env.domains.python_domain
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, content)  # type: ignore[no-any-return]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", _write_pages)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
