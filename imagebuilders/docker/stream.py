"""One request to the engine whose answer is a stream of messages.

The Docker SDK hides the HTTP response behind a generator; a build or push that
is given up must close the connection at once, for that is what makes the
engine stop. So the request is made here, through the SDK's own session.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from imagebuilders.docker.json_stream import Message, parse_json_stream
from imagebuilders.exceptions import (
    EngineDisconnectedError,
    EngineError,
    EngineResponseError,
    EngineTimeoutError,
)

if TYPE_CHECKING:
    import docker

Query: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
"""Fields of a query; in pairs, a name may come more than once."""

# Bounds the connecting, and each piece of the body that the engine is slow to take: an
# engine that unpacks a large context on a busy disk may pause for long.
SEND_TIMEOUT_SECONDS = 600


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn the errors of the HTTP libraries and the SDK into this package's own.

    Raises:
        EngineResponseError: the engine answered with an HTTP error.
        EngineTimeoutError: a time limit passed.
        EngineDisconnectedError: the connection failed.
    """
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException, Timeout

    try:
        yield
    except APIError as error:
        text = error.explanation or str(error)
        raise EngineResponseError(str(text), status=error.status_code or 0) from error
    except (RequestException, OSError) as error:
        # The HTTP libraries' own errors quote the URL, and with it the build arguments: none
        # of them stands in the text or in the chain.
        cause = system_error(error)
        # A read that times out in the middle of a stream comes as a connection error.
        if isinstance(error, Timeout) or "timed out" in str(error):
            raise EngineTimeoutError(
                "The Docker Engine did not answer in time; it may be overloaded or stopped."
            ) from cause
        reason = "" if cause is None else f": {cause.strerror or cause}"
        raise EngineDisconnectedError(
            f"The connection to the Docker Engine broke off{reason}."
        ) from cause
    except DockerException as error:
        raise EngineError(f"The Docker SDK could not talk to the engine: {error}") from error


def system_error(error: BaseException) -> OSError | None:
    """Find the system's own error under the layers of the HTTP libraries."""
    import requests

    seen: set[int] = set()
    pending: list[object] = [error]
    found: OSError | None = None
    while pending:
        item = pending.pop()
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, OSError) and not isinstance(item, requests.RequestException):
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
    body: Iterable[bytes] | None = None,
    idle_timeout: float | None = None,
) -> Iterator[Iterator[Message]]:
    """Post to the engine; give its messages as they come.

    Leaving the `with` block closes the connection, whether or not the answer was
    read to its end: the engine then stops what it was asked to do.

    Args:
        client: the engine's client.
        path: the path below the API's version, as in `/build`.
        params: the query; in pairs, a name may come more than once.
        headers: additional headers.
        body: what to send; its own errors pass through unchanged.
        idle_timeout: seconds the engine may be silent; without limit by default.

    Raises:
        EngineError: one of the errors of `engine_errors`, or the answer is malformed.
    """
    api = client.api
    source = _Body(body) if body is not None else None
    sent = None if source is None else iter(source)
    try:
        with engine_errors():
            response = api.post(
                f"{api.base_url}/v{api.api_version}{path}",
                params=dict(params) if isinstance(params, Mapping) else list(params),
                headers=dict(headers),
                data=sent,
                stream=True,
                timeout=(SEND_TIMEOUT_SECONDS, idle_timeout),
            )
    except EngineError:
        if source is not None and source.error is not None:
            raise source.error from None
        raise
    finally:
        if sent is not None:
            sent.close()  # an engine that refuses may not have taken all of it
    with closing(response):
        if response.status_code >= 400:
            with engine_errors():
                raise EngineResponseError(
                    _explanation(response.content), status=response.status_code
                )
        yield _messages(response.iter_content(chunk_size=None))


def _messages(chunks: Iterator[bytes]) -> Iterator[Message]:
    with engine_errors():
        yield from parse_json_stream(chunks)


def _explanation(content: bytes) -> str:
    """Take the engine's words out of an error's body."""
    try:
        message = next(iter(parse_json_stream([content])), {})
    except EngineError:
        message = {}
    text = message.get("message")
    if isinstance(text, str):
        return text.strip()
    return content.decode("utf-8", "replace").strip()[:500]


class _Body:
    """Remembers the error of what is sent, which the HTTP libraries would wrap as their own."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.error: BaseException | None = None

    def __iter__(self) -> Generator[bytes, None, None]:
        chunks = iter(self._chunks)
        try:
            # An empty chunk would end a chunked body.
            yield from (chunk for chunk in chunks if chunk)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise
        finally:
            if isinstance(chunks, Generator):
                chunks.close()
