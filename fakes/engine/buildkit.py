"""The BuildKit inside an engine double: a solver that has the engine's images and rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ..buildkit import ScriptedBuildKit
from ..buildkit.solver import (
    LOOKS,
    Solver,
    SolverGateway,
    SolverUsage,
    engine_worker,
    version_record,
)
from ..images.reference import HUB, InvalidReferenceError
from .errors import ApiError
from .images.content_store import has_content

if TYPE_CHECKING:
    from imagebuilders.oci.platform import Platform
    from imagebuilders.oci.reference import ImageReference

    from ..images.image import Image
    from ..records import BuildRecord
    from ..shell.machines import Machines
    from ..shell.run_rules import RunRules
    from .containers.store import ContainerStore
    from .images.store import ImageStore
    from .registries.access import RegistryAccess
    from .versions import EngineVersion


class Stores(Protocol):
    """An engine, as far as its BuildKit knows it. What it has is another after a reset.

    Attributes:
        clock: nanoseconds since the epoch.
        images: every image.
        containers: every container.
        registries: where pulls come from.
        run_rules: what RUN steps do.
        machines: what evaluates commands; `None` if nothing does.
        builds: every build.
    """

    clock: Callable[[], int]
    images: ImageStore
    containers: ContainerStore
    registries: RegistryAccess
    run_rules: RunRules
    machines: Machines | None
    builds: list[BuildRecord]

    def parse_name(self, name: str) -> ImageReference:
        """Read an image name."""
        ...


class EngineWorker:
    """What an engine gives the solver of its BuildKit.

    Args:
        stores: of the engine.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    @property
    def rules(self) -> RunRules:
        """What RUN steps do."""
        return self._stores.run_rules

    @property
    def machines(self) -> Machines | None:
        """What evaluates commands; `None` if nothing does."""
        return self._stores.machines

    @property
    def builds(self) -> list[BuildRecord]:
        """Where builds are recorded."""
        return self._stores.builds

    @property
    def hub_is_real(self) -> bool:
        """Whether names of the public hub that nobody seeded lead to a registry."""
        registries = self._stores.registries
        return registries.hub_is_real or registries.network.has(HUB)

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return self._stores.clock()

    def address(self, domain: str) -> str:
        """Return where the registry of a host is.

        Raises:
            OutOfReachError: it is out of reach.
        """
        return self._stores.registries.network.address(domain)

    def local_image(self, reference: str, platform: Platform) -> tuple[Image, str] | None:
        """Return an image of the engine's own store, and the digest that its name leads to."""
        images = self._stores.images
        try:
            named = images.find(reference)
        except ApiError:
            return None
        image = named.for_platform(platform)
        if image is None:
            return None
        return image, named.id if has_content(images.state) else ""

    def knows(self, name: ImageReference) -> bool:
        """Return whether anything of a repository of the public hub was seeded."""
        return name.domain == HUB and name.path in self._stores.registries.hub.paths()

    def remote_image(self, name: ImageReference, platform: Platform) -> tuple[Image, str] | None:
        """Return an image of the public hub that was seeded, and the digest of its manifest.

        Raises:
            ImageBuilderError: what was seeded is for other platforms.
        """
        if not self._stores.registries.is_seeded(name):
            return None
        found = self._stores.registries.hub.find(name.path, name.tag, name.digest)
        return None if found is None else (found[0].for_platform(platform), found[1])

    def keep(self, image: Image, names: Sequence[str]) -> str:
        """Put an image into the store, under some names."""
        images = self._stores.images
        with images.lock:
            kept = images.put(image)
            if kept is not image:
                kept.builds += image.builds
                if image.is_unpacked:
                    images.unpack(kept)
            if has_content(images.state):
                images.note("create", kept)
            for name in names:
                try:
                    reference = self._stores.parse_name(name)
                except InvalidReferenceError:
                    continue  # containerd takes any name, and the engine finds none by this
                before = images.id_of(reference)
                images.retag(reference, kept)
                if before not in (None, kept.id):
                    self._forget(before)
        return kept.id

    def _forget(self, image_id: str) -> None:
        """Let an image go that lost its last name, where images are what names lead to."""
        images = self._stores.images
        has_users = images.tags_of(image_id) or self._stores.containers.of_image(image_id)
        if has_content(images.state) and not has_users:
            images.drop(image_id)


class EngineBuildKit(ScriptedBuildKit):
    """The BuildKit of an engine, which evaluates Dockerfiles.

    Args:
        stores: of the engine.
        version: what the engine looks like.

    Attributes:
        solver: what builds.
    """

    def __init__(self, stores: Stores, version: EngineVersion) -> None:
        look = LOOKS[version.look]
        self.solver = Solver(EngineWorker(stores), look)
        super().__init__(
            self.solver,
            version=look.version,
            frontend_version=version_record(look).dockerfileVersion,
            workers=[engine_worker(look)],
            gateway=SolverGateway(self.solver),
            cache=SolverUsage(self.solver),
            unreadable=look.unreadable,
        )

    def reset(self) -> None:
        """Forget everything, what was built as well."""
        super().reset()
        self.solver.reset()
