"""What a cache in a service needs to be reached, and where the environment has it.

https://docs.docker.com/build/cache/backends/gha/ and https://docs.docker.com/build/cache/backends/s3/
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

_GITHUB = {
    "token": "ACTIONS_RUNTIME_TOKEN",
    "url": "ACTIONS_CACHE_URL",
    "url_v2": "ACTIONS_RESULTS_URL",
}
_S3_KEYS = {"access_key_id": "AWS_ACCESS_KEY_ID", "secret_access_key": "AWS_SECRET_ACCESS_KEY"}
_S3_TOKEN = ("session_token", "AWS_SESSION_TOKEN")

SECRETS = frozenset({"token", "secret_access_key", "session_token"})
"""Attributes that are not to be shown."""


def with_service(kind: str, attributes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the attributes of a cache with what the environment has for its service.

    What is given goes before.

    Args:
        kind: the cache's type.
        attributes: its attributes.
    """
    found = dict(attributes)
    if kind == "gha":
        for name, variable in _GITHUB.items():
            if name not in found and os.environ.get(variable):
                found[name] = os.environ[variable]
    elif kind == "s3" and found.keys().isdisjoint((*_S3_KEYS, _S3_TOKEN[0])):
        keys = {name: os.environ.get(variable, "") for name, variable in _S3_KEYS.items()}
        if all(keys.values()):
            found.update(keys)
            if token := os.environ.get(_S3_TOKEN[1]):
                found[_S3_TOKEN[0]] = token
    return found


def is_reachable(kind: str, attributes: Mapping[str, str], note: Callable[[str], None]) -> bool:
    """Return whether a cache can be used; one that cannot does not fail a build.

    Args:
        kind: the cache's type.
        attributes: its attributes.
        note: told why it cannot.
    """
    if kind != "gha" or ("token" in attributes and {"url", "url_v2"} & attributes.keys()):
        return True
    note(
        "The cache of type 'gha' is not used: there is no token or address for it. In a workflow "
        "of GitHub they are ACTIONS_RUNTIME_TOKEN, ACTIONS_CACHE_URL and ACTIONS_RESULTS_URL."
    )
    return False
