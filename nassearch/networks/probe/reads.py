"""What model proxies read of a probe, by name. It needs no torch, so that options are checked before any work."""

from __future__ import annotations

PROBE_REVISION = 1
"""Raised with every change to what model proxies share, initial weights say, after which most of their scores move."""
READS = (
    *("gradients", "saliency", "input_gradients", "relu_kernel", "relu_patterns", "curvature"),
    *("block_entropies", "block_norms"),
)
"""What a model proxy can read of its `nassearch.networks.probe.probe.Probe`, and declares that it reads; that of blocks
by `nassearch.networks.probe.stages`."""
RECORDED = ("saliency", "relu_kernel", "relu_patterns")
"""What of these is noted during the forward pass, and only where it will be read."""
OF_RELUS = ("relu_kernel", "relu_patterns")
"""What of these notes the patterns of ReLUs."""
OF_BLOCKS = frozenset({"block_entropies", "block_norms"})
"""What of these is read at the ends of blocks, which a module of someone else's does not have."""
OF = ("logits", "loss")
VARIANCE = ("batch", "element")
"""Choices of `nassearch.networks.probe.jacobian.input_jacobian`, the default first."""
