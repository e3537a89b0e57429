"""What every search space has to keep."""
