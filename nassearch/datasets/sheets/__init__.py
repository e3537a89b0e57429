"""Data sets that are sheets of rows: paths of images with their labels, or numbers with their labels."""
