"""What to do about a registry's refusal, told from the engine's words."""

from __future__ import annotations

import re

_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"an image does not exist locally|no such image|tag does not exist",
            "Build the image under this name first.",
        ),
        (
            r"\b429\b|toomanyrequests|too many requests|rate limit",
            "The registry limits how often it may be asked: wait, or log in as a user with a "
            "higher limit, then push again.",
        ),
        (
            r"server gave HTTP response to HTTPS client",
            "The registry speaks plain HTTP: give it a certificate, or name it under "
            "'insecure-registries' in the engine's daemon.json (Podman: 'insecure = true' in "
            "registries.conf).",
        ),
        (
            r"x509|certificate|tls:",
            "The engine does not trust the registry's certificate: put its CA into "
            "/etc/docker/certs.d/{registry}/ca.crt on the engine's machine.",
        ),
        (
            r"unauthorized|authentication required|no basic auth credentials|access.* denied"
            r"|denied\W*$|denied: (?:access|permission|user|.*not (?:allowed|authorized|permitted))"
            r"|\b401\b|\b403\b|incorrect username or password",
            "Give the registry component a username and password that may push there, or run "
            "`docker login {registry}`.",
        ),
        (
            r"nothing was heard|deadline exceeded|timeout|timed out|Client\.Timeout",
            "The registry is slow or unreachable from the engine: see whether it is up, and try "
            "again.",
        ),
        (
            r"connection refused|no such host|no route to host|network is unreachable|EOF"
            r"|connection reset|dial tcp|server misbehaving",
            "The engine cannot reach the registry: see whether it is up at {registry}, as seen "
            "from the engine's machine.",
        ),
        (
            r"\b5\d\d\b|internal server error|bad gateway|unavailable",
            "The registry itself failed: look into its log, and try again later.",
        ),
        (
            r"engine",
            "See whether the engine is running, and push again: layers that arrived are not sent "
            "twice.",
        ),
    )
)


def advise(detail: str, registry: str) -> str:
    """Say what to do next about an engine's error text.

    Args:
        detail: the engine's own words.
        registry: the registry's address.
    """
    for pattern, advice in _ADVICE:
        if pattern.search(detail):
            return advice.format(registry=registry)
    return f"See the log of the registry at {registry} and of the engine."
