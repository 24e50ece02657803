"""One request to the engine whose answer is a stream of messages.

The Docker SDK hides the HTTP response behind a generator; a build or push that is given up must
close the connection at once, for that is what makes the engine stop.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagebuilders.connections.failures import broken_off
from imagebuilders.connections.http1 import Answer, BodyError
from imagebuilders.docker.connection import Query, exchange
from imagebuilders.docker.json_stream import Message, parse_json_stream
from imagebuilders.exceptions import (
    EngineError,
    EngineResponseError,
)

if TYPE_CHECKING:
    import docker

MAX_EXPLANATION_BYTES = 64 * 1024
EXPLANATION_SECONDS = 30
"""How much of a refusal's body is read, and how long it may take."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""A longer answer to a question is not read to its end."""

_SHOWN_CHARACTERS = 500

_QUERY = re.compile(r"(/v[0-9.]+/[^\s?\"'<>]*)\?[^\s\"'<>]*")
"""A path and its query, build arguments included: proxies quote it on their error pages."""


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn the errors of the system and the HTTP libraries into this package's own.

    Raises:
        EngineTimeoutError: a time limit passed.
        EngineDisconnectedError: the connection failed.
    """
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import TimeoutError as LibraryTimeoutError

    try:
        yield
    except (OSError, RequestException, HTTPError) as error:
        # The HTTP libraries' own errors may quote the URL, and with it the build arguments: none
        # of them stands in the text or in the chain.
        cause = system_error(error)
        is_late = isinstance(error if cause is None else cause, TimeoutError | LibraryTimeoutError)
        raise broken_off(cause, is_late=is_late) from cause


def system_error(error: BaseException) -> OSError | None:
    """Return the system's own error under the layers of the HTTP libraries."""
    from requests.exceptions import RequestException

    seen: set[int] = set()
    pending: list[object] = [error]
    found: OSError | None = None
    while pending:
        item = pending.pop()
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, OSError) and not isinstance(item, RequestException):
            found = item
        pending += [*item.args, item.__cause__, item.__context__, getattr(item, "reason", None)]
    return found


@contextmanager
def post(
    client: docker.DockerClient,
    path: str,
    *,
    params: Query,
    headers: Mapping[str, str],
    body: bytes | Iterable[bytes] | None = None,
    idle_timeout: float | None = None,
) -> Iterator[Iterator[Message]]:
    """Post to the engine; the value of the `with` block is its messages, as they come.

    Leaving the block before the answer's end closes the connection: the engine then stops what
    it was asked to do.

    Args:
        client: the engine's client.
        path: the path below the API's version, as in `/build`.
        params: the query; in pairs, a name may come more than once.
        headers: additional headers.
        body: what to send; its own errors pass through unchanged.
        idle_timeout: seconds the engine may be silent; without limit by default.

    Raises:
        EngineResponseError: the engine refused the request.
        EngineTimeoutError: the engine was silent for too long.
        EngineDisconnectedError: the connection failed.
        EngineError: the answer is malformed.
    """
    with ExitStack() as stack:
        try:
            with engine_errors():
                answer = stack.enter_context(
                    exchange(
                        client,
                        "POST",
                        path,
                        params=params,
                        headers=headers,
                        body=body,
                        idle_timeout=idle_timeout,
                    )
                )
                check_status(answer)
        except BodyError as error:
            raise error.error from None
        yield _messages(answer)


def check_status(answer: Answer) -> None:
    """See whether the engine does what it was asked to do.

    Raises:
        EngineResponseError: it does not; its own words are the explanation.
    """
    if 200 <= answer.status < 300:
        return
    explanation = _redirect(answer) if 300 <= answer.status < 400 else _explanation(answer)
    explanation = _QUERY.sub(r"\1?…", explanation)
    raise EngineResponseError(explanation, status=answer.status)


def _redirect(answer: Answer) -> str:
    """Say where a redirect leads: to another server, which would see the user's credentials."""
    try:
        # Without the query, which may repeat the build arguments, and without a user.
        to = urlsplit(answer.header("Location") or "")
        place = to.netloc.rpartition("@")[2] or to.path
    except ValueError:
        place = ""
    place = f" to {place[:_SHOWN_CHARACTERS]!r}" if place else ""
    return (
        f"it is a redirect{place}, which is not followed, since it would take "
        "credentials to another server; use the address of the engine itself"
    )


def _messages(answer: Answer) -> Iterator[Message]:
    with engine_errors():
        yield from parse_json_stream(answer.chunks())


def _explanation(answer: Answer) -> str:
    """Take the engine's words out of a refusal's body, as far as it comes."""
    content = _read_some(answer)
    try:
        message = next(iter(parse_json_stream([content])), {})
    except EngineError:
        # A proxy, say, which may not say in words what the status is.
        text = content.decode("utf-8", "replace").strip()[:_SHOWN_CHARACTERS]
        return f"HTTP status {answer.status}: {text}"
    words = message.get("message")
    return words.strip() if isinstance(words, str) else ""


def _read_some(answer: Answer) -> bytes:
    """Return the beginning of a body; where it breaks off, the status is still told."""
    content = b""
    deadline = time.monotonic() + EXPLANATION_SECONDS
    with suppress(OSError, EngineError):
        for chunk in answer.chunks():
            content += chunk
            if len(content) >= MAX_EXPLANATION_BYTES or time.monotonic() > deadline:
                break
    return content[:MAX_EXPLANATION_BYTES]


def get(client: docker.DockerClient, path: str) -> object:
    """Return the engine's answer to a question, parsed from JSON.

    Args:
        client: the engine's client.
        path: the path below the API's version, as in `/version`.

    Raises:
        EngineError: the engine refused, was silent, went away, or its answer is no JSON object.
    """
    with (
        engine_errors(),
        exchange(client, "GET", path, idle_timeout=client.api.timeout) as answer,
    ):
        check_status(answer)
        return next(parse_json_stream([answer.read(MAX_ANSWER_BYTES)]), None)


def get_list(client: docker.DockerClient, path: str) -> list[object]:
    """Return the engine's answer to a question whose answer is a list, parsed from JSON.

    Args:
        client: the engine's client.
        path: the path below the API's version, as in `/images/app/history`.

    Raises:
        EngineError: the engine refused, was silent, went away, or its answer is no JSON list.
    """
    with (
        engine_errors(),
        exchange(client, "GET", path, idle_timeout=client.api.timeout) as answer,
    ):
        check_status(answer)
        content = answer.read(MAX_ANSWER_BYTES)
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise EngineError("The engine's answer is not a list of JSON values.")
    return found
