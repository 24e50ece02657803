"""What to do when no Docker Engine answers, told from what was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagebuilders.auth.config_file import FILE_NAME
from imagebuilders.exceptions import EngineAttempt
from imagebuilders.user_folders import DOCKER_CONFIG_VARIABLE, docker_config_directory

HOST_VARIABLE = "DOCKER_HOST"
CONTEXT_VARIABLE = "DOCKER_CONTEXT"
PERMISSION_DENIED = "permission denied"
"""The outcome of an attempt when the user may not connect to the engine's socket."""


def not_found_message(attempts: Sequence[EngineAttempt], environ: Mapping[str, str]) -> str:
    """Say what was tried, what fits the outcome, and the two common causes.

    Args:
        attempts: what was tried, in order.
        environ: the environment in which it was tried.
    """
    tried = "".join(
        f"  {number}. {attempt.address} ({attempt.source}): {attempt.outcome}\n"
        for number, attempt in enumerate(attempts, start=1)
    )
    fitting = _fitting(attempts)
    causes = "Otherwise there are two" if fitting else "There are two"
    chosen = any(attempt.source == HOST_VARIABLE for attempt in attempts)
    else_host = "" if chosen else f", or set {HOST_VARIABLE} to the engine's address"
    folder = docker_config_directory(environ)
    where = "~/.docker, and you have no home folder" if folder is None else folder / FILE_NAME
    return (
        f"No Docker Engine answers. Tried, in this order:\n{tried}"
        f"{fitting}{causes} common causes:\n"
        "  - The Docker daemon is not running: start it (Docker Desktop, Colima, Podman, or "
        "`systemctl start docker`).\n"
        "  - The Docker client is not configured: its configuration is read from "
        f"{where}; if yours is elsewhere, set "
        f"{DOCKER_CONFIG_VARIABLE} to the folder that holds {FILE_NAME}{else_host}."
    )


def _fitting(attempts: Sequence[EngineAttempt]) -> str:
    """Give the advice that fits what came of the attempts; nothing when none does."""
    denied = [attempt for attempt in attempts if attempt.outcome.startswith(PERMISSION_DENIED)]
    if denied:
        return (
            f"Your user may not connect to {denied[0].address}: add the user to the socket's group "
            "(on most systems `sudo usermod -aG docker $USER`) and log in anew, or use an engine "
            "that runs as your user.\n"
        )
    for variable in (HOST_VARIABLE, CONTEXT_VARIABLE):
        # Only the environment's word is the end of the search.
        if any(attempt.source.partition(" ")[0] == variable for attempt in attempts):
            return (
                f"{variable} is set, so no other engine was tried: start the engine that it names, "
                f"correct {variable}, or unset it to have the usual places tried.\n"
            )
    return ""
