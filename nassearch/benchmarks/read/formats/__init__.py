"""Files as benchmarks were published: one file here per format."""
