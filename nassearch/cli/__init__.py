"""The command line: a thin skin over the library."""

from nassearch.cli.start import main

__all__ = ["main"]
