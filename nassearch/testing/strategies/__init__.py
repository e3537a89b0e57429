"""What every strategy has to keep."""
