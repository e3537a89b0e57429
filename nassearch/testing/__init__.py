"""Contract tests to subclass: what a proxy, combination, strategy, space or benchmark has to keep, whoever wrote it.

    class TestMine(StrategyContract):
        @pytest.fixture
        def strategy_class(self):
            return MyStrategy

A subclass gives the part as a fixture and may override what does not fit. Each assertion says its rule.
"""

from nassearch.testing.benchmarks.contract import BenchmarkContract
from nassearch.testing.combinations import CombinationContract
from nassearch.testing.proxies.contract import ProxyContract
from nassearch.testing.spaces.contract import SpaceContract
from nassearch.testing.strategies.contract import StrategyContract

__all__ = ["BenchmarkContract", "CombinationContract", "ProxyContract", "SpaceContract", "StrategyContract"]
