"""The engine's side of registries: push, pull, login, and the public hub."""
