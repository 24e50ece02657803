"""The calls of the client to the daemon: builds, their status, workers."""
