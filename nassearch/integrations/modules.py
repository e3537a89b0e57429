"""Score the torch modules that a function builds, by any scorer, combinations of several included."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nassearch import registry
from nassearch.checks import SEEDS, whole
from nassearch.errors import InvalidModel, InvalidSetting, quoted, told
from nassearch.networks.module_network import ModuleNetwork
from nassearch.proxies.base import Proxy
from nassearch.proxies.model import Request, together
from nassearch.proxies.scores import finite
from nassearch.scorers.any_module import as_batch
from nassearch.scorers.combined import Combination, CombinedScorer
from nassearch.scorers.function import FunctionScorer
from nassearch.scorers.model_batches import Input, open_model_batch
from nassearch.scorers.proxy import ProxyScorer
from nassearch.scorers.spec import check_scorer, needs, parse_spec
from nassearch.spaces.own.building import build_module
from nassearch.types import Batch, Floats, Task

ONE_AT_A_TIME = threading.RLock()
"""Scoring sets the global generators, hooks and threads of torch, and sets them back: threads would mix these up."""
REMEMBERED = 10_000
"""Modules whose scores are kept in memory, a kilobyte each."""
LONGEST = 500
"""Characters of a reason that is kept: some databases take no longer texts."""


@dataclass
class Measured:
    """What the proxies of a scorer say of one module.

    Attributes:
        scores: by proxy; higher is better, NaN: not scorable.
        reason: why the first proxy without a score has none, "" where all have one.
        built: whether there is a module.
    """

    scores: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    built: bool = False


class ModuleScorer:
    """Score modules that belong to no space: first each by itself, then all that are compared.

        scorer = ModuleScorer("rank(params, synflow)", input_shape=(3, 32, 32), classes=10)
        measured = [scorer.measure(lambda width=width: small(width)) for width in (8, 16)]
        scorer.compare(measured)  # float64 [2]; higher is better

    Weights are those that the function draws with the generators of torch, numpy and Python at a proxy's `seed`; the
    generators are afterwards as they were. A score is what `nassearch.score` gives of that module.

    Args:
        scorer: a text such as `"synflow"` or `"rank(epsilon, synflow)"`, a proxy or combination, or a function
            `f(module) -> number`, higher is better.
        batch: what proxies look at: a `Batch`, inputs, a pair (inputs, labels), as for `nassearch.score`; an .npz file
            or a kind such as "grey"; None for 256 inputs of normal noise (uniform words) with random labels.
        input_shape: of one input, channels first, where a batch is to be made up.
        classes: number of logits; needed where a batch is to be made up.
        vocabulary: how many words there are, where inputs are words; `input_shape` is then `(T,)`.

    Attributes:
        name: the text of the scorer.
        compares: whether scores are made by comparing modules, so that one alone has none.

    Raises:
        UnknownName: no such scorer, or no such option of it.
        InvalidSetting: the scorer cannot be read or has no meaning for modules, or what inputs are is not said.
    """

    def __init__(
        self,
        scorer: str | Proxy | Combination | Callable[[Any], float],
        *,
        batch: Any = None,
        input_shape: Sequence[int] | None = None,
        classes: int | None = None,
        vocabulary: int | None = None,
    ) -> None:
        if isinstance(scorer, ProxyScorer | CombinedScorer | FunctionScorer):
            raise InvalidSetting(
                f"{scorer!r} scores architectures of a space, and here are torch modules: give its text, such as "
                "'synflow', or a function of a module"
            )
        self._function: Any = scorer if _is_plain(scorer) else None
        self.spec: Any = scorer
        self.name = _name(scorer)
        if self._function is None:
            check_scorer(scorer)
        self._leaves = list(dict.fromkeys(self._parts(scorer)))
        self.compares = self._function is None and _combination(scorer) is not None
        self._classes = classes
        self._batch = self._open(batch, input_shape, classes, vocabulary)
        self._task = Task(
            self._batch.inputs.shape[1:],
            classes or 2,  # what a pass of zeros through lazy layers does not look at
            words=(vocabulary or int(self._batch.inputs.max()) + 1)
            if self._batch.inputs.dtype.kind == "i"
            else None,
        )
        self._requests = {} if self._function else {_name(leaf): self._request(leaf) for leaf in self._leaves}

    def measure(
        self,
        make: Callable[[], Any],
        known: Callable[[], Hashable] | None = None,
        memory: dict[Hashable, Measured] | None = None,
    ) -> Measured:
        """Build a module and score it by each proxy; what fails is no score, with its reason.

        Args:
            make: returns a new module in each call; what it prints goes to standard error.
            known: called after `make`, says what the module is.
            memory: modules that were measured before, by what they are; this one is added.
        """
        from nassearch.networks.modules.isolation import isolated

        found = Measured()
        reasons: dict[str, str] = {}
        by_seed: dict[int, list[Any]] = {}
        for leaf in self._leaves:
            by_seed.setdefault(_seed(leaf), []).append(leaf)
        with ONE_AT_A_TIME:
            for seed, leaves in by_seed.items():
                try:
                    with isolated(seed):
                        module = build_module(lambda: make(), {}, "trial", (), self._task)
                except InvalidModel as error:
                    reasons |= dict.fromkeys(map(_name, leaves), str(error))
                    continue
                if not found.built and memory is not None and known is not None and known() in memory:
                    return memory[known()]
                found.built = True
                scores, why = self._scored(module, leaves)
                found.scores |= scores
                reasons |= why
        found.scores = {_name(leaf): found.scores.get(_name(leaf), np.nan) for leaf in self._leaves}
        found.reason = next(iter(reasons.values()), "")[:LONGEST]
        if found.built and memory is not None and known is not None:
            if len(memory) >= REMEMBERED:
                del memory[next(iter(memory))]
            memory[known()] = found
        return found

    def compare(self, measured: Sequence[Measured]) -> Floats:
        """Return the scores of modules among each other, float64 `[N]`; higher is better, NaN: not scorable."""
        return self.combined([each.scores for each in measured])

    def combined(self, scores: Sequence[Mapping[str, float]]) -> Floats:
        """Return scores made of those by proxy, float64 `[N]`; those of a combination compare the N with each other."""
        return _combined(self.spec, scores)

    def _request(self, leaf: Any) -> Request:
        """Return a proxy, all of its options and its batch, where it has a meaning for modules."""
        proxy, options = _proxy(leaf)
        proxy.check(options, self._batch)
        batch = self._batch if proxy.needs else None
        return proxy, proxy.options_of_modules(options, batch), batch

    def _scored(self, module: Any, leaves: Sequence[Any]) -> tuple[dict[str, float], dict[str, str]]:
        if self._function is None:
            task, names = self._task, [*map(_name, leaves)]
            network = ModuleNetwork(module, task.input_shape, self._classes, task.words)
            scores, reasons = {}, {}
            requests = [self._requests[name] for name in names]
            for name, found in zip(names, together(requests, [network]), strict=True):  # type: ignore[list-item]
                (value,), why = finite(*found)
                scores[name] = float(value if self._requests[name][0].higher_is_better else -value)
                if value != value:
                    reasons[name] = why.get(0, "it is not a number (NaN) for this module and batch")
            return scores, reasons
        try:
            value = float(self._function(module))
        except (Exception, SystemExit) as error:
            return {}, {self.name: f"{self.name}(module) fails: {told(error)}"}
        if np.isfinite(value):
            return {self.name: value}, {}
        return {}, {self.name: f"{self.name}(module) returns {value}, which is no score"}

    def _parts(self, scorer: Any) -> list[Any]:
        """Return the proxies, or the function, that a scorer is made of."""
        if self._function is not None:
            return [scorer]
        found = _combination(scorer)
        if found is not None:
            _, parts, options = found
            if options.get("among") is not None:
                raise InvalidSetting(
                    f"{_name(scorer)} compares the modules that are scored together, and there is no space to draw "
                    "others from: leave out among"
                )
            return [leaf for part in parts for leaf in self._parts(part)]
        if isinstance(scorer, str) and parse_spec(scorer)[0] in registry.names("lookups"):
            raise InvalidSetting(
                f"{scorer} looks up architectures of a search space, and here are torch modules: name a proxy"
            )
        return [scorer]

    def _open(
        self, batch: Any, shape: Sequence[int] | None, classes: int | None, vocabulary: int | None
    ) -> Batch:
        if classes is not None:
            whole("classes", classes, least=2)
        if vocabulary is not None:
            whole("vocabulary", vocabulary, least=2)
        if shape is not None:
            if isinstance(shape, str) or not isinstance(shape, Sequence) or not shape:
                raise InvalidSetting(f"input_shape is a tuple such as (3, 32, 32), not {quoted(shape)}")
            shape = tuple(whole("a size of input_shape", size) for size in shape)
        if batch is not None and not isinstance(batch, str | Path):
            given = as_batch(batch)
            if shape is not None and given.inputs.shape[1:] != shape:
                raise InvalidSetting(
                    f"the inputs of batch are of shape {given.inputs.shape[1:]}, and input_shape is {shape}: leave "
                    "it out"
                )
            return given
        made_up = not isinstance(batch, Path) and not str(batch).endswith(".npz")
        if made_up and (shape is None or classes is None):
            asks = self._function is None and any(needs(leaf) for leaf in self._leaves)
            raise InvalidSetting(
                f"{self.name} scores modules on inputs: give batch=(inputs, labels){' of your data' if asks else ''}, "
                "or input_shape=(3, 32, 32), channels first, and classes=10 for noise with random labels"
            )
        specs = [leaf for leaf in self._leaves if isinstance(leaf, str)]
        given_input = Input(shape, vocabulary is not None, vocabulary, classes)
        return open_model_batch(None if batch is None else str(batch), given_input, specs)[0]


def combined_by(name: str, scores: Sequence[Mapping[str, float]]) -> Floats:
    """Return the scores that the combination of a text makes of those by proxy, `[N]`; raise where it is none."""
    if _combination(name) is None:
        raise InvalidSetting(
            f"{name} is a combination that is known by its object alone: give what compares trials both, "
            "build=build and scorer=the combination"
        )
    return _combined(name, scores)


def _combined(spec: Any, scores: Sequence[Mapping[str, float]]) -> Floats:
    found = None if _is_plain(spec) else _combination(spec)
    if found is None:
        return np.array([each.get(_name(spec), np.nan) for each in scores], np.float64)
    combination, parts, options = found
    columns = np.array([_combined(part, scores) for part in parts])
    own = {**combination.options, **options}
    own.pop("among", None)
    return np.asarray(combination.function(columns, columns, **own), np.float64)


def _combination(spec: Any) -> tuple[Combination, tuple[str, ...], dict[str, Any]] | None:
    """Return a combination with its parts and options; None for what is none."""
    if isinstance(spec, Combination):
        return spec, spec.parts(()), {}
    if not isinstance(spec, str):
        return None
    name, args, options = parse_spec(spec)
    if name not in registry.names("combinations"):
        return None
    found: Combination = registry.load("combinations", name)
    return found, found.parts(args), options


def _proxy(leaf: Any) -> tuple[Proxy, dict[str, Any]]:
    if isinstance(leaf, Proxy):
        return leaf, {}
    name, _, options = parse_spec(leaf)
    return registry.load("proxies", name), options


def _seed(leaf: Any) -> int:
    return (
        whole("seed", parse_spec(leaf)[2].get("seed", 0), least=0, largest=SEEDS)
        if isinstance(leaf, str)
        else 0
    )


def _is_plain(scorer: Any) -> bool:
    """Say whether this is a function of modules."""
    return callable(scorer) and not isinstance(scorer, str | Proxy | Combination | type)


def _name(scorer: Any) -> str:
    if isinstance(scorer, str):
        return scorer
    return str(getattr(scorer, "name", None) or getattr(scorer, "__name__", type(scorer).__name__)).strip(
        "<>"
    )
