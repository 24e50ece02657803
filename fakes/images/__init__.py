"""Images as values: layers, configurations, names, and the stores that hold them."""
