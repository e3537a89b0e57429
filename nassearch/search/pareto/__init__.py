"""Searches for several objectives: what they are, and how far a search gets."""
