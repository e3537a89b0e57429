"""The space of DARTS: cells as tuples of decisions, their texts and their networks."""
