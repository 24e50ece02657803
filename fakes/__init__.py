"""Verified doubles for code that builds, pushes and stores container images."""
