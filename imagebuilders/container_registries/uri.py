"""A registry's URI: the common prefix of the names of its images."""

from __future__ import annotations

import re

from imagebuilders.oci.reference import (
    DEFAULT_DOMAIN,
    is_domain,
    is_repository_path,
    split_domain,
)

_SCHEME = re.compile(r"https?://")
_DOCKER_HUB_SPELLINGS = frozenset({"index.docker.io", "registry-1.docker.io", "hub.docker.com"})


def normalize_registry_uri(text: str) -> str:
    """Bring a registry's URI into the form `domain[:port][/path]`.

    A scheme, a trailing slash and an API path (`/v1`, `/v2`) are taken off; the
    spellings of Docker Hub become `docker.io`.

    Raises:
        ValueError: what remains is not a registry's domain, or the path is not a repository's.
    """
    bare = _SCHEME.sub("", text.strip(), count=1).rstrip("/")
    domain, _, path = bare.partition("/")
    if "@" in domain:
        # Said without quoting: it is a username, perhaps with a password.
        raise ValueError("a registry's address has no user; give username and password apart")
    if domain.lower() in _DOCKER_HUB_SPELLINGS or domain.lower() == DEFAULT_DOMAIN:
        domain = DEFAULT_DOMAIN
    if path in ("v1", "v2"):
        path = ""
    if not is_domain(domain):
        raise ValueError(f"{domain!r} is no registry address (a host name with an optional port)")
    if path and not is_repository_path(path):
        raise ValueError(
            f"{path!r} after the registry's address may have lower case letters and digits, with "
            "'.', '_', '__', '-' or '/' between them"
        )
    if split_domain(f"{domain}/name")[0] != domain:
        raise ValueError(
            f"{domain!r} is taken for no registry in an image's name: a registry's address has a "
            f"dot or a port, or is localhost; for Docker Hub write {DEFAULT_DOMAIN}/{bare}"
        )
    return f"{domain}/{path}" if path else domain
