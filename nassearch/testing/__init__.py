"""Contract tests to subclass: what a proxy, combination, strategy, space or benchmark has to keep, whoever wrote it.

class TestMine(StrategyContract):
    @pytest.fixture
    def strategy_class(self):
        return MyStrategy
"""

from nassearch.testing.benchmarks import BenchmarkContract
from nassearch.testing.combinations import CombinationContract
from nassearch.testing.proxies import ProxyContract
from nassearch.testing.spaces import SpaceContract
from nassearch.testing.strategies import StrategyContract

__all__ = ["BenchmarkContract", "CombinationContract", "ProxyContract", "SpaceContract", "StrategyContract"]
