"""Digests say which code a number comes from. Results and cached scores are kept under them."""
