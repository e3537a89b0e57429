"""What every benchmark has to keep."""
