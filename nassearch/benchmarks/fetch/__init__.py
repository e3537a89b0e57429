"""Fetch published files over HTTP."""
