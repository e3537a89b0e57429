"""Searches that train, of many mutants of the best, those that a predictor thinks best."""
