"""Credential helpers: programs `docker-credential-NAME` that keep a user's credentials.

A helper is started with `get` and a registry's key on its standard input, and answers with a JSON
object; with `list` it names the keys that it has:
https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import shutil

from imagebuilders.auth.credentials import Credentials
from imagebuilders.auth.go_fields import FieldTypeError, JSONObject, JSONSyntaxError, decode
from imagebuilders.auth.helper_process import TooMuchOutputError, run_program
from imagebuilders.exceptions import RegistryError

PREFIX = "docker-credential-"
TIMEOUT_SECONDS = 30
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
"""The most that a helper may print: a list of keys has kilobytes."""

_NOT_FOUND = "credentials not found"
_COMPLAINT_LENGTH = 300


def ask_helper(helper: str, key: str) -> Credentials | None:
    """Ask a helper for the credentials under a key; `None` when it has none.

    Args:
        helper: what stands behind `docker-credential-` in the program's name.
        key: the registry's key (`credentials.server_key`).

    Raises:
        RegistryError: the helper is missing, fails, hangs prints without end or answers nonsense.
    """
    answer = _run(helper, "get", key)
    if answer is None:
        return None
    try:
        username, secret = answer.text("Username"), answer.text("Secret")
    except FieldTypeError:
        raise _error(helper, key, "its answer has no username and secret") from None
    return Credentials.from_pair(username, secret) if username or secret else None


def list_helper(helper: str) -> list[str]:
    """Return the keys that a helper has credentials for.

    Raises:
        RegistryError: the helper is missing, fails, hangs prints without end or answers nonsense.
    """
    answer = _run(helper, "list", "")
    return [] if answer is None else list(answer.as_table())


def _run(helper: str, command: str, key: str) -> JSONObject | None:
    program = PREFIX + helper
    try:
        path = shutil.which(program)
        if path is None:
            raise _error(helper, key, "there is no such program on the PATH")
        done = run_program(
            [path, command], key.encode(), seconds=TIMEOUT_SECONDS, limit=MAX_OUTPUT_BYTES
        )
    except TimeoutError:
        raise _error(helper, key, f"it did not finish within {TIMEOUT_SECONDS} s") from None
    except TooMuchOutputError:
        what = f"it printed more than {MAX_OUTPUT_BYTES} bytes"
        raise _error(helper, key, what) from None
    except OSError as error:
        raise _error(helper, key, f"it cannot be run: {error.strerror}") from error
    if done.exit_code != 0:
        # Helpers print their complaints to standard output.
        complaint = (done.output.strip() or done.errors.strip()).decode("utf-8", "replace")
        if _NOT_FOUND in complaint.lower():
            return None
        raise _error(helper, key, _failure(done.exit_code, complaint))
    try:
        answer = decode(done.output)
    except JSONSyntaxError:
        raise _error(helper, key, "its answer is not JSON") from None
    if answer is None and command == "list":
        return None
    if not isinstance(answer, JSONObject):
        raise _error(helper, key, "its answer is not a JSON object")
    return answer


def _failure(code: int, complaint: str) -> str:
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    if complaint.startswith("{"):
        return f"it failed with {how}, beside an answer"  # in which there may be a password
    # A program's words may hold anything, colours and moves of the cursor too.
    words = " ".join("".join(c if c.isprintable() else " " for c in complaint).split())
    return f"it failed with {how}" + (f": {words[:_COMPLAINT_LENGTH]}" if words else "")


def _error(helper: str, key: str, what: str) -> RegistryError:
    of = f" for {key}" if key else ""
    return RegistryError(
        f"The credential helper {PREFIX}{helper} gave no credentials{of}: {what}. Repair it, "
        "or take it out of 'credsStore' and 'credHelpers' in Docker's config.json, or give the "
        "registry component a username and password.",
        registry=key or None,
    )
