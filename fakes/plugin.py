"""pytest fixtures for the doubles."""
