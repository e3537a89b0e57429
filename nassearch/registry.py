"""Names to parts. Adding a part is one line here; third parties use the entry-point group of the same name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from nassearch.errors import UnknownName

BUILT_IN: dict[str, dict[str, str]] = {
    "strategies": {
        "ae": "nassearch.strategies.ae:AgingEvolution",
        "bp": "nassearch.strategies.bp:BinaryPredictor",
        "rand": "nassearch.strategies.rand:RandomSearch",
        "rl": "nassearch.strategies.rl:Reinforce",
    },
    "proxies": {
        "cv": "nassearch.proxies.cv:cv",
        "epsilon": "nassearch.proxies.epsilon:epsilon",
        "expressivity": "nassearch.proxies.aznas:expressivity",
        "fisher": "nassearch.proxies.fisher:fisher",
        "flops": "nassearch.proxies.counts:flops",
        "grad_norm": "nassearch.proxies.gradients:grad_norm",
        "grasp": "nassearch.proxies.grasp:grasp",
        "jacob_cov": "nassearch.proxies.jacobian:jacob_cov",
        "js": "nassearch.proxies.jacobian:js",
        "jsc": "nassearch.proxies.jacobian:jsc",
        "l2_norm": "nassearch.proxies.gradients:l2_norm",
        "lns": "nassearch.proxies.jacobian:lns",
        "lnsc": "nassearch.proxies.jacobian:lnsc",
        "logsynflow": "nassearch.proxies.synflow:logsynflow",
        "mnjs": "nassearch.proxies.jacobian:mnjs",
        "mnjsc": "nassearch.proxies.jacobian:mnjsc",
        "naswot": "nassearch.proxies.naswot:naswot",
        "params": "nassearch.proxies.counts:params",
        "pjs": "nassearch.proxies.parameters:pjs",
        "pjsc": "nassearch.proxies.parameters:pjsc",
        "plain": "nassearch.proxies.gradients:plain",
        "progressivity": "nassearch.proxies.aznas:progressivity",
        "snip": "nassearch.proxies.gradients:snip",
        "sns": "nassearch.proxies.jacobian:sns",
        "snsc": "nassearch.proxies.jacobian:snsc",
        "synflow": "nassearch.proxies.synflow:synflow",
        "synflow_bn": "nassearch.proxies.synflow:synflow_bn",
        "trainability": "nassearch.proxies.aznas:trainability",
        "wpjs": "nassearch.proxies.parameters:wpjs",
        "wpjsi": "nassearch.proxies.parameters:wpjsi",
    },
    "combinations": {
        "fallback": "nassearch.scorers.combinations:fallback",
        "rank": "nassearch.scorers.combinations:rank",
        "vote": "nassearch.scorers.combinations:vote",
    },
    "benchmarks": {
        "nasbench-asr": "nassearch.benchmarks.nasbench_asr:NASBenchASRBenchmark",
        "nasbench-nlp": "nassearch.benchmarks.nasbench_nlp:NASBenchNLPBenchmark",
        "nasbench101": "nassearch.benchmarks.nasbench101:NASBench101Benchmark",
        "nasbench101-matrix": "nassearch.benchmarks.nasbench101:NASBench101MatrixBenchmark",
        "nasbench201": "nassearch.benchmarks.nasbench201:NASBench201Benchmark",
        "nats-size": "nassearch.benchmarks.nats_size:NATSSizeBenchmark",
    },
}
SINGULAR = {
    "strategies": "strategy",
    "proxies": "proxy",
    "combinations": "combination",
    "benchmarks": "benchmark",
}


@cache
def _known(kind: str) -> dict[str, str]:
    found = {point.name: point.value for point in entry_points(group=f"nassearch.{kind}")}
    return found | BUILT_IN[kind]


def names(kind: str) -> list[str]:
    """Return the known names of `strategies`, `proxies`, `combinations` or `benchmarks`, sorted."""
    return sorted(_known(kind))


def load(kind: str, name: str) -> Any:
    """Import the part of that name.

    Raises:
        UnknownName: there is none; the message offers the nearest.
    """
    known = _known(kind)
    if name not in known:
        raise UnknownName(SINGULAR[kind], name, known, f"(nassearch list {kind})")
    module, _, attribute = known[name].partition(":")
    return getattr(import_module(module), attribute)
