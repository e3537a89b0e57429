"""What proxies read from activations: patterns of ReLUs, maps of channels, features under noise."""
