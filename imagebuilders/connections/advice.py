"""What to do when no Docker Engine answers, told from what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from imagebuilders.auth.config_file import FILE_NAME
from imagebuilders.connections.candidates import CONTEXT_VARIABLE, HOST_VARIABLE
from imagebuilders.exceptions import AttemptFailure, EngineAttempt
from imagebuilders.user_folders import DOCKER_CONFIG_VARIABLE, docker_config_directory

_ADVICE = {
    AttemptFailure.NOT_ALLOWED: (
        "Your user may not connect to {address}: add the user to the socket's group "
        "(on most systems `sudo usermod -aG docker $USER`) and log in anew, or use an engine "
        "that runs as your user."
    ),
    AttemptFailure.TLS: (
        "See whether {address} is spoken to by TLS, and whether the files in DOCKER_CERT_PATH, or "
        "of the Docker context, are those that belong to it."
    ),
    AttemptFailure.COMMAND: (
        "See whether `docker -H {address} version` works: ssh must log in without a question, as "
        "by a key and a known host, and Docker must be installed at the other end."
    ),
    AttemptFailure.PROXY: (
        "Correct the proxy in the environment (HTTP_PROXY, HTTPS_PROXY), or have {address} asked "
        "directly, by its host in NO_PROXY."
    ),
    AttemptFailure.ANSWER: (
        "See whether it is a Docker Engine that listens at {address}, and its log; one that wants "
        "TLS needs DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
    ),
    AttemptFailure.ADDRESS: "Correct the address in {source}.",
    AttemptFailure.CONFIGURATION: "Correct what {source} leads to.",
}
"""What to do about the failure of one attempt; nothing is said of an engine that does not run."""


def not_found_message(attempts: Sequence[EngineAttempt], environ: Mapping[str, str]) -> str:
    """Return what was tried, and what to do: what fits the outcomes, else the common causes.

    Args:
        attempts: what was tried, in order.
        environ: the environment in which it was tried.
    """
    tried = "".join(
        f"  {number}. {attempt.address} ({attempt.source}): {attempt.outcome}\n"
        for number, attempt in enumerate(attempts, start=1)
    )
    return f"No Docker Engine answers. Tried, in this order:\n{tried}{_advice(attempts, environ)}"


def _advice(attempts: Sequence[EngineAttempt], environ: Mapping[str, str]) -> str:
    fitting = [
        _ADVICE[attempt.failure].format(address=attempt.address, source=attempt.source)
        for attempt in attempts
        if attempt.failure in _ADVICE
    ]
    advice = [*_chosen(attempts), *dict.fromkeys(fitting)]
    if _may_be_common(attempts):
        causes = "Otherwise there are two" if fitting else "There are two"
        advice.append(f"{causes} common causes:\n{_common_causes(environ)}")
    return "\n".join(advice)


def _may_be_common(attempts: Sequence[EngineAttempt]) -> bool:
    """Whether the common causes can be the cause: nothing ran before something was there."""
    for attempt in attempts:
        if attempt.failure is AttemptFailure.NOT_RUNNING:
            return True
        if attempt.failure not in (AttemptFailure.ADDRESS, AttemptFailure.CONFIGURATION):
            return False
    return not attempts


def _chosen(attempts: Sequence[EngineAttempt]) -> Iterator[str]:
    """Yield the line that tells why no other engine was tried, if so."""
    for variable in (HOST_VARIABLE, CONTEXT_VARIABLE):
        # Only the environment's word is the end of the search.
        for attempt in attempts:
            if attempt.source.partition(" ")[0] == variable:
                missing = attempt.failure is AttemptFailure.NOT_RUNNING
                start = "start the engine that it names, " if missing else ""
                yield (
                    f"{variable} is set, so no other engine was tried: {start}correct {variable}, "
                    "or unset it to have the usual places tried."
                )


def _common_causes(environ: Mapping[str, str]) -> str:
    """Return the two common causes of finding nothing that answers."""
    folder = docker_config_directory(environ)
    where = "~/.docker, and you have no home folder" if folder is None else folder / FILE_NAME
    if environ.get(HOST_VARIABLE):
        beside = f"; it only counts when {HOST_VARIABLE} is not set"
    else:
        beside = f", or set {HOST_VARIABLE} to the engine's address"
    return (
        "  - The Docker daemon is not running: start it (Docker Desktop, Colima, Podman, or "
        "`systemctl start docker`).\n"
        "  - The Docker client is not configured: its configuration is read from "
        f"{where}; if yours is elsewhere, set "
        f"{DOCKER_CONFIG_VARIABLE} to the folder that holds {FILE_NAME}{beside}."
    )
