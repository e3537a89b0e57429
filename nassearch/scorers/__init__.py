"""Scorers: proxies made ready for searches, with caches, workers and one direction."""

from nassearch.scorers.combined import CombinedScorer
from nassearch.scorers.compute import learn
from nassearch.scorers.proxy import ProxyScorer
from nassearch.scorers.spec import build_scorer, parse_spec

__all__ = ["CombinedScorer", "ProxyScorer", "build_scorer", "learn", "parse_spec"]
