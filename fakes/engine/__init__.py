"""A Docker Engine in memory."""
