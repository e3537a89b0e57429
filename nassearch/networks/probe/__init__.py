"""A model on one batch, and what proxies read from the two: gradients, Jacobians, patterns."""
