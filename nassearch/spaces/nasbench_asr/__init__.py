"""The cell space of NAS-Bench-ASR."""
