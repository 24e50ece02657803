"""Where a Docker Engine may be: what the environment and Docker's settings name, usual places."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.connections.address import (
    Address,
    AddressError,
    Scheme,
    hide_password,
    parse_address,
)
from imagebuilders.connections.cli_contexts import DEFAULT_CONTEXT, load_context
from imagebuilders.connections.dial import Endpoint
from imagebuilders.connections.ssh import docker_dial_command
from imagebuilders.connections.tls import CA_FILE, CERTIFICATE_FILE, KEY_FILE, TLSFiles
from imagebuilders.exceptions import AttemptFailure, ConfigurationError, EngineAttempt
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.proxies import find_proxy
from imagebuilders.user_folders import docker_config_directory, find_home

HOST_VARIABLE = "DOCKER_HOST"
CONTEXT_VARIABLE = "DOCKER_CONTEXT"
TLS_VERIFY_VARIABLE = "DOCKER_TLS_VERIFY"
CERTIFICATES_VARIABLE = "DOCKER_CERT_PATH"

CURRENT_CONTEXT = "current Docker context"
"""The source of an address that Docker's configuration file leads to."""


@dataclass(frozen=True)
class Candidate:
    """An address to try. A `binding` one is the user's word: no other is tried after it."""

    source: str
    address: str
    endpoint: Endpoint | None = None
    binding: bool = False
    outcome: str = ""
    """Why there is no endpoint."""
    failure: AttemptFailure = AttemptFailure.CONFIGURATION

    def attempt(self) -> EngineAttempt:
        """Return it as a line of what was tried."""
        return EngineAttempt(self.source, self.address, self.outcome, self.failure)


def candidates(
    environ: Mapping[str, str], config: DockerConfigFile, sockets: Sequence[str | Path]
) -> Iterator[Candidate]:
    """Yield the addresses to try, in order.

    Args:
        environ: the environment to read.
        config: Docker's configuration file.
        sockets: the sockets to try last.
    """
    host = environ.get(HOST_VARIABLE, "").strip()
    if host:
        yield _candidate(HOST_VARIABLE, host, _tls_from(environ), environ, binding=True)
        return
    yield from _context_candidates(environ, config)
    for path in sockets:
        address = Address(Scheme.UNIX, path=str(path))
        yield Candidate("usual socket", str(address), Endpoint(address))


def _candidate(
    source: str,
    text: str,
    tls: TLSFiles | None,
    environ: Mapping[str, str],
    *,
    binding: bool,
) -> Candidate:
    """Make an address that was configured one to try, or say why it cannot be tried."""
    outcome, failure = "", AttemptFailure.ADDRESS
    try:
        address = parse_address(text, tls=tls is not None)
        return Candidate(source, text, _endpoint(address, tls, environ), binding)
    except AddressError as error:
        outcome = f"the address cannot be used: {error}"
    except ConfigurationError as error:
        outcome, failure = str(error), AttemptFailure.CONFIGURATION
    shown = hide_password(text)
    return Candidate(source, shown, binding=binding, outcome=outcome, failure=failure)


def _endpoint(address: Address, tls: TLSFiles | None, environ: Mapping[str, str]) -> Endpoint:
    if address.scheme is Scheme.SSH:
        return Endpoint(address, command=docker_dial_command(address))
    if address.scheme is Scheme.UNIX:
        return Endpoint(address)
    endpoint = Endpoint(address, tls)
    if endpoint.is_secure:
        (tls or TLSFiles()).client_context()  # a file that is missing is missed at once
    assert address.port is not None
    proxy = find_proxy(address.host, address.port, tls=endpoint.is_secure, environ=environ)
    if proxy is not None and proxy.tls and endpoint.is_secure:
        raise ConfigurationError(
            f"the proxy in {proxy.variable} is spoken to by TLS, which does not work for an "
            "engine that is spoken to by TLS, too",
            file=proxy.variable,
        )
    return replace(endpoint, proxy=proxy)


def _context_candidates(
    environ: Mapping[str, str], config: DockerConfigFile
) -> Iterator[Candidate]:
    name = environ.get(CONTEXT_VARIABLE)
    binding = bool(name)
    source = CONTEXT_VARIABLE
    if not name:
        source = CURRENT_CONTEXT
        name = config.current_context
    if not name or name == DEFAULT_CONTEXT:
        return
    source = f"{source} {name!r}"
    folder = docker_config_directory(environ)
    if folder is None:
        outcome = "contexts are kept in ~/.docker, and the user has no home folder"
        yield Candidate(source, "", binding=binding, outcome=outcome)
        return
    try:
        context = load_context(name, folder)
    except ConfigurationError as error:
        yield Candidate(source, error.file or "", binding=binding, outcome=str(error))
        return
    yield _candidate(source, context.host, context.tls, environ, binding=binding)


def _tls_from(environ: Mapping[str, str]) -> TLSFiles | None:
    """Return the TLS files that the environment asks for, there or not."""
    verify = bool(environ.get(TLS_VERIFY_VARIABLE))
    named = environ.get(CERTIFICATES_VARIABLE)
    if not verify and not named:
        return None
    folder = Path(named) if named else docker_config_directory(environ)
    if folder is None:
        return TLSFiles(verify=verify)
    files = TLSFiles.in_directory(folder, verify=verify)
    if verify:
        return replace(files, ca=files.ca or folder / CA_FILE)
    # Without a check of the engine's certificate, the client's own is all that a folder is for.
    return replace(
        files,
        certificate=files.certificate or folder / CERTIFICATE_FILE,
        key=files.key or folder / KEY_FILE,
    )


def usual_sockets(environ: Mapping[str, str]) -> list[Path]:
    """Return the places where engines put their sockets, the system's own first."""
    home = find_home(environ)
    runtime = environ.get("XDG_RUNTIME_DIR")
    runtime_directory = Path(runtime) if runtime else Path(f"/run/user/{os.getuid()}")
    below_home = (
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".colima/default/docker.sock",
        ".rd/docker.sock",
        ".orbstack/run/docker.sock",
    )
    podman_machine = ".local/share/containers/podman/machine/podman.sock"
    return [
        Path("/var/run/docker.sock"),
        runtime_directory / "docker.sock",
        *([] if home is None else [home / path for path in below_home]),
        runtime_directory / "podman/podman.sock",
        *([] if home is None else [home / podman_machine]),
        Path("/run/podman/podman.sock"),
    ]
