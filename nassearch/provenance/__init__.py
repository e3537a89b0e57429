"""Which code a number comes from, as digests that results and cached scores are kept under."""
