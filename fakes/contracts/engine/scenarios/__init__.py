"""Scenarios by topic."""
