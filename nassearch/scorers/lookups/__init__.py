"""Scorers that look at the architecture itself and not at its network: a table, the benchmark, chance."""
