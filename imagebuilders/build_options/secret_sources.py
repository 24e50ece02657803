"""Build secrets as functions that read them when the daemon asks."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable

from imagebuilders.build_options.values import BuildSecret
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import BuildOptionsError, ControlFileError

MAX_SECRET_BYTES = 500 * 1024
"""Daemons take no larger one."""


def secret_sources(secrets: Iterable[BuildSecret]) -> dict[str, Callable[[], bytes]]:
    """Return what reads each secret, by its ID.

    Raises:
        BuildOptionsError: a file or an environment variable that is named is not there, or has
            more than `MAX_SECRET_BYTES` bytes.
    """
    return {secret.id: _source(secret) for secret in secrets}


def _source(secret: BuildSecret) -> Callable[[], bytes]:
    if secret.get is not None:
        return _from_function(secret.get)
    if secret.env is not None:
        return _from_environment(secret, secret.env)
    if secret.src is not None:
        return _from_file(secret, secret.src)
    # As buildx: a variable of the secret's own name, else a file of that name.
    if secret.id in os.environ:
        return _from_environment(secret, secret.id)
    return _from_file(secret, secret.id)


def _from_function(get: Callable[[], str | bytes]) -> Callable[[], bytes]:
    def call() -> bytes:
        value: object = get()
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape")
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError("a secret is text or bytes")
        return bytes(value)

    return call


def _from_environment(secret: BuildSecret, variable: str) -> Callable[[], bytes]:
    if variable not in os.environ:
        raise BuildOptionsError(
            f"The secret {secret.id!r} comes from the environment variable {variable}, which is "
            "not set.",
            option="secrets",
        )
    # Read now: what the daemon gets is what the build was begun with.
    value = os.fsencode(os.environ[variable])
    _check_size(secret, f"the environment variable {variable}", len(value))
    return lambda: value


def _from_file(secret: BuildSecret, path: str) -> Callable[[], bytes]:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            # A shell's `<(command)` can be read once, so it is read now.
            value = read_control_file(path, limit=MAX_SECRET_BYTES, allow_streams=True).content
            return lambda: value
    except (OSError, ValueError, ControlFileError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise BuildOptionsError(
            f"The secret {secret.id!r} comes from the file {path}, which cannot be read: {reason}.",
            option="secrets",
        ) from error
    _check_size(secret, f"the file {path}", status.st_size)
    place = os.path.abspath(path)

    def read() -> bytes:
        with open(place, "rb") as file:
            return file.read(MAX_SECRET_BYTES + 1)

    return read


def _check_size(secret: BuildSecret, source: str, size: int) -> None:
    if size > MAX_SECRET_BYTES:
        raise BuildOptionsError(
            f"The secret {secret.id!r} comes from {source}, which has {size} bytes; BuildKit "
            f"takes no secret of more than {MAX_SECRET_BYTES}.",
            option="secrets",
        )
