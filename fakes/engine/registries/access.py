"""What an engine knows of registries."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagebuilders.oci.reference import ImageReference

from ...images.reference import HUB
from ...images.registry_network import OutOfReachError, RegistryNetwork
from ..images.store import ImageStore
from .client import RegistryClient
from .credentials import Credentials
from .errors import RegistryError
from .hub import Hub
from .layer_sources import LayerSources


@dataclass
class RegistryAccess:
    """Where pulls come from and pushes go to.

    Attributes:
        images: of the engine.
        network: which registries are reached, and where they are.
        hub: what of the public hub was seeded.
        layer_sources: which registries have which layer.
        manifests: content and type of those that were fetched, by digest.
    """

    images: ImageStore
    network: RegistryNetwork = field(default_factory=RegistryNetwork)
    hub: Hub = field(default_factory=Hub)
    layer_sources: LayerSources = field(default_factory=LayerSources)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    @property
    def hub_is_real(self) -> bool:
        """Whether names of the hub lead over the network."""
        return self.network.hub_is_real

    def is_seeded(self, reference: ImageReference) -> bool:
        """Return whether a name leads to what was seeded: one of the hub, unless elsewhere."""
        if reference.domain != HUB or self.network.hub_is_real:
            return False
        return not self.network.has(HUB) or self.hub.has(reference)

    def client(
        self, reference: ImageReference, credentials: Credentials, actions: str
    ) -> RegistryClient:
        """Return a client of the repository that a name means.

        Raises:
            RegistryError: its registry is out of reach.
        """
        address = self.address(reference.domain)
        return RegistryClient(reference, credentials, actions, address)

    def address(self, domain: str) -> str:
        """Return where the registry of a host is.

        Raises:
            RegistryError: it is out of reach; a transfer is not tried again.
        """
        try:
            return self.network.address(domain)
        except OutOfReachError as error:
            raise RegistryError(str(error), final=True) from error
