"""The hours of a search that trains: planned by a trial, and kept by a clock."""
