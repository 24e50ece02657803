"""A whole classic build: context, query, credentials, and the engine's stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from imagebuilders.auth.credentials import encode_auth, server_key
from imagebuilders.build_options.classic_query import render_classic_query
from imagebuilders.build_options.result_files import write_result_files
from imagebuilders.docker.build import build_image
from imagebuilders.docker.build_progress import BuiltImage
from imagebuilders.docker.buildkit_advice import buildkit_advice
from imagebuilders.docker.context_files import engine_context
from imagebuilders.events import Event, Notice
from imagebuilders.exceptions import BuildError, BuildOptionsError, RegistryError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    import docker

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.context.entries import Entry
    from imagebuilders.context.remote import RemoteSource


@dataclass(frozen=True)
class ClassicRequest:
    """How an engine is asked for a build.

    Attributes:
        query: returns the fields of the query, given the Dockerfile's name in the archive.
        entries: files that the archive has beside the context's.
        mask: takes secrets out of what the engine tells.
    """

    query: Callable[[str], list[tuple[str, str]]]
    entries: Sequence[Entry] = field(default=(), repr=False)
    mask: Callable[[str], str] = str


def build_classically(
    client: docker.DockerClient, job: BuildJob, request: ClassicRequest | None = None
) -> str:
    """Build an image with an engine's classic builder.

    Args:
        client: the engine's client.
        job: the build.
        request: how to ask for it; as of a Docker Engine by default.

    Returns:
        The image's ID.

    Raises:
        BuildError: a step failed, or the engine went away.
        BuildOptionsError: an option needs BuildKit.
        BuildContextError: the context is at fault.
    """
    options, source = job.options, job.snapshot.remote
    request = request or ClassicRequest(partial(_query, job))
    if source is not None:
        built = _build_remote(client, job, source, request)
    else:
        context = engine_context(job.snapshot).with_entries(request.entries)
        built = build_image(
            client,
            image_name=next(iter(job.names), ""),
            context=context.archive(
                compress=bool(options.gzip) or options.encoding == "gzip",
                keep_mtimes=not options.reproducible,
            ),
            params=request.query(context.dockerfile),
            headers=_auth_headers(job.keychain, job.emit),
            idle_timeout=options.timeout,
            emit=job.emit,
            advise=lambda failure: buildkit_advice(failure, context.read_dockerfile),
            dockerfile=context.given_dockerfile,
            read_dockerfile=context.read_dockerfile,
            mask=request.mask,
        )
    try:
        write_result_files(
            options,
            built.image_id,
            {"containerimage.digest": built.image_id, "image.name": ",".join(job.names)},
        )
    except OSError as error:
        raise BuildError(
            f"{job.shown_name} was built, but what is said of it could not be written: "
            f"{error.strerror}"
        ) from error
    return built.image_id


def _build_remote(
    client: docker.DockerClient, job: BuildJob, source: RemoteSource, request: ClassicRequest
) -> BuiltImage:
    """Build what the engine fetches, or what is sent as it is."""
    if not source.has_dockerfile:
        raise BuildOptionsError(
            f"The Dockerfile {job.dockerfile.name} does not lie in the remote build context, which "
            "needs BuildKit: the classic build of a Docker Engine reads both from one place.",
            option="dockerfile",
        )
    remote = [("remote", source.address)] if source.address else []
    return build_image(
        client,
        image_name=next(iter(job.names), ""),
        context=source.archive or (),
        params=[*request.query(job.dockerfile.name), *remote],
        headers=_auth_headers(job.keychain, job.emit),
        idle_timeout=job.options.timeout,
        emit=job.emit,
        dockerfile=job.dockerfile.name,
    )


def _query(job: BuildJob, dockerfile: str) -> list[tuple[str, str]]:
    return render_classic_query(
        job.options, names=job.names, dockerfile=dockerfile, build_arguments=job.proxies
    )


def _auth_headers(keychain: Keychain, emit: Callable[[Event], None]) -> dict[str, str]:
    """Return the header with which the engine may pull base images.

    A credential helper that fails is a notice, as most builds do not need it.
    """
    configs: dict[str, Mapping[str, str]] = {}
    for found in keychain.all_credentials():
        if isinstance(found, RegistryError):
            emit(Notice(str(found)))
        else:
            registry, credentials = found
            configs[server_key(registry)] = credentials.auth_config(registry)
    return {"X-Registry-Config": encode_auth(configs)} if configs else {}
