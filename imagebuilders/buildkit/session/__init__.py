"""What a daemon asks of the client during a build: files, credentials, secrets, agents."""
