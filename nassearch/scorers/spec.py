"""Scorers as people write them: `synflow`, `synflow(estimator=sampled, seed=3)`, `rank(epsilon, synflow)`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from nassearch import registry
from nassearch.errors import InvalidSetting, UnknownName, excerpt, quoted
from nassearch.proxies.base import Proxy
from nassearch.scorers.combined import AMONG, Combination, CombinedScorer
from nassearch.scorers.proxy import ProxyScorer
from nassearch.spaces.base import SearchSpace
from nassearch.types import Batch, Progress, Task

AnyScorer = ProxyScorer | CombinedScorer
"""What a text can name. Both have `leaves`, `workers`, `executor` and `progress`."""


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
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # both of the last: brackets too deep
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


def split_specs(value: str) -> list[str]:
    """Split a list of scorers at the commas that stand outside brackets.

    >>> split_specs("params,synflow(estimator=sampled, seed=3)")
    ['params', 'synflow(estimator=sampled, seed=3)']

    Raises:
        InvalidSetting: nothing stands between two commas.
    """
    parts, depth = [""], 0
    for character in value:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    specs = [part.strip() for part in parts]
    if not all(specs):
        raise InvalidSetting(f"{value!r} is not a list of proxies such as params,synflow")
    return specs


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_value(element, text) for element in node.elts)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise _unreadable(text) from None


def _unreadable(text: str) -> InvalidSetting:
    return InvalidSetting(
        f"{excerpt(text)} is not a scorer: write a proxy's name, with options in brackets if need be, such as "
        "synflow(estimator=sampled, seed=3), or a combination such as rank(epsilon, synflow)"
    )


def check_scorer(spec: Any) -> str:
    """Return a scorer's text, or raise what `build_scorer` would raise for it without looking at any data.

    Raises:
        InvalidSetting: it is no text, or cannot be read; or a combination has too few parts.
        UnknownName: no such proxy or combination, or no such option of it.
    """
    if not isinstance(spec, str):
        raise InvalidSetting(f"a scorer is named by a text such as 'synflow', not {quoted(spec)}")
    part, parts, options = _find(spec)
    if isinstance(part, Combination):
        part.check(options)
        for each in parts:
            check_scorer(each)
    for option in options:
        if option not in part.options:
            raise UnknownName(f"option of {part.name}", option, part.options, "(nassearch list proxies)")
    return spec


def needs_batch(spec: str) -> bool:
    """Say whether a scorer, or one that it is made of, looks at data."""
    return bool(needs(spec))


def needs(spec: str) -> frozenset[str]:
    """Return what of a batch a scorer looks at, itself or in its parts: `"inputs"`, `"labels"`, or nothing."""
    part, parts, _ = _find(spec)
    return frozenset().union(*map(needs, parts)) if isinstance(part, Combination) else part.needs


def compares(spec: str) -> bool:
    """Say whether a scorer compares the architectures of one call, so that one alone has no score."""
    part, _, options = _find(spec)
    return isinstance(part, Combination) and options.get("among") is None


def with_among(spec: str) -> str:
    """Return the text of a combination that compares with as many others as is advised.

    >>> with_among("rank(epsilon, synflow)"), with_among("vote")
    ('rank(epsilon, synflow, among=1000)', 'vote(among=1000)')
    """
    name, opened, rest = spec.strip().partition("(")
    return f"{name}({rest[:-1]}, among={AMONG})" if opened else f"{name}(among={AMONG})"


def parts_of(spec: str) -> list[Proxy | Combination]:
    """Return the proxy or combination that a text names, and all that it is made of."""
    part, parts, _ = _find(spec)
    return [part, *(each for text in parts for each in parts_of(text))]


def build_scorer(
    spec: str,
    space: SearchSpace,
    task: Task,
    batch: Batch | None = None,
    *,
    workers: int | None = None,
    executor: str = "processes",
    cache: Path | str | None = None,
    progress: Progress | None = None,
) -> AnyScorer:
    """Build the scorer that a text names, with those that it is made of.

    Raises:
        InvalidSetting: the text cannot be read, an option's value is wrong, a combination has too few parts, or a
            proxy needs a batch.
        UnknownName: no such proxy or combination, or no such option of it.
    """
    part, parts, options = _find(spec)
    if isinstance(part, Combination):
        part.check(options)
        scorers = [build_scorer(each, space, task, batch, cache=cache) for each in parts]
        return CombinedScorer(part, scorers, options, workers=workers, executor=executor, progress=progress)
    return ProxyScorer(
        part, space, task, batch, options, workers=workers, executor=executor, cache=cache, progress=progress
    )


def _find(spec: str) -> tuple[Proxy | Combination, tuple[str, ...], dict[str, Any]]:
    """Return the proxy or combination that a text names, the texts of its parts and its options."""
    name, args, options = parse_spec(spec)
    proxies, combinations = registry.names("proxies"), registry.names("combinations")
    if name in proxies:
        if args:
            raise InvalidSetting(
                f"{name} is a proxy and takes options only, as in {name}(option=value), not {', '.join(args)}; what "
                f"takes scorers is {' or '.join(combinations)}"
            )
        return registry.load("proxies", name), (), options
    if name not in combinations:
        raise UnknownName(
            "scorer", name, [*proxies, *combinations], "(nassearch list proxies, nassearch list combinations)"
        )
    found: Combination = registry.load("combinations", name)
    return found, found.parts(args), options
