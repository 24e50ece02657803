"""The Engine API, one module per group of endpoints."""
