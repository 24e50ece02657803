"""Programs that read and change text."""
