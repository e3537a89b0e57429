"""The HTML of a page: everything in one file, under a policy that lets nothing else in."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from nassearch import __version__
from nassearch.errors import InvalidSetting
from nassearch.files.inert import inert
from nassearch.reports.page.shown import charts, shown

SCRIPTS = ("tables.js", "charts.js", "start.js")
REMEDY = (
    "a page is made by plotly and Jinja2, and one of them is not installed: pip install plotly jinja2, or install "
    "nassearch with its extra report"
)


def render(data: Mapping[str, Any], title: str) -> str:
    """Return a page as HTML; the same data gives the same text under one version of the libraries.

    Names in the data are text in it: the template escapes what it is given, what acts on a reader's screen without
    being seen is written out, and scripts read the data as JSON in which no tag can end or begin.

    Raises:
        InvalidSetting: plotly or Jinja2 is not installed.
    """
    try:
        import jinja2
        from jinja2.utils import htmlsafe_json_dumps
        from markupsafe import Markup
    except ImportError as error:
        raise InvalidSetting(REMEDY) from error

    library, packed = _plotly()
    style = _asset("page.css")
    script = "{\n" + "\n".join(map(_asset, SCRIPTS)) + "\n}"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, finalize=_finalized)
    environment.filters.update(repr=repr, curve=curve)
    return environment.from_string(_asset("page.html")).render(
        title=title,
        version=__version__,
        policy=Markup(policy(style, [script, library])),  # of digests, in which nothing can be escaped
        style=Markup(style),
        script=Markup(script),
        plotly=Markup(packed),
        data=htmlsafe_json_dumps(_inert(charts(data)), allow_nan=False, separators=(",", ":")),
        **shown(data),
    )


def policy(style: str, scripts: Sequence[str]) -> str:
    """Return the Content-Security-Policy: the page's own style and scripts by their digests, and nothing else.

    The digest of no text lets the library make the style sheet into which it puts its rules.
    """
    styles = " ".join(map(_digest, (style, "")))
    return (
        f"default-src 'none'; script-src {' '.join(map(_digest, scripts))}; style-src {styles}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return resources.files("nassearch.reports.page").joinpath("assets", name).read_text("utf-8")


@cache
def _plotly() -> tuple[str, str]:
    """Return plotly.js, and how a page holds it: compressed, a third of its length."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise InvalidSetting(REMEDY) from error
    text = get_plotlyjs().replace("\r\n", "\n")
    return text, b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _finalized(value: Any) -> Any:
    """Write out what acts on a screen, of all that a template puts in."""
    return inert(value) if type(value) is str else value


def _inert(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {name: _inert(each) for name, each in value.items()}
    return [_inert(each) for each in value] if isinstance(value, list) else value


def curve(points: Sequence[Sequence[float]]) -> str:
    """Return the path of an edge, which leaves and enters vertices downwards.

    >>> curve([[0, 0], [10, 40]])
    'M0 12C0 20 10 20 10 28'
    """
    half = 12  # of the height of a vertex
    (x, y), last = points[0], len(points) - 1
    path, y = f"M{x:g} {y + half:g}", y + half
    for place, (to, under) in enumerate(points[1:], start=1):
        end = under - half if place == last else under
        middle = (y + end) / 2
        path += f"C{x:g} {middle:g} {to:g} {middle:g} {to:g} {end:g}"
        x, y = to, end
    return path
