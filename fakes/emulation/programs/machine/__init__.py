"""Programs about processes, time and the machine."""
