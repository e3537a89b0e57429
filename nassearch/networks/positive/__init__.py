"""Networks with absolute weights on positive signals, which synflow looks at, exactly or sampled."""
