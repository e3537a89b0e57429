"""Networks whose weights are all one constant, which epsilon looks at: every layer is one channel."""
