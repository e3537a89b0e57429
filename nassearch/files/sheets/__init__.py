"""Sheets of rows and columns, as CSV and Parquet."""
