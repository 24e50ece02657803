"""Pushing an image: `POST /images/{name}/push`, read to its end.

A push that the registry denies is HTTP 200 with an `errorDetail` in the stream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imagebuilders.docker.layers import layer_progress
from imagebuilders.docker.registry_errors import advise
from imagebuilders.docker.stream import post
from imagebuilders.events import Event, ImagePushed, StepOutput, emit
from imagebuilders.exceptions import (
    EngineDisconnectedError,
    EngineError,
    EngineResponseError,
    EngineTimeoutError,
    ImageFormatError,
    PushError,
)
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.reference import ImageReference

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

# Podman tells the digest only so; Docker tells it in `aux` too.
_DIGEST_STATUS = re.compile(r"\S+: digest: (sha256:[0-9a-f]{64}) size: \d+\Z")


def push_image(
    client: docker.DockerClient,
    reference: ImageReference,
    *,
    authorization: str,
    idle_timeout: float | None = None,
    emit: Callable[[Event], None] = emit,
) -> str:
    """Push one tag of an image.

    Args:
        client: the engine's client.
        reference: the image, with its tag.
        authorization: the value of `X-Registry-Auth`.
        idle_timeout: seconds the engine may be silent; without limit by default.
        emit: what to do with events.

    Returns:
        The image's repo digest, `repo@sha256:…`.

    Raises:
        PushError: the registry did not take it, or the engine went away.
    """
    name = str(reference)

    def failed(detail: str) -> PushError:
        return PushError(
            f"{name} was not pushed to {reference.domain}: {detail.rstrip('.')}. "
            f"{advise(detail, reference.domain)}",
            image_name=name,
            registry=reference.domain,
            detail=detail,
        )

    digest: str | None = None
    try:
        with post(
            client,
            f"/images/{reference.repository}/push",
            params={"tag": reference.tag or ""},
            headers={"X-Registry-Auth": authorization},
            idle_timeout=idle_timeout,
        ) as messages:
            for message in messages:
                if "errorDetail" in message or "error" in message:
                    detail = message.get("errorDetail")
                    text = detail.get("message") if isinstance(detail, dict) else None
                    raise failed(str(text or message.get("error") or "no reason given").strip())
                aux = message.get("aux")
                if isinstance(aux, dict) and aux.get("Digest") is not None:
                    digest = str(Digest.parse(aux["Digest"]))
                progress = layer_progress(message)
                if progress is not None:
                    emit(progress)
                elif isinstance(message.get("status"), str):
                    status = str(message["status"])
                    emit(StepOutput(0, status))
                    if digest is None and (found := _DIGEST_STATUS.match(status)):
                        digest = found[1]
    except PushError:
        raise
    except ImageFormatError as error:
        raise failed(f"the engine's answer cannot be used: {error}") from error
    except EngineResponseError as error:
        raise failed(error.explanation) from error
    except EngineTimeoutError as error:
        # Without a limit of ours it is the system's own that passed.
        how_long = f" for {idle_timeout:g} s" if idle_timeout else " in time"
        raise failed(f"nothing was heard{how_long}") from error
    except EngineDisconnectedError as error:
        raise failed("the Docker Engine went away during the push") from error
    except EngineError as error:
        raise failed(str(error)) from error
    if digest is None:
        raise failed("the engine's answer ended without the digest of what it pushed")
    pushed = f"{reference.repository}@{digest}"
    emit(ImagePushed(pushed))
    return pushed
