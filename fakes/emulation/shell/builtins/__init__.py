"""The commands that are part of the shells."""
