"""Images as values: files, layers, configurations, names and archives."""
