"""A classic build: `POST /build` with the context as its body.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from imagebuilders.build_options.job import NAMELESS
from imagebuilders.docker.build_errors import BuildErrors
from imagebuilders.docker.build_progress import BuildProgress, BuiltImage
from imagebuilders.docker.connection import Query
from imagebuilders.docker.stream import get, post
from imagebuilders.events import ContextProgress, Event, emit
from imagebuilders.exceptions import (
    BuildError,
    EngineDisconnectedError,
    EngineError,
    EngineResponseError,
    EngineTimeoutError,
    ImageFormatError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

CONTEXT_PROGRESS_BYTES = 1024 * 1024


def build_image(
    client: docker.DockerClient,
    *,
    image_name: str,
    context: Iterable[bytes],
    params: Query,
    headers: Mapping[str, str] | None = None,
    idle_timeout: float | None = None,
    emit: Callable[[Event], None] = emit,
    advise: Callable[[str], str] | None = None,
    dockerfile: str | None = None,
    read_dockerfile: Callable[[], bytes] | None = None,
    mask: Callable[[str], str] = str,
) -> BuiltImage:
    """Send a context to the engine, have it built, and report every step as it comes.

    An exception of any kind, `KeyboardInterrupt` too, closes the connection,
    and the engine stops the build.

    Args:
        client: the engine's client.
        image_name: the image's name with its tag, for errors and events; empty for one without.
        context: the context's archive, in chunks.
        params: the query of `POST /build`; a name may come more than once.
        headers: additional headers, such as `X-Registry-Config`.
        idle_timeout: seconds the engine may be silent; without limit by default.
        emit: what to do with events.
        advise: gives what to add to an engine's words on a failure.
        dockerfile: what the user calls the Dockerfile; its name in the archive by default.
        read_dockerfile: returns its content, of which errors show the failing lines.
        mask: takes secrets out of what the engine tells.

    Raises:
        BuildError: a step failed, the Dockerfile is malformed, or the engine went away.
    """
    fields = dict(params)
    progress = BuildProgress(emit, removes_containers=_removes_containers(fields), mask=mask)
    errors = BuildErrors(
        image_name or NAMELESS,
        progress,
        dockerfile=fields.get("dockerfile") or "Dockerfile",
        shown_dockerfile=dockerfile,
        advise=advise,
        read_dockerfile=read_dockerfile,
    )
    try:
        with post(
            client,
            "/build",
            params=params,
            headers={"Content-Type": "application/x-tar", **(headers or {})},
            body=_counted(context, emit),
            idle_timeout=idle_timeout,
        ) as messages:
            for message in messages:
                if (failure := progress.take(message)) is not None:
                    raise errors.failed(failure)
    except EngineResponseError as error:
        raise errors.refused(error) from error
    except EngineTimeoutError as error:
        raise errors.broke_off(
            f"the engine has said nothing for {idle_timeout:g} s"
            if idle_timeout
            else "the engine stopped answering"
        ) from error
    except EngineDisconnectedError as error:
        raise errors.broke_off("the Docker Engine went away") from error
    except BuildError:
        raise
    except ImageFormatError as error:
        raise errors.broke_off(
            f"the engine named an image ID that cannot be used ({str(error).rstrip('.')})"
        ) from error
    except EngineError as error:
        raise errors.other(error) from error
    image_id = progress.image_id or _image_named(client, image_name, progress.last_words)
    if image_id is None:
        raise errors.broke_off("the engine's answer ended before the image was built")
    progress.end()
    return progress.built(image_name, image_id)


def _image_named(client: docker.DockerClient, name: str, short_id: str | None) -> str | None:
    """Ask for the image of a name, if its ID begins so.

    Some engines (Podman before 4.3) tell what they built in text only, as a command might too.
    """
    if short_id is None:
        return None
    try:
        image = get(client, f"/images/{quote(name or short_id, safe='/:')}/json")
    except EngineError:
        return None
    found = image.get("Id") if isinstance(image, Mapping) else None
    image_id = str(found or "").removeprefix("sha256:")
    return f"sha256:{image_id}" if image_id.startswith(short_id) else None


def _removes_containers(fields: Mapping[str, str]) -> bool:
    """Tell whether the engine removes a step's container, which it does by default."""
    chosen = [fields[name] for name in ("rm", "forcerm") if fields.get(name)]
    return not chosen or any(value.lower() not in ("0", "no", "false") for value in chosen)


def _counted(chunks: Iterable[bytes], emit: Callable[[Event], None]) -> Iterator[bytes]:
    sent = reported = 0
    for chunk in chunks:
        yield chunk
        sent += len(chunk)
        if sent - reported >= CONTEXT_PROGRESS_BYTES:
            reported = sent
            emit(ContextProgress(sent))
    emit(ContextProgress(sent, done=True))
