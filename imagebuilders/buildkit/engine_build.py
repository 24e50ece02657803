"""A whole build with the BuildKit inside a Docker Engine."""

from __future__ import annotations

import hashlib
import os
import socket
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import render_buildkit_attributes
from imagebuilders.buildkit.build import CacheRequest, ExporterRequest, ImageBuild, build_image
from imagebuilders.buildkit.secret_sources import secret_sources
from imagebuilders.buildkit.session.file_sync import SyncedFolder
from imagebuilders.buildkit.session.ssh import agent_sockets
from imagebuilders.context.entries import Entry, EntryType

if TYPE_CHECKING:
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.buildkit.control.client import ControlClient

DOCKERFILE = "Dockerfile"
"""The Dockerfile's name in the folder that it is sent in, alone."""


def build_with_buildkit(client: ControlClient, job: BuildJob) -> None:
    """Build an image in an engine's image store.

    Args:
        client: the engine's BuildKit.
        job: the build.

    Raises:
        BuildError: a step failed, or the engine went away.
        BuildOptionsError: an option has no meaning in BuildKit, or this engine cannot honour it.
        BuildContextError: the context is at fault.
    """
    options, snapshot, found = job.options, job.snapshot, job.dockerfile
    rendered = render_buildkit_attributes(
        options, dockerfile=DOCKERFILE, build_arguments=job.proxies
    )
    dockerfile = Entry(
        DOCKERFILE, EntryType.FILE, 0o644, len(found.content), found.mtime_ns, source=found.content
    )
    build = ImageBuild(
        image_name=job.names[0],
        attributes=rendered.frontend,
        folders={
            "context": SyncedFolder(list(snapshot)),
            "dockerfile": SyncedFolder([dockerfile]),
        },
        shared_key=shared_key(snapshot.root),
        exporters=[ExporterRequest("moby", {"name": ",".join(job.names)})],
        cache_to=[CacheRequest(cache.type, dict(cache.attributes)) for cache in rendered.cache_to],
        entitlements=rendered.entitlements,
        secrets=secret_sources(options.secrets),
        agents=agent_sockets(options.ssh),
        credentials=job.keychain,
        dockerfile=found.name,
    )
    build_image(client, build, job.emit)


def shared_key(root: str | None) -> str:
    """Return what stands for a folder of this machine in a daemon's memory; the same every day."""
    if root is None:
        return ""
    text = f"{socket.gethostname()}:{os.getuid()}:{os.path.realpath(root)}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
