"""The command line: a thin skin over the library."""

from nassearch.cli.main import main

__all__ = ["main"]
