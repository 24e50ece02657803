"""Where images go: the container registries of a stack."""
