"""Scorers as people give them: texts such as `synflow(seed=3)` or `rank(epsilon, synflow)`, proxies, functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nassearch import registry
from nassearch.benchmarks.given import GivenBenchmark
from nassearch.errors import InvalidSetting, UnknownName, excerpt
from nassearch.proxies.base import Proxy
from nassearch.scorers.combined import AMONG, Combination, CombinedScorer
from nassearch.scorers.function import FunctionScorer, ScorerFunction
from nassearch.scorers.lookups.base import Lookup, LookupScorer, Place
from nassearch.scorers.lookups.writing import with_quotes
from nassearch.scorers.proxy import ProxyScorer
from nassearch.spaces.base import SearchSpace
from nassearch.texts import literal
from nassearch.types import Arch, Batch, Progress, Task

AnyScorer = ProxyScorer | CombinedScorer | FunctionScorer
"""What is built of a specification. All have `leaves`, `workers`, `executor`, `progress` and `spec`."""
Part = Proxy | Combination | Lookup | ScorerFunction
"""What a specification means, without those that it is made of."""
Spec = str | Proxy | Combination | ScorerFunction
"""What says which scorer is meant; `specified` makes it of what people give."""
SPECS = (str, Proxy, Combination, ScorerFunction)
GivenScorer = Spec | AnyScorer | Callable[[Sequence[Arch]], Any]
"""A text, a proxy or combination, a scorer that was made, or a plain function `f(archs) -> scores [N]`."""


def specified(given: Any) -> Spec:
    """Return which scorer is meant. One that was made stands for what it was made of, on another batch say.

    Raises:
        InvalidSetting: it is nothing that scores.
    """
    if isinstance(given, ProxyScorer | CombinedScorer | FunctionScorer):
        if given.spec is None:
            raise InvalidSetting(
                f"a {type(given).__name__} made by hand has no name: use make_scorer, or its function"
            )
        made: Spec = given.spec
        return made
    if isinstance(given, SPECS):
        known: Spec = given
        return known
    return ScorerFunction(given)


def name_of(spec: Spec) -> str:
    """Return the text of a scorer, by which results and tables name it."""
    return spec if isinstance(spec, str) else spec.name


def parse_spec(text: str) -> tuple[str, list[str], dict[str, Any]]:
    """Return name, what stands in the places of arguments, and options. Bare words are texts; nothing is evaluated.

    >>> parse_spec("synflow(estimator=sampled, seed=3)")
    ('synflow', [], {'estimator': 'sampled', 'seed': 3})
    >>> parse_spec("rank(synflow, epsilon(weights=(1e-7, 1)))")
    ('rank', ['synflow', 'epsilon(weights=(1e-07, 1))'], {})
    >>> parse_spec("table(my scores.csv, epsilon, higher_is_better=false)")
    ('table', ['my scores.csv', 'epsilon'], {'higher_is_better': False})

    Raises:
        InvalidSetting: not a name with options in brackets.
    """
    try:
        node = ast.parse(with_quotes(text.strip(), registry.names("lookups")), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # both of the last: brackets too deep
        raise _unreadable(text) from None
    if isinstance(node, ast.Name):
        return node.id, [], {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise _unreadable(text)
    if not all(isinstance(arg, ast.Name | ast.Call) or _is_text(arg) for arg in node.args):
        raise _unreadable(text)
    options: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _unreadable(text)
        options[keyword.arg] = _value(keyword.value, text)
    return node.func.id, [_argument(arg) for arg in node.args], options


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


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _argument(node: ast.expr) -> str:
    """Return a text in quotes as it is, and a scorer as it is written."""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _value(node: ast.expr, text: str) -> Any:
    try:
        return literal(node)
    except (ValueError, RecursionError):
        raise _unreadable(text) from None


def _unreadable(text: str) -> InvalidSetting:
    return InvalidSetting(
        f"{excerpt(text)} is not a scorer: write a proxy's name, with options in brackets if need be, such as "
        "synflow(estimator=sampled, seed=3), or a combination such as rank(epsilon, synflow)"
    )


def check_scorer(spec: Any) -> Spec:
    """Return which scorer is meant, or raise what `build_scorer` would raise for it without looking at any data.

    Raises:
        InvalidSetting: it is nothing that scores, or a text that cannot be read; or a combination has too few parts.
        UnknownName: no such proxy or combination, or no such option of it.
    """
    meant = specified(spec)
    part, parts, options = _find(meant)
    if isinstance(part, ScorerFunction):
        return meant
    if isinstance(part, Lookup):
        part.check(parts, options)
    if isinstance(part, Combination):
        part.check(options)
        for each in parts:
            check_scorer(each)
    for option in options:
        if option not in part.options:
            raise UnknownName(f"option of {part.name}", option, part.options, "(nassearch list proxies)")
    return meant


def needs_batch(spec: Spec) -> bool:
    """Say whether a scorer, or one that it is made of, looks at data."""
    return bool(needs(spec))


def needs(spec: Spec) -> frozenset[str]:
    """Return what of a batch a scorer looks at, itself or in its parts: `"inputs"`, `"labels"`, or nothing."""
    part, parts, _ = _find(spec)
    if isinstance(part, ScorerFunction | Lookup):
        return frozenset()
    return frozenset().union(*map(needs, parts)) if isinstance(part, Combination) else part.needs


def compares(spec: Spec) -> bool:
    """Say whether a scorer compares the architectures of one call, so that one alone has no score."""
    part, _, options = _find(spec)
    return isinstance(part, Combination) and options.get("among") is None


def with_among(spec: Spec) -> str:
    """Return the text of a combination that compares with as many others as is advised.

    >>> with_among("rank(epsilon, synflow)"), with_among("vote")
    ('rank(epsilon, synflow, among=1000)', 'vote(among=1000)')
    """
    name, opened, rest = name_of(spec).strip().partition("(")
    return f"{name}({rest[:-1]}, among={AMONG})" if opened else f"{name}(among={AMONG})"


def parts_of(spec: Spec) -> list[Part]:
    """Return the proxy, combination, lookup or function that is meant, and all that it is made of."""
    part, parts, _ = _find(spec)
    if isinstance(part, Lookup):
        return [part.identified(parts)]
    return [part, *(each for text in parts for each in parts_of(text))]


def build_scorer(
    spec: GivenScorer,
    space: SearchSpace,
    task: Task,
    batch: Batch | None = None,
    *,
    workers: int | None = None,
    executor: str = "processes",
    cache: Path | str | None = None,
    progress: Progress | None = None,
    benchmark: GivenBenchmark | None = None,
    dataset: str | None = None,
) -> AnyScorer:
    """Build the scorer that a text names, or that a proxy, combination or function is, with those that it is made of.

    Args:
        spec: which scorer.
        space, task, batch: what architectures mean, and what proxies look at.
        workers, executor, cache, progress: see `ProxyScorer`.
        benchmark, dataset: what a lookup such as `oracle` asks.

    Raises:
        InvalidSetting: the text cannot be read, an option's value is wrong, a combination has too few parts, or a
            proxy needs a batch.
        UnknownName: no such proxy or combination, or no such option of it.
    """
    meant = specified(spec)
    part, parts, options = _find(meant)
    how: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
    built: AnyScorer
    if isinstance(part, ScorerFunction):
        return FunctionScorer(part, **how)
    if isinstance(part, Lookup):
        built = LookupScorer(part, Place(space, benchmark, dataset), parts, options, **how)
    elif isinstance(part, Combination):
        part.check(options)
        on: dict[str, Any] = {"cache": cache, "benchmark": benchmark, "dataset": dataset}
        scorers: list[Any] = [build_scorer(each, space, task, batch, **on) for each in parts]
        built = CombinedScorer(part, scorers, options, **how)
    else:
        built = ProxyScorer(part, space, task, batch, options, cache=cache, **how)
    built.spec = meant
    return built


def _find(spec: Spec) -> tuple[Part, tuple[str, ...], dict[str, Any]]:
    """Return the proxy, combination, lookup or function that is meant, the texts in its brackets and its options."""
    if not isinstance(spec, str):
        return spec, spec.parts(()) if isinstance(spec, Combination) else (), {}
    name, args, options = parse_spec(spec)
    proxies, combinations = registry.names("proxies"), registry.names("combinations")
    if name in proxies:
        if args:
            raise InvalidSetting(
                f"{name} is a proxy and takes options only, as in {name}(option=value), not {', '.join(args)}; what "
                f"takes scorers is {' or '.join(combinations)}"
            )
        return registry.load("proxies", name), (), options
    if name in (lookups := registry.names("lookups")):
        return registry.load("lookups", name), tuple(args), options
    if name not in combinations:
        raise UnknownName(
            "scorer",
            name,
            [*proxies, *combinations, *lookups],
            "(nassearch list proxies, nassearch list combinations, nassearch list lookups)",
        )
    found: Combination = registry.load("combinations", name)
    return found, found.parts(args), options
