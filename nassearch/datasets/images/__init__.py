"""Data sets that are files of images."""
