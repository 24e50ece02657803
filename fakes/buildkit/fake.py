"""A BuildKit daemon of its own that evaluates Dockerfiles, and executes nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from imagebuilders.buildkit.proto.rpc_pb2 import HealthCheckResponse
from imagebuilders.buildkit.session.session import HEALTH_METHOD
from imagebuilders.exceptions import ImageBuilderError, ImageFormatError, ImageNameError
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ..checks import check_flag, check_text
from ..clock import Clock, nanoseconds
from ..images.layers import digest_of
from ..images.reference import HUB
from ..images.registry_network import Place, RegistryNetwork
from ..images.seeded_image import seeded_image
from ..images.view import ImageView
from ..shell.execute import machines_for, programs_for
from ..shell.machines import Machines
from ..shell.run_rules import RunRuleDouble, RunRules
from .control import SteeredBuildKit, steered_or_served
from .daemon import ScriptedBuildKit
from .solver import (
    LOOKS,
    RemoteContents,
    RemoteSeedDouble,
    Solver,
    SolverGateway,
    SolverUsage,
    daemon_worker,
)

if TYPE_CHECKING:
    import ssl

    from imagebuilders.buildkit.transport.call import Call

    from ..images.image import Image
    from ..records import BuildRecord

_A_NAME = "an image's name, a str as in 'app:1'"
_VERSION = "0.32"


class FakeBuildKit(RunRuleDouble, RemoteSeedDouble, ScriptedBuildKit):
    """A BuildKit daemon in memory, for code that uses remote workers.

    It speaks as `buildkitd` does, by `serve` on a unix socket, TCP or TLS. Dockerfiles are
    evaluated exactly, and images are real: exported to the client, or pushed to registries. A RUN
    is recorded unless `on_run` gives it effects.

    Args:
        run_policy: what happens to a RUN that no `on_run` matches: `record` it (the step succeeds
            and changes nothing) or `refuse` it (the step fails).
        clock: a `ManualClock`, or a function that returns nanoseconds since the epoch; the
            machine's clock when left out.
        hub_is_real: take images of the public hub that were not seeded from the network.
        registries: the registries that names lead to, by their hosts: `FakeRegistry` objects that
            listen, or addresses, as in `{"ghcr.io": fake_registry, "docker.io": "127.0.0.1:5000"}`.
            What was seeded goes before.
        network: ask registries at other hosts over the network; loopback addresses are always
            reached, and without it nothing else.
        execute: `"shell"` to have RUN steps evaluated that no rule is meant for, as those of
            `FakeDockerEngine`.

    Attributes:
        solver: what builds.
    """

    def __init__(
        self,
        *,
        run_policy: str = "record",
        clock: Clock | Callable[[], int] | None = None,
        hub_is_real: bool = False,
        registries: Mapping[str, Place] | None = None,
        network: bool = False,
        execute: str | None = None,
    ) -> None:
        check_flag("network", network)
        reached = RegistryNetwork(
            registries, allowed=network, hub_is_real=hub_is_real, double="fake BuildKit"
        )
        self._worker = _Worker(run_policy, nanoseconds(clock), reached)
        self._worker.machines = machines_for(execute)
        look = LOOKS[_VERSION]
        self.solver = Solver(self._worker, look)
        super().__init__(
            self.solver,
            version=look.version,
            frontend_version=f"{look.frontend}.0",
            workers=[daemon_worker(look)],
            gateway=SolverGateway(self.solver),
            cache=SolverUsage(self.solver),
            handlers={HEALTH_METHOD: _answer_health},
        )
        self.run_rules = self._worker.rules

    def __repr__(self) -> str:
        return f"<FakeBuildKit {_VERSION}, {len(self.records)} builds>"

    @property
    def records(self) -> list[BuildRecord]:
        """Of every build, what it was asked for and did."""
        return self._worker.builds

    # --- images from nowhere --------------------------------------------------

    def seed_image(
        self, name: str, *, platforms: Sequence[str] = ("linux/amd64",), **content: Any
    ) -> None:
        """Let a registry have an image, without a network.

        Args:
            name: as in `python:3.12-slim` or `registry.example/base:1`.
            platforms: what it is for, as in `linux/arm64`.
            content: as for `FakeDockerEngine.seed_image`, without `architecture`.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: it is no name of an image, or none of a platform.
        """
        check_text("name", name, _A_NAME)
        try:
            reference = ImageReference.parse(name)
            wanted = [Platform.parse(text) for text in platforms]
        except (ImageNameError, ImageFormatError) as error:
            raise ValueError(str(error)) from error
        for platform in wanted:
            image = seeded_image(
                "",
                self._worker.time_ns(),
                architecture=platform.architecture,
                variant=platform.variant,
                programs=programs_for(self._worker.machines, name),
                **content,
            )
            self._worker.seed(reference, platform, image)

    def _remote_contents(self) -> RemoteContents:
        return self.solver.remote

    # --- looking in -----------------------------------------------------------

    def image_tree(self, name: str, platform: str = "linux/amd64") -> ImageView:
        """An image that was exported with the exporter `image`, for assertions.

        Args:
            name: as the build named it.
            platform: which one of several.

        Raises:
            LookupError: there is none of this name and platform.
            ScriptError: the double itself failed.
        """
        self.check()
        image = self._worker.exported(name, platform)
        return ImageView(name, image.tree, image.parsed, image.layers)

    # --- doors ----------------------------------------------------------------

    @contextmanager
    def serve(
        self,
        listen: str | None = None,
        *,
        control: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> Iterator[str]:
        """Serve clients that speak HTTP/2 by prior knowledge, for the length of a `with` block.

        Args:
            listen: `unix://PATH` or `tcp://HOST:PORT` (port 0 picks one); a socket in a fresh
                folder when left out.
            control: let the double be steered by JSON below `/_double/`, in HTTP/1.1.
            tls: the context of a server that speaks TLS.

        Returns:
            A context manager whose value is the address.

        Raises:
            ScriptError: at the end, when the double itself failed.
        """
        serve: Callable[[socket.socket], None] = self.attach
        if control:
            steered = SteeredBuildKit(self, _VERSION)
            serve = partial(steered_or_served, attach=self.attach, buildkit=steered)
        with self._serving(serve, listen, tls) as address:
            yield address

    def forget_records(self) -> None:
        """Forget the builds and what was asked for; images and caches stay."""
        self.builds.clear()
        self.records.clear()

    def reset(self) -> None:
        """Forget everything, as if the daemon had just been made.

        Seeds, rules, faults, records, images, caches and history are gone; who is connected
        stays so.
        """
        super().reset()
        self._worker.forget()
        self.run_rules = self._worker.rules
        self.solver.reset()


def _answer_health(call: Call) -> None:
    call.receive()
    serving = HealthCheckResponse(status=HealthCheckResponse.SERVING)
    call.send(serving.SerializeToString())


class _Worker:
    """What a daemon of its own has: seeds, rules, and the images that were exported."""

    machines: Machines | None = None

    def __init__(self, run_policy: str, clock: Callable[[], int], network: RegistryNetwork) -> None:
        self._run_policy = run_policy
        self.time_ns = clock
        self._network = network
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.rules = RunRules(self._run_policy)
        self.builds: list[BuildRecord] = []
        self._seeds: dict[tuple[str, str], list[tuple[Platform, Image, str]]] = {}
        self._exported: dict[str, list[Image]] = {}

    def seed(self, reference: ImageReference, platform: Platform, image: Image) -> None:
        """Let a repository have an image."""
        key = (reference.full_repository, reference.tag or DEFAULT_TAG)
        digest = digest_of(b"seeded " + image.document)
        kept = [seed for seed in self._seeds.get(key, []) if seed[0] != platform]
        self._seeds[key] = [*kept, (platform, image, digest)]

    # --- for the solver -------------------------------------------------------

    def local_image(
        self,
        reference: str,  # noqa: ARG002
        platform: Platform,  # noqa: ARG002
    ) -> tuple[Image, str] | None:
        """A daemon of its own has no store that goes before registries."""
        return None

    @property
    def hub_is_real(self) -> bool:
        """Whether names of the public hub that nobody seeded lead to a registry."""
        return self._network.hub_is_real or self._network.has(HUB)

    def address(self, domain: str) -> str:
        """Return where the registry of a host is.

        Raises:
            OutOfReachError: it is out of reach.
        """
        return self._network.address(domain)

    def knows(self, name: ImageReference) -> bool:
        """Whether anything of a repository was seeded."""
        repository = name.full_repository
        return any(key[0] == repository for key in self._seeds)

    def remote_image(self, name: ImageReference, platform: Platform) -> tuple[Image, str] | None:
        """Return a seeded image for a platform, and the digest of its manifest.

        One that was seeded for a single platform is a manifest without an index: it serves every
        platform, as registries have it.

        Raises:
            ImageBuilderError: it was seeded for others than this platform.
        """
        repository, meant = name.full_repository, False
        for (path, tag), seeds in self._seeds.items():
            if path != repository:
                continue
            if name.digest is None and tag != (name.tag or DEFAULT_TAG):
                continue
            for own, image, digest in seeds:
                if name.digest is None:
                    meant, fits = True, len(seeds) == 1 or platform.runs(own)
                else:
                    fits = digest == str(name.digest)
                if fits:
                    return image, digest
        if meant:
            raise ImageBuilderError("no match for platform in manifest: not found")
        return None

    def keep(self, image: Image, names: Sequence[str]) -> str:
        """Keep an image that was exported."""
        for name in names:
            kept = [
                other
                for other in self._exported.get(name, [])
                if _architecture(other) != _architecture(image)
            ]
            self._exported[name] = [*kept, image]
        return image.config_digest

    def exported(self, name: str, platform: str) -> Image:
        """Return an image that was exported.

        Raises:
            LookupError: there is none.
        """
        wanted = Platform.parse(platform).architecture
        for key, images in self._exported.items():
            if _full(key) == _full(name):
                for image in images:
                    if _architecture(image) == wanted:
                        return image
        known = ", ".join(sorted(self._exported)) or "none"
        raise LookupError(f"no image {name} for {platform} was exported; names: {known}")


def _full(name: str) -> str:
    reference = ImageReference.parse(name)
    return f"{reference.full_repository}:{reference.tag or DEFAULT_TAG}"


def _architecture(image: Image) -> str:
    return str(image.parsed.get("architecture", ""))
