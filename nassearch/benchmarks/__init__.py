"""Benchmarks: what an architecture reaches when trained."""
