"""Releases services as container images."""
