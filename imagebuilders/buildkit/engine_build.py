"""A whole build with the BuildKit inside a Docker Engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import render_buildkit_attributes
from imagebuilders.buildkit.build import CacheRequest, ExporterRequest, ImageBuild, build_image
from imagebuilders.buildkit.build_folders import DOCKERFILE, build_folders, shared_key
from imagebuilders.buildkit.secret_sources import secret_sources
from imagebuilders.buildkit.ssh_sources import ssh_agents
from imagebuilders.exceptions import BuildOptionsError

if TYPE_CHECKING:
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.buildkit.control.client import ControlClient


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
    if options.outputs:
        raise BuildOptionsError(
            "The option 'outputs' is not honoured yet: the image goes to the engine. Leave the "
            "option out, and read the image from there.",
            option="outputs",
        )
    rendered = render_buildkit_attributes(
        options, dockerfile=DOCKERFILE, build_arguments=job.proxies
    )
    build = ImageBuild(
        image_name=job.names[0],
        attributes=rendered.frontend,
        folders=build_folders(snapshot, found, rendered.folders),
        shared_key=shared_key(snapshot.root, rendered.folders),
        exporters=[ExporterRequest("moby", {"name": ",".join(job.names)})],
        cache_to=[CacheRequest(cache.type, dict(cache.attributes)) for cache in rendered.cache_to],
        entitlements=rendered.entitlements,
        secrets=secret_sources(options.secrets),
        agents=ssh_agents(options.ssh),
        credentials=job.keychain,
        dockerfile=found.name,
        dockerfile_content=found.content,
        idle_timeout=options.timeout,
    )
    build_image(client, build, job.emit)
