"""What a search has found, in files that need nassearch no more."""
