"""Registries: whether they are there, and take the credentials."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.distribution import CredentialSource, RegistryClient, RetryPolicy, Timeouts
from imagebuilders.exceptions import (
    ConfigurationError,
    ConnectionFailure,
    ImageNameError,
    RegistryAccessError,
    RegistryConnectionError,
    RegistryError,
    RegistryResponseError,
)
from imagebuilders.proxies import find_proxy

if TYPE_CHECKING:
    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.container_registries import BaseContainerRegistry

_TIMEOUTS = Timeouts(connect=5, idle=10)
_TOO_MANY_REQUESTS = 429


def look_at_registries(
    keychain: Keychain, registry: BaseContainerRegistry | None, others: Sequence[str]
) -> Iterator[Finding]:
    """Ask registries whether they are there, with the user's credentials.

    Args:
        keychain: knows who to be at those that are not the stack's.
        registry: the stack's registry.
        others: domains of further ones.
    """
    asked: dict[str, CredentialSource] = dict.fromkeys(others, keychain)
    if registry is not None:
        asked = {registry.address: registry, **asked}
    if not asked:
        yield Finding(
            Area.REGISTRIES,
            Severity.NOTE,
            "The stack has no registry to look at.",
            "Name one to see whether it can be pushed to.",
            "imagebuilders doctor --registry REGISTRY",
        )
    for domain, credentials in asked.items():
        yield _asked(domain, credentials)


def _asked(domain: str, credentials: CredentialSource) -> Finding:
    try:
        with RegistryClient(
            domain, credentials=credentials, retries=RetryPolicy(attempts=1), timeouts=_TIMEOUTS
        ) as client:
            client.ping()
            known = credentials.credentials_for(domain) is not None
    except (RegistryError, ConfigurationError, ImageNameError) as error:
        cure, command = _cure(error, domain)
        return Finding(Area.REGISTRIES, Severity.ERROR, f"{str(error).rstrip('.')}.", cure, command)
    whom = "and takes the credentials" if known else "and was asked without credentials"
    return Finding(Area.REGISTRIES, Severity.FINE, f"{domain} answers, {whom}.{_through(domain)}")


def _through(domain: str) -> str:
    host, _, port = domain.partition(":")
    try:
        proxy = find_proxy(host, int(port or 443), tls=True, environ=os.environ)
    except (ConfigurationError, ValueError):
        return ""
    return "" if proxy is None else f" It was asked through the proxy in {proxy.variable}."


def _cure(error: Exception, domain: str) -> tuple[str, str]:
    """Return what to do, and what to type, about a registry that cannot be used."""
    quoted = shlex.quote(domain)
    if isinstance(error, RegistryAccessError):
        return "Log in.", f"docker login {quoted}"
    if isinstance(error, RegistryResponseError) and error.status == _TOO_MANY_REQUESTS:
        return "Log in: those who did may ask more often.", f"docker login {quoted}"
    if isinstance(error, RegistryConnectionError):
        return _connection_cure(error.failure, domain)
    if isinstance(error, ConfigurationError):
        return "Correct that.", "imagebuilders stack show"
    return "See whether that is a registry.", f"curl -sSI {shlex.quote(f'https://{domain}/v2/')}"


def _connection_cure(failure: ConnectionFailure, domain: str) -> tuple[str, str]:
    if failure is ConnectionFailure.PLAIN:
        return (
            "Give it a certificate; or, in a network that you trust, name it among the "
            "'insecure-registries' of the engine.",
            "sudoedit /etc/docker/daemon.json && sudo systemctl restart docker",
        )
    if failure is ConnectionFailure.CERTIFICATE:
        target = shlex.quote(f"/etc/docker/certs.d/{domain}/ca.crt")
        return (
            "Renew the certificate or set this machine's clock, if it expired; else give its "
            "authority.",
            f"sudo install -D ca.crt {target}",
        )
    if failure is ConnectionFailure.PROXY:
        host = shlex.quote(domain.partition(":")[0])
        return "Have it asked directly, or correct the proxy.", f"export NO_PROXY={host}"
    return (
        "See whether its name is right, it is up, and can be reached.",
        f"curl -sSI {shlex.quote(f'https://{domain}/v2/')}",
    )
