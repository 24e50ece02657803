"""What the BuildKit of an engine can do, and options that it cannot honour.

An engine refuses some of it late and in words of its own, and passes over some in silence; here
it is found out before the build.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import HOST_GATEWAY, chosen_outputs
from imagebuilders.build_options.image_details import chosen_attestations
from imagebuilders.build_options.values import BuildOutput
from imagebuilders.buildkit.outputs import ENGINE_EXPORTER
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.build_options.fields import OptionValues
    from imagebuilders.buildkit.control.client import Worker
    from imagebuilders.connections.engine_version import EngineVersion

_HOST_GATEWAY_LABEL = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"
_API_OF_23 = (1, 42)
_API_OF_26 = (1, 45)
_IN_STORE = BuildOutput("docker")
_STORE_ADVICE = "Use an engine with the containerd image store"


@dataclass(frozen=True)
class EngineFeatures:
    """What the BuildKit of an engine can do.

    Attributes:
        engine: what errors call the engine.
        has_containerd_store: whether images are kept by containerd, so that there are all
            exporters, caches can be exported, and an image may have several platforms.
        host_gateway: the address that `host-gateway` stands for; empty when it does not say.
        has_limits: whether it knows limits of processes and the size of `/dev/shm`.
        has_contexts: whether its own frontend knows named contexts.
        has_several_outputs: whether one build may have several outputs.
        has_resources: whether its own frontend knows limits of memory and processors.
    """

    engine: str
    has_containerd_store: bool = False
    host_gateway: str = ""
    has_limits: bool = True
    has_contexts: bool = True
    has_several_outputs: bool = True
    has_resources: bool = False

    image_exporter = ENGINE_EXPORTER
    """An image of the engine; the engine's API pushes it afterwards."""
    can_push = False
    resolve_mode = "local"
    """As in a classic build, an image that the engine has is taken without asking its registry."""

    @classmethod
    def of(cls, version: EngineVersion, workers: Sequence[Worker]) -> EngineFeatures:
        """Return the features of an engine.

        Args:
            version: what it says of itself.
            workers: the workers of its BuildKit.
        """
        return cls(
            engine=str(version),
            has_containerd_store=any(worker.has_containerd_store for worker in workers),
            host_gateway=next(
                filter(None, (worker.labels.get(_HOST_GATEWAY_LABEL, "") for worker in workers)), ""
            ),
            has_limits=version.api >= _API_OF_23,
            has_contexts=version.api >= _API_OF_23,
            has_several_outputs=version.api >= _API_OF_26,
            has_resources=any(worker.has_resources for worker in workers),
        )

    def ignored(self, options: OptionValues) -> list[str]:
        """Return the options that this BuildKit passes over, and a classic build honours."""
        found = []
        if not self.has_limits:
            found += [name for name in ("ulimit", "shmsize") if getattr(options, name)]
        if not self.host_gateway and any(
            line.address == HOST_GATEWAY for line in options.extra_hosts
        ):
            found.append("extra_hosts")
        if not self.has_resources and options.container_limits.as_dict():
            found.append("container_limits")
        return found

    def check(self, options: OptionValues, *, frontend_is_own: bool) -> None:
        """See whether this BuildKit can honour the options.

        Args:
            options: the options.
            frontend_is_own: whether its own frontend reads the Dockerfile.

        Raises:
            BuildOptionsError: it cannot; the error names the option, what the engine has, and
                what would do.
        """
        for name in self.ignored(options):
            raise BuildOptionsError(
                f"The BuildKit of {self.engine} passes over the option {name!r}: build with the "
                "engine's classic builder, or use a newer engine.",
                option=name,
            )
        if options.build_contexts and frontend_is_own and not self.has_contexts:
            raise BuildOptionsError(
                f"The Dockerfile frontend of {self.engine} knows no 'build_contexts'. Use a newer "
                "engine, or a newer frontend: '# syntax=docker/dockerfile:1', or the setting "
                "'frontend'.",
                option="build_contexts",
            )
        outputs = chosen_outputs(options)
        plain = {output for output in outputs if output in (BuildOutput("image"), _IN_STORE)}
        number = len(outputs) - max(0, len(plain) - 1)
        if number > 1 and not self.has_several_outputs:
            raise BuildOptionsError(
                f"The option 'outputs' asks for {number} outputs, and a build of "
                f"{self.engine} has one. Build once for each, or use Docker Engine 26 or newer.",
                option="outputs",
            )
        if self.has_containerd_store:
            return
        for cache in options.cache_to:
            if cache.type != "inline":
                raise BuildOptionsError(
                    f"The option 'cache_to' asks for a cache of type {cache.type!r}. The image "
                    f"store of {self.engine} exports type 'inline' only. {_STORE_ADVICE}, or "
                    "cache_to='type=inline'.",
                    option="cache_to",
                )
        for attestation in chosen_attestations(options.attest, options.sbom, options.provenance):
            name = next(name for name in ("attest", "sbom", "provenance") if getattr(options, name))
            raise BuildOptionsError(
                f"The option {name!r} asks for an attestation of type {attestation.type!r}, which "
                f"the image store of {self.engine} does not keep. {_STORE_ADVICE}.",
                option=name,
            )
        if any(annotation.is_of_index for annotation in options.annotations):
            raise BuildOptionsError(
                "The option 'annotations' has one for an index, and the image store of "
                f"{self.engine} makes none: it keeps one platform of an image. {_STORE_ADVICE}.",
                option="annotations",
            )
        for output in outputs:
            self._check_output(output.type, dict(output.attributes))
        if "," in (options.platform or "") and _makes_image(outputs):
            raise BuildOptionsError(
                f"The option 'platform' names several platforms, and the image store of "
                f"{self.engine} keeps one of an image. {_STORE_ADVICE}, or build once for each.",
                option="platform",
            )

    def _check_output(self, kind: str, attributes: dict[str, str]) -> None:
        """See whether a graph driver's image store can make an output."""
        if kind == "oci" or (kind == "docker" and "dest" in attributes):
            raise BuildOptionsError(
                f"The option 'outputs' asks for type {kind!r}, an archive of an image. The image "
                f"store of {self.engine} has the types 'docker' (without dest), 'local' and "
                f"'tar'. {_STORE_ADVICE}, or save the image after the build.",
                option="outputs",
            )
        if kind == "registry" or attributes.get("push", "false") != "false":
            raise BuildOptionsError(
                f"The option 'outputs' asks for a push, which the image store of {self.engine} "
                f"passes over. {_STORE_ADVICE}, or build with a container registry, which pushes "
                "by every engine.",
                option="outputs",
            )


def _makes_image(outputs: Sequence[BuildOutput]) -> bool:
    return not outputs or any(
        output.type in ("image", "docker", "moby", "registry") for output in outputs
    )
