"""Test classes that check a double, or a backend of your own, against its contract."""
