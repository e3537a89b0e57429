"""Searches whose architectures are trained elsewhere: asked and told, by any number of processes, over any time."""
