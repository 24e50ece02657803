"""Containers: made from images, run by policy, never by executing anything."""
