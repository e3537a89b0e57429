"""Further metrics of architectures, such as a latency on a device, for all that shows or ranks by them."""
