"""Who to be at which registry: Docker's configuration file and its credential helpers."""
