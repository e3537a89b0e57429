"""The directive `parts`: what is registered of one kind, from the registry and the docstrings."""

from __future__ import annotations

from docstrings import escaped, restructured
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nassearch import registry

SECTIONS = {"napoleon_custom_sections": [("Moves", "params_style")]}


def options(kind: str, part: object) -> dict[str, object]:
    """Return the settings or options of a part, with their defaults."""
    if kind == "strategies":
        return dict(part.settings())  # type: ignore[attr-defined]
    return dict(getattr(part, "options", {}))


def facts(kind: str, part: object) -> list[str]:
    """Return what is declared beside a part, as lines of reStructuredText."""
    told = options(kind, part)
    lines = []
    if told:
        given = ", ".join(f"``{name}={value}``" for name, value in told.items())
        lines.append(f":{'Settings' if kind == 'strategies' else 'Options'}: {given}")
    if kind == "strategies":
        moves = ", ".join(f"``{move}``" for move in part.guidance.moves)  # type: ignore[attr-defined]
        lines.append(f":A move is at: {moves or 'no step: only a warm-up guides it'}")
    if kind == "proxies":
        needs = " and ".join(sorted(part.needs))  # type: ignore[attr-defined]
        better = "higher" if part.higher_is_better else "lower"  # type: ignore[attr-defined]
        lines.append(f":Looks at: {needs or 'no data'}")
        lines.append(f":Better: {better} raw values; scores are turned so that higher is better")
    if kind == "benchmarks":
        names = ", ".join(f"``{name}``" for name in part.datasets())  # type: ignore[attr-defined]
        lines.append(f":Data sets: {names}")
    if reference := getattr(part, "reference", ""):
        lines.append(f":From: {escaped(reference)}")
    return lines


class Parts(SphinxDirective):
    """`.. parts:: proxies` writes a section for each proxy of nassearch itself."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (kind,) = self.arguments
        found: list[nodes.Node] = []
        for name in registry.BUILT_IN[kind]:
            part = registry.load(kind, name)
            section = nodes.section(ids=[f"{kind}-{name}"], names=[f"{kind}-{name}"])
            section += nodes.title("", name)
            text = [*prepared(part), "", *facts(kind, part)]
            self.state.nested_parse(StringList(text, source=f"<{kind} {name}>"), 0, section)
            found.append(section)
        return found


def prepared(part: object) -> list[str]:
    """Return a docstring as reStructuredText."""
    from sphinx.ext.napoleon import Config, GoogleDocstring
    from sphinx.util.docstrings import prepare_docstring

    lines = restructured(prepare_docstring(part.__doc__ or ""))
    return list(
        GoogleDocstring(lines, Config(napoleon_use_param=False, napoleon_use_rtype=False, **SECTIONS)).lines()
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("parts", Parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
