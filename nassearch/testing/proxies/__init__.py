"""What every proxy has to keep."""
