"""Finding a Docker Engine, without the `docker` command."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import RemoteDisconnected
from pathlib import Path
from typing import TYPE_CHECKING

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.connections.advice import (
    CONTEXT_VARIABLE,
    HOST_VARIABLE,
    PERMISSION_DENIED,
    not_found_message,
)
from imagebuilders.connections.cli_contexts import DEFAULT_CONTEXT, TLSFiles, load_context
from imagebuilders.docker.stream import engine_errors, system_error
from imagebuilders.events import Notice, emit
from imagebuilders.exceptions import (
    ConfigurationError,
    EngineAttempt,
    EngineNotFoundError,
)
from imagebuilders.user_folders import docker_config_directory, find_home

if TYPE_CHECKING:
    import docker
    from docker.tls import TLSConfig

    from imagebuilders.docker.sdk_client import EngineClient

logger = logging.getLogger(__name__)

TLS_VERIFY_VARIABLE = "DOCKER_TLS_VERIFY"
CERTIFICATES_VARIABLE = "DOCKER_CERT_PATH"

PING_TIMEOUT_SECONDS = 5
REQUEST_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class _Candidate:
    """An address to try. A `binding` one is the user's word: no other is tried after it."""

    source: str
    address: str
    tls: TLSFiles | None = None
    binding: bool = False
    trouble: str | None = None
    """Why there is no address to try."""


def connect(
    *,
    environ: Mapping[str, str] | None = None,
    sockets: Sequence[str | Path] | None = None,
    ping_timeout: float = PING_TIMEOUT_SECONDS,
    docker_config: DockerConfigFile | None = None,
) -> EngineClient:
    """Find a Docker Engine and give a client for it.

    Tried in this order, each with a short ping:

    1. `DOCKER_HOST` (with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`);
    2. the Docker context that `DOCKER_CONTEXT` names;
    3. the current context of Docker's configuration file;
    4. the usual sockets: the system's, rootless Docker's, Docker Desktop's,
       Colima's, Rancher Desktop's, OrbStack's, Podman's.

    The first two are the user's word for this process: if such an engine does not
    answer, no other is tried. A current context that does not answer is left with
    a notice that says so.

    Args:
        environ: the environment to read; the process's own by default.
        sockets: the sockets of step 4, instead of the usual ones.
        ping_timeout: seconds to wait for an engine's first answer.
        docker_config: Docker's configuration file, if it was read already.

    Raises:
        EngineNotFoundError: nothing answered; it lists what was tried and what came of it.
        ConfigurationError: Docker's configuration file cannot be read.
    """
    environ = os.environ if environ is None else environ
    config = DockerConfigFile.load(environ) if docker_config is None else docker_config
    attempts: list[EngineAttempt] = []
    sockets = usual_sockets(environ) if sockets is None else sockets
    for candidate in _candidates(environ, config, sockets):
        outcome = candidate.trouble or ""
        if not outcome:
            found = _try(candidate, config, ping_timeout)
            if not isinstance(found, str):
                _tell(candidate, attempts)
                return found
            outcome = found
        attempts.append(EngineAttempt(candidate.source, candidate.address, outcome))
        if candidate.binding:
            break
    raise EngineNotFoundError(not_found_message(attempts, environ), attempts=attempts)


def describe_engine(client: docker.DockerClient) -> str:
    """Give the engine's product and version, as in `Docker Engine 28.5.2 (linux/amd64)`.

    Raises:
        EngineError: the engine does not answer.
    """
    from imagebuilders.docker.sdk_client import EngineClient

    version: object
    if isinstance(client, EngineClient):
        version = client.engine_version  # it was asked when the engine was looked for
    else:
        with engine_errors():
            version = client.version()
    fields = version if isinstance(version, Mapping) else {}
    components = fields.get("Components")
    first = components[0] if isinstance(components, list) and components else {}
    product = first.get("Name", "Engine") if isinstance(first, dict) else "Engine"
    if product == "Engine":
        product = "Docker Engine"
    platform = f"{fields.get('Os', 'unknown')}/{fields.get('Arch', 'unknown')}"
    return f"{product} {fields.get('Version', 'of unknown version')} ({platform})"


def usual_sockets(environ: Mapping[str, str]) -> list[Path]:
    """Give the places where engines put their sockets, the system's own first."""
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


def _candidates(
    environ: Mapping[str, str], config: DockerConfigFile, sockets: Sequence[str | Path]
) -> Iterator[_Candidate]:
    host = environ.get(HOST_VARIABLE)
    if host:
        yield _Candidate(HOST_VARIABLE, host, tls=_tls_from(environ), binding=True)
        return
    yield from _context_candidates(environ, config)
    for path in sockets:
        yield _Candidate("usual socket", f"unix://{path}")


def _context_candidates(
    environ: Mapping[str, str], config: DockerConfigFile
) -> Iterator[_Candidate]:
    name = environ.get(CONTEXT_VARIABLE)
    binding = bool(name)
    source = CONTEXT_VARIABLE
    if not name:
        source = "current Docker context"
        name = config.current_context
    if not name or name == DEFAULT_CONTEXT:
        return
    source = f"{source} {name!r}"
    folder = docker_config_directory(environ)
    if folder is None:
        trouble = "contexts are kept in ~/.docker, and the user has no home folder"
        yield _Candidate(source, "", binding=binding, trouble=trouble)
        return
    try:
        context = load_context(name, folder)
    except ConfigurationError as error:
        yield _Candidate(source, error.file or "", binding=binding, trouble=str(error))
        return
    yield _Candidate(source, context.host, tls=context.tls, binding=binding)


def _tls_from(environ: Mapping[str, str]) -> TLSFiles | None:
    verify = bool(environ.get(TLS_VERIFY_VARIABLE))
    directory = environ.get(CERTIFICATES_VARIABLE)
    if not verify and not directory:
        return None
    folder = Path(directory) if directory else docker_config_directory(environ)
    return (
        TLSFiles(verify=verify) if folder is None else TLSFiles.in_directory(folder, verify=verify)
    )


def _try(
    candidate: _Candidate, config: DockerConfigFile, ping_timeout: float
) -> EngineClient | str:
    """Ping an engine; give a client for it, or what went wrong in a few words."""
    from docker.constants import DEFAULT_DOCKER_API_VERSION
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from imagebuilders.docker.sdk_client import EngineAPIClient, EngineClient

    if candidate.address.startswith("unix://"):
        trouble = _socket_trouble(candidate.address.removeprefix("unix://"), ping_timeout)
        if trouble is not None:
            return trouble
    use_ssh_command = candidate.address.startswith("ssh://") and shutil.which("ssh") is not None
    try:
        tls = _tls_config(candidate.tls)

        def make(version: str, timeout: float) -> EngineAPIClient:
            api = EngineAPIClient(
                candidate.address,
                version=version,
                timeout=timeout,
                tls=tls,
                use_ssh_command=use_ssh_command,
                config=config,
            )
            _shield(api)
            return api

        probe = make(DEFAULT_DOCKER_API_VERSION, ping_timeout)
        try:
            answer: object = probe.version(api_version=False)
        finally:
            probe.close()
        version = answer.get("ApiVersion") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(version, str):
            return "answered, but not as a Docker Engine does"
        api = make(version, REQUEST_TIMEOUT_SECONDS)
        return EngineClient(api, candidate.address, answer)
    except (RequestException, DockerException, OSError, ValueError, TypeError) as error:
        return _outcome(error, ping_timeout)


def _shield(api: docker.APIClient) -> None:
    """Keep the environment from changing how the engine is trusted.

    `REQUESTS_CA_BUNDLE` would take the place of the engine's own CA, and `.netrc` would add a
    password; only the proxies of the environment are meant for every connection.
    """
    from requests.utils import get_environ_proxies

    if api.base_url.startswith(("http://", "https://")):
        api.proxies.update(get_environ_proxies(api.base_url))
    api.trust_env = False


def _socket_trouble(path: str, ping_timeout: float) -> str | None:
    """Open a socket and close it again: the SDK leaves one open that it cannot connect."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(ping_timeout)
            probe.connect(path)
    except FileNotFoundError:
        return "no such socket"
    except OSError as error:
        return _outcome(error, ping_timeout)
    return None


def _tls_config(files: TLSFiles | None) -> TLSConfig | None:
    if files is None:
        return None
    from docker.tls import TLSConfig

    certificate = None
    if files.certificate is not None and files.key is not None:
        certificate = (str(files.certificate), str(files.key))
    return TLSConfig(
        client_cert=certificate,
        ca_cert=str(files.ca) if files.ca is not None else None,
        verify=files.verify,
    )


def _outcome(error: BaseException, ping_timeout: float) -> str:
    """Say in a few words what a failed ping was about."""
    from docker.errors import APIError
    from requests.exceptions import JSONDecodeError, Timeout

    if isinstance(error, APIError):
        return f"answered with HTTP status {error.status_code}: {error.explanation or ''}".strip()
    if isinstance(error, JSONDecodeError):
        return "answered, but not as a Docker Engine does"
    cause = system_error(error)
    if isinstance(cause, PermissionError):
        return PERMISSION_DENIED
    if isinstance(cause, socket.gaierror):
        return f"the host name is not known ({cause.strerror})"
    if isinstance(error, Timeout) or isinstance(cause, TimeoutError):
        return f"no answer within {ping_timeout:g} s"
    if isinstance(cause, RemoteDisconnected):
        return "closed the connection without an answer"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {getattr(cause, 'verify_message', '') or cause.strerror or cause}"
    if cause is not None:
        return (cause.strerror or str(cause) or type(cause).__name__).lower()
    return str(error)


def _tell(candidate: _Candidate, attempts: Sequence[EngineAttempt]) -> None:
    logger.debug("Using the Docker Engine at %s (%s).", candidate.address, candidate.source)
    contexts = [attempt for attempt in attempts if attempt.source.startswith("current")]
    for attempt in contexts:
        message = (
            f"The {attempt.source} ({attempt.address}) does not answer: {attempt.outcome}. "
            f"Using the engine at {candidate.address} instead."
        )
        emit(Notice(message))
