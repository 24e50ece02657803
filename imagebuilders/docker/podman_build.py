"""A whole build by Podman, which answers as a Docker Engine does, and takes more."""

from __future__ import annotations

from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING

from imagebuilders.build_options.podman_query import check_podman, render_podman_query
from imagebuilders.build_options.secret_sources import secret_sources
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.docker.classic_build import ClassicRequest, build_classically
from imagebuilders.dockerfile import buildkit_features, parse
from imagebuilders.exceptions import BuildError, BuildOptionsError
from imagebuilders.masking import SecretMask

if TYPE_CHECKING:
    import docker

    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.connections.engine_version import EngineVersion

WITH_HERE_DOCUMENTS = (4, 8)
"""The first release that reads here-documents."""


def build_with_podman(client: docker.DockerClient, job: BuildJob, version: EngineVersion) -> str:
    """Build an image with Podman.

    Args:
        client: its client.
        job: the build.
        version: what it says of itself.

    Returns:
        The image's ID.

    Raises:
        BuildError: a step failed, or Podman went away.
        BuildOptionsError: Podman, or this version of it, cannot honour an option.
        BuildContextError: the context is at fault.
    """
    return build_classically(client, job, podman_request(job, version))


def podman_request(job: BuildJob, version: EngineVersion) -> ClassicRequest:
    """Return how Podman is asked for a build.

    A secret goes into the archive, in a file whose name nobody can guess: Podman takes it out
    before any step sees the context, and shows it to the steps that mount it.

    Args:
        job: the build.
        version: what Podman says of itself.

    Raises:
        BuildOptionsError: Podman, or this version of it, cannot honour an option, or a secret
            cannot be read.
        BuildError: this version of it does not read the Dockerfile.
    """
    check_podman(job.options, str(version), version.release)
    _check_here_documents(job, version)
    if job.options.secrets and job.snapshot.remote is not None:
        raise BuildOptionsError(
            f"The option 'secrets' goes with a folder as the context: {version} is sent them "
            "together.",
            option="secrets",
        )
    mask = SecretMask()
    files: dict[str, str] = {}
    entries = []
    for name, source in secret_sources(job.options.secrets).items():
        value = source()
        mask.add(value)
        files[name] = f".imagebuilders-secret-{token_hex(16)}"
        entries.append(Entry(files[name], EntryType.FILE, 0o600, len(value), source=value))
    query = partial(_query, job, files)
    return ClassicRequest(query, entries, mask)


def _check_here_documents(job: BuildJob, version: EngineVersion) -> None:
    """See whether Podman reads the Dockerfile's here-documents.

    An older one would run nothing in place of the first line, and take the others for
    instructions.

    Raises:
        BuildError: it does not.
    """
    if version.release >= WITH_HERE_DOCUMENTS or job.snapshot.remote is not None:
        return
    dockerfile = parse(job.dockerfile.content)
    found = [
        str(feature)
        for feature in buildkit_features(dockerfile)
        if feature.name.startswith("a here-document")
    ]
    if found:
        raise BuildError(
            f"{job.shown_name} was not built: the Dockerfile has {', '.join(found)}, which "
            f"{version} does not read. Podman 4.8 and newer do."
        )


def _query(job: BuildJob, secrets: dict[str, str], dockerfile: str) -> list[tuple[str, str]]:
    return render_podman_query(
        job.options,
        names=job.names,
        dockerfile=dockerfile,
        build_arguments=job.proxies,
        secrets=secrets,
    )
