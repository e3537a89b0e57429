"""Searches that train: a folder that says all about one, and the loop that fills it."""
