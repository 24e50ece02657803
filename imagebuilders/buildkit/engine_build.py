"""A whole build with a BuildKit: that inside a Docker Engine, or a daemon of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from imagebuilders.build_options.buildkit_attributes import (
    chosen_outputs,
    makes_index,
    render_buildkit_attributes,
    render_cache_imports,
)
from imagebuilders.build_options.job import BuildProduct
from imagebuilders.build_options.result_files import write_result_files
from imagebuilders.build_options.secret_sources import secret_sources
from imagebuilders.buildkit.build import ImageBuild, build_image
from imagebuilders.buildkit.build_folders import DOCKERFILE, build_folders, shared_key
from imagebuilders.buildkit.caches import Caches, plan_caches
from imagebuilders.buildkit.frontend import choose_frontend
from imagebuilders.buildkit.linked_builds import linked_inputs, step_ids
from imagebuilders.buildkit.named_registries import named_registries
from imagebuilders.buildkit.outputs import Outputs, plan_outputs
from imagebuilders.buildkit.remote_sources import plan_remote
from imagebuilders.buildkit.session.session import Service
from imagebuilders.buildkit.ssh_sources import ssh_agents
from imagebuilders.context.archive import fixed_mtime
from imagebuilders.dockerfile import parse
from imagebuilders.events import Notice
from imagebuilders.exceptions import BuildError, BuildOptionsError, ImageBuilderError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.build_options.fields import OptionValues
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.session.content import ContentFolder


class Features(Protocol):
    """What a BuildKit can do."""

    @property
    def engine(self) -> str:
        """What errors call it."""
        ...

    @property
    def host_gateway(self) -> str:
        """The address that `host-gateway` stands for; empty when it does not say."""
        ...

    @property
    def image_exporter(self) -> str:
        """The exporter of images into the daemon's own store."""
        ...

    @property
    def can_push(self) -> bool:
        """Whether that exporter pushes to registries."""
        ...

    @property
    def resolve_mode(self) -> str:
        """How images are looked for; empty to leave it to the daemon."""
        ...

    def check(self, options: OptionValues, *, frontend_is_own: bool) -> None:
        """See whether it can honour the options.

        Args:
            options: the options.
            frontend_is_own: whether its own frontend reads the Dockerfile.

        Raises:
            BuildOptionsError: it cannot.
        """


def build_with_buildkit(
    client: ControlClient,
    job: BuildJob,
    features: Features,
    *,
    start_timeout: float | None = None,
) -> BuildProduct:
    """Build an image with a BuildKit.

    Args:
        client: the BuildKit.
        job: the build.
        features: what it can do.
        start_timeout: seconds that its first word may take; without limit by default.

    Returns:
        What became of it: the image's ID or, of a daemon that pushes, its digest.

    Raises:
        BuildError: a step failed, or the daemon went away.
        BuildOptionsError: an option has no meaning in BuildKit, or this one cannot honour it.
        BuildContextError: the context is at fault.
    """
    plan = plan_build(job, features)
    if job.before_buildkit is not None:
        job.before_buildkit(job, step_ids(plan.build.inputs.values()))
    try:
        build = replace(plan.build, start_timeout=start_timeout)
        response = build_image(client, build, job.emit)
        plan.finish(response)
    except BaseException:
        plan.outputs.send.discard()
        raise
    return BuildProduct(response.get("containerimage.digest", ""), plan.outputs.keeps_image)


@dataclass(frozen=True)
class BuildPlan:
    """What a daemon is asked for, and what is left to do once it is done."""

    build: ImageBuild
    outputs: Outputs
    caches: Caches
    names: tuple[str, ...]
    options: OptionValues

    def image_id(self, response: Mapping[str, str]) -> str:
        """Return the ID of the image: the engine's, else that of the image itself.

        Args:
            response: what the exporters say of their results.
        """
        digest = response.get("containerimage.digest", "")
        if self.outputs.is_of_engine:
            return digest
        return response.get("containerimage.config.digest", digest)

    def finish(self, response: Mapping[str, str]) -> None:
        """Put results in their places, and write the indexes of folders of blobs.

        Args:
            response: what the exporters say of their results.

        Raises:
            BuildError: they cannot be written.
        """
        try:
            self.outputs.send.commit()
            self.outputs.finish(response, self.names)
            self.caches.finish(response)
            write_result_files(self.options, self.image_id(response), response)
        except (OSError, ImageBuilderError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise BuildError(
                f"{self.build.shown_name} was built, but what becomes of the result could not be "
                f"written: {reason}"
            ) from error


def plan_build(job: BuildJob, features: Features) -> BuildPlan:
    """Return what a daemon is asked for.

    Args:
        job: the build.
        features: what the daemon can do.

    Raises:
        BuildOptionsError: an option has no meaning in BuildKit, or this one cannot honour it.
        BuildContextError: a folder of the build is at fault.
    """
    options, snapshot, found = job.options, job.snapshot, job.dockerfile
    dockerfile = parse(found.content)
    given = {name.lower() for name in options.buildargs}
    own_arguments = {name: job.proxies[name] for name in job.proxies if name.lower() not in given}
    if options.reproducible or os.environ.get("SOURCE_DATE_EPOCH"):
        own_arguments["SOURCE_DATE_EPOCH"] = str(fixed_mtime())
    arguments = {**own_arguments, **options.buildargs}
    frontend = choose_frontend(job.frontend, arguments)
    features.check(options, frontend_is_own=frontend.is_own and not dockerfile.syntax)
    is_inside = snapshot.remote is not None and snapshot.remote.has_dockerfile
    rendered = render_buildkit_attributes(
        options,
        dockerfile=found.name if is_inside else DOCKERFILE,
        build_arguments=own_arguments,
        host_gateway=features.host_gateway,
        resolve_mode=features.resolve_mode,
    )
    outputs = plan_outputs(
        chosen_outputs(options),
        job.names,
        is_index=makes_index(options),
        annotations=options.annotations,
        exporter=features.image_exporter,
        push=job.will_push and features.can_push,
    )
    if job.will_push and not outputs.keeps_image:
        raise BuildOptionsError(
            "The option 'outputs' keeps no image in the engine, so that none can be pushed to the "
            "container registry. Add type=docker, or build without a registry.",
            option="outputs",
        )
    _warn_of_policy(job)
    caches = plan_caches(options.cache_from, rendered.cache_to, lambda text: job.emit(Notice(text)))
    layouts, layout_stores = _plan_layouts(rendered.layouts)
    inputs = linked_inputs(rendered.targets)
    remote = plan_remote(snapshot.remote, rendered.frontend.get("frontend.caps", ""), options.ssh)
    services: list[Service] = [*remote.services]
    if outputs.targets:
        services.append(outputs.send)
    if stores := {**outputs.stores, **caches.stores, **layout_stores}:
        from imagebuilders.buildkit.session.content import ContentStores

        services.append(ContentStores(stores))
    imports = render_cache_imports((cache.type, cache.attributes) for cache in caches.imports)
    build = ImageBuild(
        image_name=next(iter(job.names), ""),
        attributes={
            **rendered.frontend,
            **layouts,
            **imports,
            **remote.attributes,
            **inputs.attributes,
        },
        folders=build_folders(
            snapshot, found, rendered.folders, has_content_times=bool(options.reproducible)
        ),
        shared_key=shared_key(snapshot.root, rendered.folders),
        exporters=outputs.exporters,
        cache_to=caches.exports,
        entitlements=tuple(dict.fromkeys((*rendered.entitlements, *inputs.entitlements))),
        secrets=secret_sources(options.secrets),
        agents=ssh_agents(remote.agents),
        masked=(*remote.masked, *caches.secrets()),
        credentials=job.keychain,
        registries=None
        if is_inside
        else sorted(
            named_registries(
                dockerfile,
                options,
                build_arguments=arguments,
                further=(frontend.image, *job.names),
            )
        ),
        services=services,
        dockerfile=found.name,
        dockerfile_content=found.content,
        frontend=frontend,
        inputs=inputs.definitions,
        idle_timeout=options.timeout,
    )
    return BuildPlan(build, outputs, caches, job.names, options)


def _plan_layouts(
    layouts: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, ContentFolder]]:
    """Return the attributes and folders of contexts that are image layouts; see `plan_layouts`."""
    if not layouts:
        return {}, {}
    from imagebuilders.buildkit.layout_contexts import plan_layouts

    return plan_layouts(layouts)


def _warn_of_policy(job: BuildJob) -> None:
    """Say that a policy beside the Dockerfile, which `docker buildx` evaluates, decides nothing."""
    if job.snapshot.remote is not None:
        return
    path = os.path.join(job.snapshot.root or os.curdir, f"{job.dockerfile.name}.rego")
    if not job.options.policy and os.path.isfile(path):
        job.emit(
            Notice(
                f"The policy {path} is not evaluated: only docker buildx does that. The option "
                "policy='disabled=true' says that this is known."
            )
        )
