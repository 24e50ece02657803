"""Logins in the environment variable `DOCKER_AUTH_CONFIG`, as the `docker` command reads them.

The variable holds a JSON object of one kind only: `{"auths": {"REGISTRY": {"auth": "BASE64"}}}`.
https://docs.docker.com/reference/cli/docker/#environment-variables
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from imagebuilders.auth.credentials import Credentials, EntryError, decode_auth
from imagebuilders.auth.go_fields import FieldTypeError, JSONObject, JSONSyntaxError, decode
from imagebuilders.exceptions import ConfigurationError

VARIABLE = "DOCKER_AUTH_CONFIG"


def read_variable(environ: Mapping[str, str] | None = None) -> dict[str, Credentials]:
    """Return the logins of the variable, by the names that they have there.

    Args:
        environ: the environment to read; the process's own by default.

    Raises:
        ConfigurationError: the variable holds anything else.
    """
    value = (os.environ if environ is None else environ).get(VARIABLE)
    if not value:
        return {}
    try:
        return _read(decode(value.encode("utf-8", "surrogateescape"), single=True))
    except (JSONSyntaxError, FieldTypeError, EntryError) as error:
        raise ConfigurationError(
            f'{VARIABLE} cannot be used: {error}. It must be {{"auths": {{"REGISTRY": {{"auth": '
            '"BASE64"}}}, with the base64 of username:password, and nothing beside that.',
            file=VARIABLE,
        ) from None


def _read(content: object) -> dict[str, Credentials]:
    if content is None:
        return {}
    if not isinstance(content, JSONObject):
        raise EntryError("it should hold a JSON object")
    _check_fields(content, "auths", "")
    found = {}
    for name, entry in content.table("auths").items():
        if not isinstance(entry, JSONObject | None):
            raise FieldTypeError(f"auths.{name}", "an object")
        _check_fields(entry or JSONObject(), "auth", f" of 'auths.{name}'")
        encoded = "" if entry is None else entry.text("auth")
        if not encoded:
            raise EntryError(f"'auths.{name}' has no 'auth'")
        found[name] = Credentials(*decode_auth(encoded))
    return found


def _check_fields(content: JSONObject, known: str, where: str) -> None:
    unknown = content.unknown_fields((known,))
    if unknown:
        raise EntryError(f"the key {unknown[0]!r}{where} is unknown")
