"""Compute scores of many proxies at once, on one pool of workers; proxies share a pass where they can."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from nassearch.provenance.blame import blamed
from nassearch.proxies.base import Proxy
from nassearch.proxies.model import CHUNK, ModelProxy, Request, together
from nassearch.proxies.modules import SEED
from nassearch.proxies.scores import Scores, finite
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import built, built_or_fault, gives_modules
from nassearch.types import Arch, Progress, Task
from nassearch.workers.spread import in_order


class SingleScorer(Protocol):
    """A scorer of one proxy as `compute_scores` sees it, see `nassearch.scorers.ProxyScorer`."""

    proxy: Proxy
    space: SearchSpace
    task: Task
    options: dict[str, Any]
    code: Mapping[str, str]
    context: str
    batch_digest: str | None
    of_modules: bool
    read: set[str]
    computed: set[str]

    @property
    def request(self) -> Request: ...
    def find_missing(self, archs: Sequence[Arch]) -> tuple[dict[Arch, str], dict[str, Arch]]: ...
    def store(self, raw: Mapping[str, float], failed: Mapping[str, str] | None = None) -> None: ...
    def commit(self, keys: Mapping[Arch, str]) -> None: ...
    def copy_from(self, twin: Any) -> None: ...


class Cost(NamedTuple):
    """What scores took to compute.

    Attributes:
        scorers: those that shared the passes.
        architectures: how many were computed; the rest were known.
        seconds: processor time, summed over workers.
    """

    scorers: tuple[SingleScorer, ...]
    architectures: int
    seconds: float


class Tally(NamedTuple):
    """How many scores were read from the cache, and how many computed."""

    read: int = 0
    computed: int = 0

    @classmethod
    def of_all(cls, scorers: Iterable[Any]) -> Tally:
        """Count the scores of scorers, combined ones included."""
        return cls.of(leaf for scorer in scorers for leaf in scorer.leaves)

    @classmethod
    def of(cls, scorers: Iterable[SingleScorer]) -> Tally:
        """Count the scores of scorers, each once however many of them are alike."""
        read: dict[str, set[str]] = {}
        computed: dict[str, set[str]] = {}
        for scorer in scorers:
            read.setdefault(scorer.context, set()).update(scorer.read)
            computed.setdefault(scorer.context, set()).update(scorer.computed)
        # A worker may read what another has computed a moment before.
        return cls(sum(len(read[c] - computed[c]) for c in read), sum(map(len, computed.values())))


class _Part(NamedTuple):
    """Scorers that are computed together, and the architectures that all of them lack, by key."""

    scorers: tuple[int, ...]
    archs: dict[str, Arch]


_Job = tuple[SearchSpace, Task, tuple[Request, ...]]
_Item = tuple[int, list[Arch]]


def compute_scores(
    scorers: Sequence[SingleScorer],
    archs: Sequence[Arch],
    *,
    workers: int | None = None,
    executor: str = "processes",
    progress: Progress | None = None,
) -> list[Cost]:
    """Compute the scores that scorers lack for architectures, and store them in memory and in their caches.

    Scorers of model proxies that agree in space, task, batch and pass share one pass per architecture. Scores are kept
    chunk by chunk, so what an interruption loses is what is in flight. A score does not depend on what it is
    computed with, on workers or on executor.

    An architecture that a proxy fails on counts as not scorable for now, with one warning; the others' scores are
    unharmed, and it is tried again by the next process.

    Args:
        scorers: P of them; those that are alike in everything compute once.
        archs: N architectures, repeats allowed.
        workers, executor: see `nassearch.workers.spread.in_order`.
        progress: called with (scores computed, scores to compute) after each chunk.

    Raises:
        InvalidArch: one is not of a scorer's space.
        InvalidSetting: an option has no meaning.
    """
    first: dict[str, SingleScorer] = {}
    twins = [(s, first[s.context]) for s in scorers if first.setdefault(s.context, s) is not s]
    scorers = list(first.values())
    pending = [scorer.find_missing(archs) for scorer in scorers]
    parts = _parts(scorers, [unknown for _, unknown in pending])
    jobs: list[_Job] = [
        (
            scorers[p.scorers[0]].space,
            scorers[p.scorers[0]].task,
            tuple(scorers[i].request for i in p.scorers),
        )
        for p in parts
    ]
    total = sum(len(part.scorers) * len(part.archs) for part in parts)
    spent = [0.0] * len(parts)
    failed: dict[str, list[str]] = {}
    done = 0
    chunks = list(_chunks(scorers, parts))
    items: list[_Item] = [(number, [parts[number].archs[key] for key in keys]) for number, keys in chunks]
    answers = in_order(partial(_score_chunk, jobs), items, workers, executor)
    for (number, keys), (found, seconds) in zip(chunks, answers, strict=True):
        spent[number] += seconds
        for place, (scores, failures) in zip(parts[number].scorers, found, strict=True):
            scorer = scorers[place]
            why = {
                keys[k]: f"{scorer.space.format(parts[number].archs[keys[k]])}: {message}"
                for k, message in failures.items()
            }
            scorer.store(dict(zip(keys, scores.tolist(), strict=True)), why)
            if why:
                failed.setdefault(scorer.proxy.name, []).extend(why.values())
        done += len(keys) * len(parts[number].scorers)
        if progress is not None:
            progress(done, total)
    for scorer, (keys_of, _) in zip(scorers, pending, strict=True):
        scorer.commit(keys_of)
    for twin, known in twins:
        twin.copy_from(known)
    for name, messages in failed.items():
        warnings.warn(
            f"{name} could not score {len(messages)} architectures, which count as not scorable and are not cached; "
            f"the first: {messages[0]}",
            RuntimeWarning,
            stacklevel=2,
        )
    return [
        Cost(tuple(scorers[place] for place in part.scorers), len(part.archs), seconds)
        for part, seconds in zip(parts, spent, strict=True)
    ]


def _parts(scorers: Sequence[SingleScorer], unknown: Sequence[Mapping[str, Arch]]) -> list[_Part]:
    """Put together the scorers that can share a pass, for each set of them that lacks the same architectures."""
    groups: dict[Any, list[int]] = {}
    for place, scorer in enumerate(scorers):
        groups.setdefault(_pass(scorer) or place, []).append(place)
    parts: list[_Part] = []
    for group in groups.values():
        lacking: dict[str, list[int]] = {}
        for place in group:
            for key in unknown[place]:
                lacking.setdefault(key, []).append(place)
        by_set: dict[tuple[int, ...], dict[str, Arch]] = {}
        for key, places in lacking.items():
            by_set.setdefault(tuple(places), {})[key] = unknown[places[0]][key]
        parts += [_Part(places, archs) for places, archs in by_set.items()]
    return parts


def _pass(scorer: SingleScorer) -> tuple[Any, ...] | None:
    """Return what scorers must agree in to share a pass, or None for proxies that share none.

    Those of torch modules share the module, which is built and tried once for all that take its weights from one seed.
    """
    if scorer.of_modules:
        return scorer.space.name, scorer.code["space"], scorer.task, scorer.options.get(SEED, 0)
    if not isinstance(scorer.proxy, ModelProxy):
        return None
    settings = tuple(scorer.proxy.settings(scorer.options).values())
    return scorer.space.name, scorer.code["space"], scorer.task, scorer.batch_digest, settings


def _chunks(scorers: Sequence[SingleScorer], parts: Sequence[_Part]) -> Iterator[tuple[int, list[str]]]:
    for number, part in enumerate(parts):
        size = min(
            CHUNK if scorers[i].of_modules else scorers[i].proxy.chunk_size(scorers[i].options)
            for i in part.scorers
        )
        keys = sorted(
            part.archs, key=part.archs.__getitem__
        )  # neighbours have more in common to compute once
        yield from ((number, keys[start : start + size]) for start in range(0, len(keys), size))


def _score_chunk(jobs: Sequence[_Job], item: _Item) -> tuple[list[Scores], float]:
    number, archs = item
    space, task, requests = jobs[number]
    start = time.process_time()
    seed = requests[0][1].get(SEED, 0)
    if gives_modules(space, task):  # of which there is one at a time, since they hold weights
        each = [together(requests, [built_or_fault(space, arch, task, seed)]) for arch in archs]
        scores = [_joined(row) for row in zip(*each, strict=True)]
    else:
        with blamed(space):
            networks = [built(space, arch, task, seed) for arch in archs]
        scores = together(requests, networks)
    return [finite(*each) for each in scores], time.process_time() - start


def _joined(parts: Sequence[Scores]) -> Scores:
    """Put scores of single networks together."""
    reasons = {place: why[0] for place, (_, why) in enumerate(parts) if why}
    return np.concatenate([scores for scores, _ in parts]), reasons
