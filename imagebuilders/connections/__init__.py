"""Byte streams to engines, and the search for the one to use."""
