"""Programs about accounts."""
