"""Dockerfiles evaluated as BuildKit does: resolved steps, and what they make of file trees."""
