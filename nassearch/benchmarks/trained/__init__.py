"""A benchmark without a table: what it is asked about is trained, once."""
