"""Tests of a page may open it in a browser."""

from chromium import browser

__all__ = ["browser"]
