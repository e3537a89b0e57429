"""One proxy as a scorer: higher is better, and each key is computed once and stored in memory and on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nassearch.errors import InvalidSetting
from nassearch.files.inert import inert
from nassearch.networks.module_network import ModuleNetwork
from nassearch.provenance.blame import blamed
from nassearch.provenance.identity import Witness
from nassearch.proxies.base import Proxy
from nassearch.proxies.model import ModelProxy, Request
from nassearch.scorers.cache.scores import MemoryCache, NewScores, ScoreCache
from nassearch.scorers.compute import compute_scores
from nassearch.spaces.base import SearchSpace
from nassearch.spaces.built import gives_modules
from nassearch.types import Arch, Batch, Floats, Progress, Task, listed, plain
from nassearch.workers.spread import is_local


def _resolved(
    proxy: Proxy, space: SearchSpace, task: Task, batch: Batch | None, options: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return all options, and whether the networks are torch modules that the proxy takes as such."""
    if gives_modules(space, task) and not proxy.for_networks.declares(ModuleNetwork):
        found = proxy.options_of_modules(options, batch if proxy.needs else None)
        with blamed(space):
            space.try_out(task)
        return found, True
    resolve = proxy.for_networks.resolver(proxy, space, task)
    if resolve is not None:
        options = resolve(space, task, batch, options)
    return {**proxy.options, **options}, False


class ProxyScorer:
    """Score architectures of one space by one proxy.

        scorer = ProxyScorer(synflow, NASBench201(), Task((3, 32, 32), 10))
        scorer(archs)  # float64 [N], higher is better, NaN where the proxy has no value

    Args:
        proxy: what to compute; where lower is better its sign is turned.
        space, task: what the architectures mean.
        batch: for proxies that look at data.
        options: of the proxy; what is not given comes from the space's `proxy_defaults`, then from the proxy.
        workers, executor: see `nassearch.workers.spread.in_order`; they change no score.
        cache: SQLite file shared by all scorers and processes, or None.
        progress: called with (architectures computed, architectures to compute) after each chunk.

    Attributes:
        of_modules: whether what is scored are torch modules.
        read, computed: keys whose scores came from the cache, and that were computed.
        spec: what it was built of, see `nassearch.scorers.build_scorer`; None where it was made by hand.
        failure: why the first architecture that it failed on has no score, None where there is none.

    Raises:
        UnknownName: an option that the proxy does not have.
        InvalidSetting: the proxy needs a batch, or it or an option has no meaning for the networks of the space.
        InvalidModel: the networks are torch modules, and none can be built that works for the task.
    """

    def __init__(
        self,
        proxy: Proxy,
        space: SearchSpace,
        task: Task,
        batch: Batch | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        workers: int | None = None,
        executor: str = "processes",
        cache: Path | str | None = None,
        progress: Progress | None = None,
    ) -> None:
        options = {**space.proxy_defaults.get(proxy.name, {}), **plain(options or {})}
        proxy.check(options, batch)
        self.proxy, self.space, self.task = proxy, space, task
        self.batch = batch if proxy.needs else None
        self.options, self.of_modules = _resolved(proxy, space, task, batch, options)
        if isinstance(proxy, ModelProxy) and self.batch is not None:
            # The rest is not looked at, and must not decide what is found in a cache.
            self.batch = self.batch.first(self.options["batch_size"])
        self.batch_digest = self.batch.digest() if self.batch else None
        self.workers, self.executor, self.progress = workers, executor, progress
        self._witness = Witness({"space": [space], "proxy": [proxy]})
        self.code: Mapping[str, str] = self._witness.code
        self.context = self._context()
        self._cache: ScoreCache | MemoryCache | None = (
            ScoreCache(Path(cache), self.context) if cache is not None else None
        )
        self.spec: Any = None
        self.failure: str | None = None
        self.reasons: dict[str, str] = {}
        self.read: set[str] = set()
        self.computed: set[str] = set()
        self._by_arch: dict[Arch, float] = {}
        self._by_key: dict[str, float] = {}

    def __call__(self, archs: Sequence[Arch]) -> Floats:
        """Return scores, float64 `[N]`; higher is better, NaN: not scorable.

        Raises:
            InvalidArch: one is not of the space.
            InvalidSetting: these are no architectures.
        """
        archs = listed(archs)
        try:
            return np.fromiter(map(self._by_arch.__getitem__, archs), np.float64, len(archs))
        except KeyError:
            compute_scores(
                [self], archs, workers=self.workers, executor=self.executor, progress=self.progress
            )
        return np.fromiter(map(self._by_arch.__getitem__, archs), np.float64, len(archs))

    def __getstate__(self) -> dict[str, Any]:
        """Go to a worker, which computes by itself. One that does not see the cache takes along all that is in it."""
        state = {**self.__dict__, "workers": None, "executor": "processes", "progress": None}
        state |= {"read": set(), "computed": set()}
        if not is_local(self.executor):
            state["_witness"] = Witness({})  # other machines have the files elsewhere
        if isinstance(self._cache, ScoreCache) and not is_local(self.executor):
            state |= {"_cache": MemoryCache(), "_by_key": {**self._cache.all(), **self._by_key}}
        return state

    def _context(self) -> str:
        """Return what a cached score depends on besides the architecture, as canonical JSON."""
        facts = {
            "space": [self.space.name, self.code["space"]],
            "task": self.task.as_dict(),
            "proxy": [self.proxy.name, self.code["proxy"]],
            "options": self.options,
            "batch": self.batch_digest,
        }
        try:
            return json.dumps(facts, sort_keys=True, separators=(",", ":"))
        except TypeError as error:
            raise InvalidSetting(
                f"options of {self.proxy.name} are numbers and texts, not {self.options}"
            ) from error

    def __repr__(self) -> str:
        return inert(f"{type(self).__name__}({self.spec or self.proxy.name} on {self.space!r})")

    @property
    def leaves(self) -> list[ProxyScorer]:
        """The scorers that this one is made of: itself."""
        return [self]

    @property
    def request(self) -> Request:
        """What is to be computed, for `nassearch.proxies.model.together`."""
        return self.proxy, self.options, self.batch

    def _naming(self) -> tuple[bool, Callable[[Arch], str]]:
        """Return whether scores are kept by key, and what they are kept by."""
        by_key = self.proxy.is_per_key(self.options) and not self.space.keys_differ
        return by_key, self.space.key if by_key else self.space.format

    def reason(self, arch: Arch) -> str | None:
        """Return why an architecture that was scored here has no score; None where it has one or nobody said."""
        return self.reasons.get(self._naming()[1](arch))

    def find_missing(self, archs: Sequence[Arch]) -> tuple[dict[Arch, str], dict[str, Arch]]:
        """Return the keys of architectures that have no score in memory, and by key one of each that has none at all.

        Raises:
            InvalidArch: one is not of the space.
        """
        by_key, name = self._naming()
        keys = {
            arch: name(self.space.check(arch)) for arch in dict.fromkeys(archs) if arch not in self._by_arch
        }
        first: dict[str, Arch] = {}
        for arch, key in keys.items():
            if key not in self._by_key:
                first.setdefault(key, self.space.representative(arch) if by_key else arch)
        if first and self._cache is not None:
            known = self._cache.get(list(first))
            self.read.update(known)
            self._by_key.update(known)
            first = {key: arch for key, arch in first.items() if key not in known}
        return keys, first

    def store(self, raw: Mapping[str, float], failed: Mapping[str, str] | None = None) -> None:
        """Store raw scores by key; those that failed, for a reason each, are stored in memory only."""
        failed = failed or {}
        self.failure = self.failure or next(iter(failed.values()), None)
        self.reasons.update(failed)
        self.computed.update(raw)
        self._witness.check()
        sign = 1.0 if self.proxy.higher_is_better else -1.0
        scores = {key: sign * score for key, score in raw.items()}
        self._by_key.update(scores)
        if self._cache is not None:
            self._cache.put({key: score for key, score in scores.items() if key not in failed})

    def take_new(self) -> NewScores:
        """Return what was scored here since the last call; a worker calls it, and the process that asks `put`s it."""
        scores = self._cache.take() if isinstance(self._cache, MemoryCache) else {}
        new = NewScores(scores, self.read, self.computed, self.failure)
        self.read, self.computed = set(), set()
        return new

    def put(self, new: NewScores) -> None:
        """Take over what `take_new` gave in a worker."""
        self.read |= new.read
        self.computed |= new.computed
        self.failure = self.failure or new.failure
        self._witness.check()
        self._by_key.update(new.scores)
        if self._cache is not None and new.scores:
            self._cache.put(new.scores)

    def commit(self, keys: Mapping[Arch, str]) -> None:
        """Give architectures the scores that are stored under their keys."""
        self._by_arch.update((arch, self._by_key[key]) for arch, key in keys.items())

    def copy_from(self, twin: ProxyScorer) -> None:
        """Copy the scores of a scorer of the same context."""
        self._by_key.update(twin._by_key)
        self._by_arch.update(twin._by_arch)
        self.reasons.update(twin.reasons)
