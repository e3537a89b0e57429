"""Ranks, correlations and intervals, and how many digits of a figure are worth showing."""
