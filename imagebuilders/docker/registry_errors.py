"""What to do about a registry's refusal, told from the engine's words.

An engine passes on what the registry or the way to it said: error codes of the distribution
specification in words (`denied`, `name unknown`), HTTP statuses, and errors of Go's `net/http`,
`crypto/tls` and `crypto/x509`. The first cause in the table whose pattern fits is the one, so
special ones stand before general ones.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
"""

from __future__ import annotations

import re

_LOGIN = (
    "Give the registry component a username and password that may push there, or run "
    "`docker login {registry}`."
)
_UNREACHABLE = (
    "The engine cannot reach the registry: see whether it is up at {registry}, as seen "
    "from the engine's machine."
)

_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        # --- the image in the engine -------------------------------------------------
        (
            r"an image does not exist locally|no such image|tag does not exist",
            "Build the image under this name first.",
        ),
        # --- the way to the registry ---------------------------------------------------
        (
            r"\b407\b|proxy authentication required",
            "A proxy between the engine and the registry wants a login: put it into the proxy's "
            "address in the engine's settings (HTTPS_PROXY), or exempt {registry} (NO_PROXY).",
        ),
        (
            r"proxyconnect|socks connect",
            "The engine cannot use the proxy that it is told to use: check HTTPS_PROXY and "
            "HTTP_PROXY in the engine's settings, or exempt {registry} there (NO_PROXY).",
        ),
        (
            r"\b413\b|(?:entity|payload|content) too large",
            "A layer is too large for a proxy in front of the registry: raise the proxy's limit "
            "(nginx: client_max_body_size), or make the layers smaller.",
        ),
        (
            r"HTTP response to HTTPS client|does not look like a TLS handshake",
            "The registry speaks plain HTTP: give it a certificate, or name it under "
            "'insecure-registries' in the engine's daemon.json (Podman: 'insecure = true' in "
            "registries.conf).",
        ),
        (
            r"HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)",
            "The registry speaks HTTPS: take it out of 'insecure-registries' in the engine's "
            "daemon.json, or name the port of its plain HTTP.",
        ),
        # --- the registry's certificate ------------------------------------------------
        (
            r"has expired or is not yet valid|certificate (?:has|is) expired",
            "The registry's certificate is out of date: have it renewed, or correct the clock of "
            "the engine's machine.",
        ),
        (
            r"certificate is (?:not )?valid for|is not valid for any names|any IP SANs"
            r"|legacy Common Name|hostname mismatch",
            "The registry's certificate is for other names: call the registry by one of those, or "
            "have its certificate issued for {registry} too (as a subject alternative name).",
        ),
        (
            r"remote error: tls: (?:bad certificate|certificate required|unknown certificate)",
            "The registry wants a client certificate: put client.cert and client.key into "
            "/etc/docker/certs.d/{registry}/ on the engine's machine.",
        ),
        (
            r"tls: (?:protocol version|no cipher|no supported versions|handshake failure)"
            r"|remote error: tls:",
            "The engine and the registry agree on no version or cipher of TLS: see which ones the "
            "registry, or the proxy in front of it, allows.",
        ),
        (
            r"x509|certificate|tls: failed to verify",
            "The engine does not trust the registry's certificate: put its CA into "
            "/etc/docker/certs.d/{registry}/ca.crt on the engine's machine.",
        ),
        # --- what the registry says ----------------------------------------------------
        (
            r"\b429\b|toomanyrequests|too many requests|rate limit",
            "The registry limits how often it may be asked: wait, or log in as a user with a "
            "higher limit, then push again.",
        ),
        (
            r"token (?:has |is )?expired|expired ?token|login (?:has )?expired",
            "The login at the registry has expired: run `docker login {registry}` again, or give "
            "the registry component a new password (for Amazon ECR, what `aws ecr "
            "get-login-password` prints; it is valid for 12 hours).",
        ),
        (
            r"quota|storage limit|upper limit|no space left|insufficient storage|\b507\b",
            "The registry has no room left for the image: remove old images there, or have its "
            "quota or disk enlarged.",
        ),
        (
            r"immutable|cannot be overwritten|already exists in the .* repository",
            "The registry does not let a tag be changed: push under a tag that is not in use.",
        ),
        (
            r"read.?only|operation is unsupported|\b405\b",
            "The registry takes no pushes at this address: it is read-only, or a mirror that only "
            "passes on pulls.",
        ),
        (
            r"(?:pull|push) access denied|requested access to the resource is denied"
            r"|may require 'docker login'",
            _LOGIN + " Or the repository does not exist, or belongs to another user.",
        ),
        (
            r"name unknown|name_unknown|repository name not known"
            r"|\b(?:repository|project|namespace)\b.*(?:does not exist|not found)",
            "The registry does not make a repository by itself: create the repository there first, "
            "and see whether its name is spelled right.",
        ),
        (
            r"unauthorized|authentication required|no basic auth credentials|access.* denied"
            r"|denied\W*$|denied: (?:access|permission|user|.*not (?:allowed|authorized|permitted))"
            r"|insufficient_scope|authorization failed|forbidden|\b401\b|\b403\b"
            r"|incorrect username or password|invalid (?:username|credentials)",
            _LOGIN,
        ),
        # --- no answer -----------------------------------------------------------------
        (
            r"nothing was heard|deadline exceeded|timeout|timed out|Client\.Timeout",
            "The registry is slow or unreachable from the engine: see whether it is up, and try "
            "again.",
        ),
        (
            r"connection refused|no such host|no route to host|network is unreachable|\bEOF\b"
            r"|connection reset|broken pipe|dial tcp|server misbehaving|name resolution",
            _UNREACHABLE,
        ),
        (
            r"\b5\d\d\b|internal server error|bad gateway|unavailable",
            "The registry itself failed: look into its log, and try again later.",
        ),
        (
            r"\b404\b|invalid character '<'|error parsing HTTP \d+ response",
            "What answers at {registry} is not a registry, or a proxy in front of it answers in "
            "its place: check the address.",
        ),
        (
            r"engine",
            "See whether the engine is running, and push again: layers that arrived are not sent "
            "twice.",
        ),
    )
)

# Ports, IDs and sizes are no statuses, and a repository may be called `timeout`.
_NOT_WORDS = re.compile(
    r"\w+://[^\s\"']+|\bsha\d+:\w+|\b\d+(?:\.\d+){3}(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?"
    r"|(?:localhost|[\w-]+(?:\.[\w-]+)+):\d+|\bsize: \d+"
)


def advise(detail: str, registry: str) -> str:
    """Say what to do next about an engine's error text.

    Args:
        detail: the engine's own words.
        registry: the registry's address.
    """
    words = _NOT_WORDS.sub("…", detail.replace(registry, "…"))
    for pattern, advice in _ADVICE:
        if pattern.search(words):
            return advice.format(registry=registry)
    return f"See the log of the registry at {registry} and of the engine."
