"""Finding a Docker Engine, without the `docker` command."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.connections.advice import not_found_message
from imagebuilders.connections.candidates import (
    CURRENT_CONTEXT,
    Candidate,
    candidates,
    usual_sockets,
)
from imagebuilders.connections.probe import FoundEngine, ProbeError, probe
from imagebuilders.events import Notice, emit
from imagebuilders.exceptions import EngineAttempt, EngineNotFoundError

logger = logging.getLogger(__name__)

PING_TIMEOUT_SECONDS = 5


def find_engine(
    *,
    environ: Mapping[str, str] | None = None,
    sockets: Sequence[str | Path] | None = None,
    ping_timeout: float = PING_TIMEOUT_SECONDS,
    docker_config: DockerConfigFile | None = None,
) -> FoundEngine:
    """Find a Docker Engine.

    Tried in this order, each with a short question for its version:

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
        ping_timeout: seconds to wait for an engine's first answer; by ssh, as long as ssh waits.
        docker_config: Docker's configuration file, if it was read already.

    Raises:
        EngineNotFoundError: nothing answered; it lists what was tried and what came of it.
        ConfigurationError: Docker's configuration file cannot be read.
    """
    environ = os.environ if environ is None else environ
    config = DockerConfigFile.load(environ) if docker_config is None else docker_config
    sockets = usual_sockets(environ) if sockets is None else sockets
    # The standard library writes Latin-1; Go writes the bytes that stand in the file.
    headers = {
        name: value.encode().decode("latin-1") for name, value in config.http_headers.items()
    }
    attempts: list[EngineAttempt] = []
    for candidate in candidates(environ, config, sockets):
        if candidate.endpoint is not None:
            endpoint = replace(candidate.endpoint, extra_headers=headers)
            try:
                found = probe(endpoint, ping_timeout)
            except ProbeError as error:
                candidate = replace(candidate, outcome=error.outcome, failure=error.failure)
            else:
                _tell(candidate, attempts)
                return replace(found, address=candidate.address)
        attempts.append(candidate.attempt())
        if candidate.binding:
            break
    raise EngineNotFoundError(not_found_message(attempts, environ), attempts=attempts)


def _tell(candidate: Candidate, attempts: Sequence[EngineAttempt]) -> None:
    logger.debug("Using the Docker Engine at %s (%s).", candidate.address, candidate.source)
    contexts = [attempt for attempt in attempts if attempt.source.startswith(CURRENT_CONTEXT)]
    for attempt in contexts:
        message = (
            f"The {attempt.source} ({attempt.address}) does not answer: {attempt.outcome}. "
            f"Using the engine at {candidate.address} instead."
        )
        emit(Notice(message))
