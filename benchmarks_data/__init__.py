"""The data of the embedded benchmark, installed as `nassearch.benchmarks_data`; see its README."""
