"""Scores kept in memory and on disk."""
