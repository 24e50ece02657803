"""Which daemons a builder has: those of its settings, else those that the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuilders.buildkit.buildx_builders import builder_daemons
from imagebuilders.buildkit.daemon import Daemon, daemon_at
from imagebuilders.exceptions import ConfigurationError

if TYPE_CHECKING:
    from imagebuilders.connections.tls import TLSFiles

BUILDER_VARIABLE = "BUILDX_BUILDER"
HOST_VARIABLE = "BUILDKIT_HOST"


def configured_daemons(
    addresses: Sequence[str] = (),
    platform_addresses: Mapping[str, Sequence[str]] | None = None,
    *,
    builder: str | None = None,
    tls: TLSFiles | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Daemon]:
    """Return the daemons to build with, each once.

    Args:
        addresses: those that build anything.
        platform_addresses: those that build for one platform, by the platform.
        builder: a builder of `docker buildx`, or a Docker context, instead of addresses.
        tls: the files for TLS over TCP; without any, TLS is not spoken.
        environ: the environment, which counts when nothing else is given: `BUILDX_BUILDER`, then
            `BUILDKIT_HOST`; the process's own by default.

    Raises:
        ConfigurationError: none is named, or one cannot be used.
        BuildKitError: the pods of a builder on Kubernetes cannot be listed.
    """
    environ = os.environ if environ is None else environ
    platform_addresses = platform_addresses or {}
    if not addresses and not platform_addresses and builder is None:
        check_named(None, environ)
        builder = environ.get(BUILDER_VARIABLE) or None
        addresses = () if builder else (environ[HOST_VARIABLE],)
    if builder is not None:
        return builder_daemons(builder, environ)
    found = [daemon_at(address, tls=tls) for address in dict.fromkeys(addresses)]
    for platform, given in platform_addresses.items():
        found += [
            daemon_at(address, tls=tls, platforms=(platform,)) for address in dict.fromkeys(given)
        ]
    return found


def check_named(given: object, environ: Mapping[str, str] | None = None) -> None:
    """See whether there is a daemon to build with, without a look at which.

    Args:
        given: what the settings say, if anything.
        environ: the environment; the process's own by default.

    Raises:
        ConfigurationError: there is none.
    """
    environ = os.environ if environ is None else environ
    if not given and not environ.get(BUILDER_VARIABLE) and not environ.get(HOST_VARIABLE):
        raise ConfigurationError(
            "No BuildKit daemon is named. Give BuildKitImageBuilder its address, as in "
            "addresses='tcp://buildkitd:1234', or the name of a builder of `docker buildx` "
            f"(builder=); or set {BUILDER_VARIABLE} or {HOST_VARIABLE}.",
            key="addresses",
        )
