"""Searches: an experiment, its rounds, the file that keeps them, and the curves that sum them up."""
