"""The embedded benchmark: how its space is trained into a table."""
