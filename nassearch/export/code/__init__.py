"""Networks as readable PyTorch code."""
