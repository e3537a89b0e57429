"""Constant weights by a compiled kernel."""
