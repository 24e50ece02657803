"""What a BuildKit daemon of its own can do, and options that it cannot honour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import HOST_GATEWAY, chosen_outputs
from imagebuilders.buildkit.outputs import DAEMON_EXPORTER
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.build_options.fields import OptionValues
    from imagebuilders.buildkit.control.client import Worker

_NO_IMAGE = frozenset({"local", "tar", "cacheonly"})


@dataclass(frozen=True)
class DaemonFeatures:
    """What a BuildKit daemon can do.

    Attributes:
        engine: what errors call it.
        has_exporters: whether it exports and pushes images; the BuildKit of a Docker Engine
            without the containerd image store does not.
        host_gateway: the address that `host-gateway` stands for; a daemon has none.
        has_resources: whether its own frontend knows limits of memory and processors.
        platforms: what its workers say that they run.
    """

    engine: str
    has_exporters: bool = True
    host_gateway: str = ""
    has_resources: bool = True
    platforms: tuple[str, ...] = ()

    image_exporter = DAEMON_EXPORTER
    can_push = True
    resolve_mode = ""

    @classmethod
    def of(cls, daemon: str, workers: Sequence[Worker]) -> DaemonFeatures:
        """Return the features of a daemon.

        Args:
            daemon: what errors call it.
            workers: its workers.
        """
        platforms = (platform for worker in workers for platform in worker.platforms)
        return cls(
            daemon,
            any(worker.has_containerd_store for worker in workers),
            has_resources=any(worker.has_resources for worker in workers),
            platforms=tuple(dict.fromkeys(platforms)),
        )

    def check(self, options: OptionValues, *, frontend_is_own: bool) -> None:
        """See whether this daemon can honour the options.

        Args:
            options: the options.
            frontend_is_own: whether its own frontend reads the Dockerfile.

        Raises:
            BuildOptionsError: it cannot.
        """
        del frontend_is_own  # every daemon of its own has a frontend that knows all options
        if any(line.address == HOST_GATEWAY for line in options.extra_hosts):
            raise BuildOptionsError(
                f"The option 'extra_hosts' asks for {HOST_GATEWAY}, and {self.engine} has no such "
                "address. Give an IP address.",
                option="extra_hosts",
            )
        if options.load and not any(output.type == "docker" for output in options.outputs):
            raise BuildOptionsError(
                "The option 'load' puts the image into a Docker Engine, and none builds here. Push "
                "the image, or write it to a file, as in outputs='type=docker,dest=app.tar'.",
                option="load",
            )
        if options.container_limits.as_dict() and not self.has_resources:
            raise BuildOptionsError(
                f"{self.engine} passes over the option 'container_limits': use BuildKit 0.31 or "
                "newer.",
                option="container_limits",
            )
        kinds = {output.type for output in chosen_outputs(options)}
        if not self.has_exporters and not (kinds and kinds <= _NO_IMAGE):
            raise BuildOptionsError(
                f"{self.engine} belongs to a Docker Engine whose image store neither exports nor "
                "pushes in a build. Use an engine with the containerd image store, buildkitd, or "
                "LocalImageBuilder, which builds with every engine.",
                option="outputs",
            )
