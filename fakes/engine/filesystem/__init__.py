"""File trees that are being written."""
