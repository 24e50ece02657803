"""What a program finds in its environment that is to talk to a served engine."""

from __future__ import annotations

HIDING = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""The variables that would lead a client elsewhere although it has the DOCKER_HOST."""
