"""Scorers as people write them: `synflow`, `synflow(estimator=sampled, seed=3)`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from nassearch import registry
from nassearch.errors import InvalidSetting, UnknownName
from nassearch.scorers.proxy import ProxyScorer
from nassearch.spaces.base import SearchSpace
from nassearch.types import Batch, Progress, Task


def parse_spec(text: str) -> tuple[str, list[str], dict[str, Any]]:
    """Return name, specs in the places of arguments, and options. Bare words are texts; nothing is evaluated.

    >>> parse_spec("synflow(estimator=sampled, seed=3)")
    ('synflow', [], {'estimator': 'sampled', 'seed': 3})
    >>> parse_spec("rank(synflow, epsilon(weights=(1e-7, 1)))")
    ('rank', ['synflow', 'epsilon(weights=(1e-07, 1))'], {})

    Raises:
        InvalidSetting: not a name with options in brackets.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _unreadable(text) from None
    if isinstance(node, ast.Name):
        return node.id, [], {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise _unreadable(text)
    if not all(isinstance(arg, ast.Name | ast.Call) for arg in node.args):
        raise _unreadable(text)
    options: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _unreadable(text)
        options[keyword.arg] = _value(keyword.value, text)
    return node.func.id, [ast.unparse(arg) for arg in node.args], options


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_value(element, text) for element in node.elts)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _unreadable(text) from None


def _unreadable(text: str) -> InvalidSetting:
    return InvalidSetting(
        f"{text!r} is not a scorer: write a proxy's name, with options in brackets if need be, such as "
        "synflow(estimator=sampled, seed=3)"
    )


def check_scorer(spec: Any) -> str:
    """Return a scorer's text, or raise what `build_scorer` would raise for it without looking at any data.

    Raises:
        InvalidSetting: it is no text, or cannot be read.
        UnknownName: no such proxy, or no such option of it.
    """
    if not isinstance(spec, str):
        raise InvalidSetting(f"a scorer is named by a text such as 'synflow', not {spec!r}")
    name, args, options = parse_spec(spec)
    proxy = registry.load("proxies", name)
    if args:
        raise InvalidSetting(
            f"{name} takes options only, as in {name}(option=value); {', '.join(args)} has no meaning"
        )
    for option in options:
        if option not in proxy.options:
            raise UnknownName(f"option of {name}", option, proxy.options, "(nassearch list proxies)")
    return spec


def needs_batch(spec: str) -> bool:
    """Say whether a scorer looks at data."""
    return bool(registry.load("proxies", parse_spec(spec)[0]).needs)


def build_scorer(
    spec: str,
    space: SearchSpace,
    task: Task,
    batch: Batch | None = None,
    *,
    workers: int = 1,
    executor: str = "processes",
    cache: Path | str | None = None,
    progress: Progress | None = None,
) -> ProxyScorer:
    """Build the scorer that a text names.

    Raises:
        InvalidSetting: the text cannot be read, an option's value is wrong, or the proxy needs a batch.
        UnknownName: no such proxy, or no such option of it.
    """
    name, args, options = parse_spec(spec)
    proxy = registry.load("proxies", name)
    if args:
        raise InvalidSetting(
            f"{name} takes options only, as in {name}(option=value); {', '.join(args)} has no meaning"
        )
    return ProxyScorer(
        proxy, space, task, batch, options, workers=workers, executor=executor, cache=cache, progress=progress
    )
