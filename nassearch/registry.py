"""Names to parts. Adding a part is one line here; third parties use the entry-point group of the same name."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import cache
from typing import Any

from nassearch.errors import BrokenPart, InvalidSetting, UnknownName
from nassearch.provenance.faults import SCORERS, SINGULAR, fault_of, import_named, name_of
from nassearch.provenance.offers import Offer, offered, unreadable

BUILT_IN: dict[str, dict[str, str]] = {
    "strategies": {
        "ae": "nassearch.strategies.ae:AgingEvolution",
        "bananas": "nassearch.strategies.predicted.bananas:Bananas",
        "bp": "nassearch.strategies.bp.strategy:BinaryPredictor",
        "gp": "nassearch.strategies.gp.strategy:GuidedGaussianProcess",
        "ls": "nassearch.strategies.ls:LocalSearch",
        "npenas": "nassearch.strategies.predicted.npenas:Npenas",
        "nsga": "nassearch.strategies.nsga:NonDominatedEvolution",
        "rand": "nassearch.strategies.rand:RandomSearch",
        "rl": "nassearch.strategies.rl.strategy:Reinforce",
        "robot": "nassearch.strategies.robot.strategy:RoBoT",
        "sh": "nassearch.strategies.sh:SuccessiveHalving",
    },
    "proxies": {
        "cv": "nassearch.proxies.cv:cv",
        "epe_nas": "nassearch.proxies.epe_nas:epe_nas",
        "epsilon": "nassearch.proxies.epsilon:epsilon",
        "expressivity": "nassearch.proxies.aznas:expressivity",
        "fisher": "nassearch.proxies.fisher:fisher",
        "flops": "nassearch.proxies.counts:flops",
        "grad_norm": "nassearch.proxies.gradients:grad_norm",
        "gradsign": "nassearch.proxies.gradsign:gradsign",
        "grasp": "nassearch.proxies.grasp:grasp",
        "jacob_cov": "nassearch.proxies.jacobian:jacob_cov",
        "js": "nassearch.proxies.jacobian:js",
        "jsc": "nassearch.proxies.jacobian:jsc",
        "l2_norm": "nassearch.proxies.gradients:l2_norm",
        "layers": "nassearch.proxies.layers:layers",
        "linear_regions": "nassearch.proxies.linear_regions:linear_regions",
        "lns": "nassearch.proxies.jacobian:lns",
        "lnsc": "nassearch.proxies.jacobian:lnsc",
        "logsynflow": "nassearch.proxies.synflow:logsynflow",
        "lswag": "nassearch.proxies.lswag:lswag",
        "meco": "nassearch.proxies.meco:meco",
        "mnjs": "nassearch.proxies.jacobian:mnjs",
        "mnjsc": "nassearch.proxies.jacobian:mnjsc",
        "naswot": "nassearch.proxies.naswot:naswot",
        "ntk_cond": "nassearch.proxies.ntk_cond:ntk_cond",
        "params": "nassearch.proxies.counts:params",
        "pjs": "nassearch.proxies.parameters:pjs",
        "pjsc": "nassearch.proxies.parameters:pjsc",
        "plain": "nassearch.proxies.gradients:plain",
        "progressivity": "nassearch.proxies.aznas:progressivity",
        "snip": "nassearch.proxies.gradients:snip",
        "sns": "nassearch.proxies.jacobian:sns",
        "snsc": "nassearch.proxies.jacobian:snsc",
        "swap": "nassearch.proxies.swap:swap",
        "synflow": "nassearch.proxies.synflow:synflow",
        "synflow_bn": "nassearch.proxies.synflow:synflow_bn",
        "trainability": "nassearch.proxies.aznas:trainability",
        "vkdnw": "nassearch.proxies.vkdnw:vkdnw",
        "wpjs": "nassearch.proxies.parameters:wpjs",
        "wpjsi": "nassearch.proxies.parameters:wpjsi",
        "zen": "nassearch.proxies.zen:zen",
        "zico": "nassearch.proxies.zico:zico",
    },
    "combinations": {
        "fallback": "nassearch.scorers.combinations:fallback",
        "rank": "nassearch.scorers.combinations:rank",
        "vote": "nassearch.scorers.combinations:vote",
    },
    "lookups": {
        "econas": "nassearch.scorers.lookups.econas:econas",
        "oracle": "nassearch.scorers.lookups.chance:oracle",
        "random": "nassearch.scorers.lookups.chance:random",
        "table": "nassearch.scorers.lookups.table:table",
    },
    "benchmarks": {
        "nasbench-asr": "nassearch.benchmarks.nasbench_asr:NASBenchASRBenchmark",
        "nasbench-macro": "nassearch.benchmarks.nasbench_macro:NASBenchMacroBenchmark",
        "nasbench-nlp": "nassearch.benchmarks.nasbench_nlp:NASBenchNLPBenchmark",
        "nasbench101": "nassearch.benchmarks.nasbench101:NASBench101Benchmark",
        "nasbench101-matrix": "nassearch.benchmarks.nasbench101:NASBench101MatrixBenchmark",
        "nasbench201": "nassearch.benchmarks.nasbench201:NASBench201Benchmark",
        "nasbench301": "nassearch.benchmarks.nasbench301:NASBench301Benchmark",
        "nats-size": "nassearch.benchmarks.nats_size:NATSSizeBenchmark",
        "transnas-macro": "nassearch.benchmarks.transnas:TransNASMacroBenchmark",
        "transnas-micro": "nassearch.benchmarks.transnas:TransNASMicroBenchmark",
    },
    "spaces": {
        "darts": "nassearch.spaces.darts.space:Darts",
        "mobile": "nassearch.spaces.mobile:Mobile",
        "nasbench-macro": "nassearch.spaces.nasbench_macro:NASBenchMacro",
        "nasbench101": "nassearch.spaces.nasbench101.space:NASBench101",
        "nasbench201": "nassearch.spaces.nasbench201:NASBench201",
        "nats-size": "nassearch.spaces.nats_size:NATSSize",
        "transnas-macro": "nassearch.spaces.transnas.macro:TransNASMacro",
        "transnas-micro": "nassearch.spaces.transnas.micro:TransNASMicro",
    },
}
_registered: dict[str, dict[str, Any]] = {kind: {} for kind in BUILT_IN}
"""Parts that this process has named itself, by kind and name."""


def register(kind: str, part: Any, name: str | None = None) -> Any:
    """Give a part a name in this process, as an entry point of a package would: for notebooks and scripts.

        ns.register("strategies", MyStrategy)   # ns.Experiment("mystrategy") now finds it

    A cell that is run again replaces what it registered before. Workers get parts by value and need no names.

    Args:
        kind: `strategies`, `proxies`, `combinations`, `lookups`, `benchmarks` or `spaces`.
        part: a subclass of `Strategy`, `Benchmark` or `SearchSpace`, or what `@proxy`, `@model_proxy` or
            `@combination` made.
        name: what it is called; None for the name that it says itself, see `name_of`.

    Returns:
        The part; a proxy or combination under its name.

    Raises:
        UnknownName: no such kind.
        InvalidSetting: it is no part of this kind, or the name is built in, of an installed package or of another.
    """
    _check_kind(kind)
    fault = fault_of(kind, part, name)
    if fault:
        raise InvalidSetting(f"this cannot be registered among the {kind}: {fault}")
    name = name_of(kind, part) if name is None else name
    before = next((held for other in _rivals(kind) if (held := _registered[other].get(name))), None)
    if is_built_in(kind, name):
        raise InvalidSetting(f"nassearch has a {SINGULAR[kind]} called {name!r}: give yours another name")
    if any(name in _known(other) for other in _rivals(kind)):
        raise InvalidSetting(f"an installed package offers a part called {name!r}: give yours another name")
    if before is not None and _origin(before) != _origin(part):
        of = ".".join(_origin(before))
        raise InvalidSetting(
            f"{name!r} is registered already, as {of}: give the {SINGULAR[kind]} another name"
        )
    found = _called(part, name) if kind in SCORERS and part.name != name else part
    _registered[kind][name] = found
    return found


def _check_kind(kind: str) -> None:
    if not isinstance(kind, str) or kind not in BUILT_IN:
        raise UnknownName("kind of part", kind, BUILT_IN)


def _rivals(kind: str) -> tuple[str, ...]:
    return SCORERS if kind in SCORERS else (kind,)


def _origin(part: Any) -> tuple[str, str]:
    """Return where a part is defined: the same for a cell that is run again."""
    code = getattr(part, "function", part)
    return str(getattr(code, "__module__", "")), str(getattr(code, "__qualname__", type(code).__name__))


@cache
def _known(kind: str) -> dict[str, tuple[Offer, ...]]:
    """Return the offers of each name: more than one where packages disagree."""
    found = {name: {value: Offer(value)} for name, value in BUILT_IN[kind].items()}
    for name, offer in offered(kind):
        if not is_built_in(kind, name):
            found.setdefault(name, {}).setdefault(offer.value, offer)
    return {name: tuple(offers.values()) for name, offers in found.items()}


def is_built_in(kind: str, name: str) -> bool:
    """Say whether a name is of nassearch itself."""
    return any(name in BUILT_IN[other] for other in _rivals(kind))


def names(kind: str) -> list[str]:
    """Return the known names of a kind of part, `strategies` say, sorted; `register` names the kinds.

    Raises:
        UnknownName: no such kind.
    """
    _check_kind(kind)
    return sorted({*_known(kind), *_registered[kind]})


def load(kind: str, name: str) -> Any:
    """Import the part of that name.

    Raises:
        UnknownName: there is none, or no such kind; the message offers the nearest.
        BrokenPart: another package's cannot be imported or is no part of this kind, or two packages offer one.
    """
    _check_kind(kind)
    known = _known(kind)
    if isinstance(name, str) and name in _registered[kind]:
        return _registered[kind][name]
    if not isinstance(name, str) or name not in known:
        raise UnknownName(SINGULAR[kind], name, names(kind), f"(nassearch list {kind})")
    offer, *others = known[name]
    if others:
        packages = " and ".join(sorted({each.package for each in known[name]}))
        raise BrokenPart(f"{packages} both offer a {SINGULAR[kind]} called {name!r}: uninstall one of them")
    if not offer.package:
        return import_named(offer.value)
    try:
        with redirect_stdout(sys.stderr):  # what it prints is none of a command's output
            part = import_named(offer.value)
        reason = fault_of(kind, part, name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever someone else's module raises, to leave the program included
        raise broken(kind, name, error) from error
    if reason:
        raise broken(kind, name, reason)
    return part if kind not in SCORERS or part.name == name else _called(part, name)


def _called(part: Any, name: str) -> Any:
    """Return a proxy or combination under the name that it is offered by: scores are kept under it."""
    found = replace(part, name=name)
    object.__setattr__(found, "__doc__", part.__doc__)
    return found


def broken(kind: str, name: str, why: BaseException | str) -> BrokenPart:
    """Return the error that says what is wrong with a part, and which package it is of."""
    package = next(iter(_known(kind).get(name, ())), Offer("")).package or "nassearch"
    if isinstance(why, SystemExit):
        why = f"it leaves the program (SystemExit: {why})"
    elif isinstance(why, BaseException):
        words = type(why).__name__
        with suppress(Exception):  # nor need it have a text
            words += f": {why}"
        why = words
    return BrokenPart(
        f"the {SINGULAR[kind]} {name!r} of package {package} cannot be used: {' '.join(why.split())[:300]}; mend "
        f"or uninstall {package.partition(' ')[0]}"
    )


def parts(kind: str) -> tuple[dict[str, Any], list[str]]:
    """Import all parts that can be imported; return them by name, and what is wrong with the others, as texts."""
    found, faults = {}, []
    for name in names(kind):
        try:
            found[name] = load(kind, name)
        except BrokenPart as error:
            faults.append(str(error))
    for name, offer in offered(kind):
        if is_built_in(kind, name):
            faults.append(
                f"the {SINGULAR[kind]} {name!r} of package {offer.package} is not used: nassearch has its own of that "
                "name; rename it there"
            )
    return found, [*faults, *unreadable(kind)]
