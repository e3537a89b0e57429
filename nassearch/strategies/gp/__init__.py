"""Guided Bayesian optimisation: a Gaussian process over graphs and scorers."""
