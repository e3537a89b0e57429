"""Data sets that are arrays with names."""
