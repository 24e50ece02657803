"""Build secrets as functions that read them when the daemon asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from imagebuilders.build_options.values import BuildSecret
from imagebuilders.exceptions import BuildOptionsError


def secret_sources(secrets: Iterable[BuildSecret]) -> dict[str, Callable[[], bytes]]:
    """Return what reads each secret, by its ID.

    Raises:
        BuildOptionsError: a file or an environment variable that is named is not there.
    """
    return {secret.id: _source(secret) for secret in secrets}


def _source(secret: BuildSecret) -> Callable[[], bytes]:
    if secret.get is not None:
        get = secret.get
        return lambda: _encoded(get())
    if secret.env is not None:
        return _from_environment(secret, secret.env)
    if secret.src is not None:
        return _from_file(secret, secret.src)
    # As buildx: a variable of the secret's own name, else a file of that name.
    if secret.id in os.environ:
        return _from_environment(secret, secret.id)
    return _from_file(secret, secret.id)


def _from_environment(secret: BuildSecret, variable: str) -> Callable[[], bytes]:
    if variable not in os.environ:
        raise BuildOptionsError(
            f"The secret {secret.id!r} comes from the environment variable {variable}, which is "
            "not set.",
            option="secrets",
        )
    return lambda: os.fsencode(os.environ[variable])


def _from_file(secret: BuildSecret, path: str) -> Callable[[], bytes]:
    if not os.path.isfile(path):
        raise BuildOptionsError(
            f"The secret {secret.id!r} comes from the file {path}, which does not exist.",
            option="secrets",
        )
    return lambda: Path(path).read_bytes()


def _encoded(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
