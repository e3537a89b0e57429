"""Spaces of a user's own: a dictionary of choices and a function that returns a torch module."""
