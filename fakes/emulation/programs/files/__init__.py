"""Programs that make, list, copy and remove files."""
