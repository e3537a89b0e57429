"""What a probe gives of parts of its batch: gradients of several batches, of each sample, and of samples alone."""
