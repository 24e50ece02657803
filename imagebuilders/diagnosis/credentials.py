"""The user's credentials of registries: what is kept where, and whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.auth.keychain import Keychain
from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.exceptions import ConfigurationError, RegistryError


def look_at_credentials(keychain: Keychain) -> Iterator[Finding]:
    """Tell for which registries there are credentials; none of them is shown.

    Args:
        keychain: asks all places where credentials are kept.
    """
    try:
        _ = keychain.config
    except ConfigurationError as error:
        yield Finding(
            Area.CREDENTIALS,
            Severity.ERROR,
            str(error),
            "Correct the file; where nothing in it is needed, move it away.",
            "mv ~/.docker/config.json ~/.docker/config.json.broken",
        )
        return
    problem = keychain.problem()
    if problem is not None:
        yield Finding(
            Area.CREDENTIALS,
            Severity.WARNING,
            f"{problem} It does not count.",
            "Correct the variable, or take it away.",
            "unset DOCKER_AUTH_CONFIG",
        )
    known = []
    for found in keychain.all_credentials():
        if isinstance(found, RegistryError):
            yield _broken(found, is_general=found.registry is None)
        else:
            known.append(found[0])
    if known:
        yield Finding(
            Area.CREDENTIALS, Severity.FINE, f"There are credentials for {', '.join(known)}."
        )
    else:
        yield Finding(
            Area.CREDENTIALS,
            Severity.NOTE,
            "There are no credentials for any registry.",
            "Log in to those that ask for it; without the docker command, give the container "
            "registry of the stack a username, and its password by the environment variable "
            "IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD.",
            "docker login REGISTRY",
        )


def _broken(error: RegistryError, *, is_general: bool) -> Finding:
    return Finding(
        Area.CREDENTIALS,
        Severity.ERROR if is_general else Severity.WARNING,
        str(error),
        "Install or repair the helper, or take it out of Docker's config.json.",
    )
