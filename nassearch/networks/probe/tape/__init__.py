"""First and second derivatives of a network of ours, layer by layer, in place of autograd."""
