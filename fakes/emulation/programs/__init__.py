"""What containers find below /bin and /usr/bin."""
