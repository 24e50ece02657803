"""Images as registries have them."""

from __future__ import annotations

from types import TracebackType

from imagebuilders.distribution import CredentialSource
from imagebuilders.distribution.registries import Registries, choose_image, read_config
from imagebuilders.exceptions import ImageBuilderError, RegistryNotFoundError
from imagebuilders.oci.json_document import dump_object
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference


class RegistryImages:
    """Asks registries how images are configured; each image is asked for once.

    It is an `imagebuilders.evaluation.Images`, and a context manager that closes its connections.
    """

    def __init__(self, credentials: CredentialSource | None = None) -> None:
        """Begin without a connection.

        Args:
            credentials: knows who to be at which registry.
        """
        self._registries = Registries(credentials)
        self._known: dict[tuple[str, str], bytes] = {}

    def __enter__(self) -> RegistryImages:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._registries.close()

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the JSON document of an image's configuration.

        Raises:
            ImageNameError: the reference is malformed.
            RegistryError: the registry cannot be asked.
            ImageFormatError: what it answers is malformed.
            ImageBuilderError: there is no such image, or none for the platform.
        """
        key = (reference, str(platform))
        if key not in self._known:
            self._known[key] = self._ask(reference, platform)
        return self._known[key]

    def _ask(self, reference: str, platform: Platform) -> bytes:
        name = ImageReference.parse(reference)
        repository = self._registries.repository(name)
        try:
            stored = repository.read_manifest(name.digest or name.tag or DEFAULT_TAG)
        except RegistryNotFoundError as error:
            raise ImageBuilderError(f"{reference}: not found") from error
        found = choose_image(repository, stored.parse(), platform)
        if found is None:
            raise ImageBuilderError("no match for platform in manifest: not found")
        return read_config(repository, found)


class UnknownImages:
    """Takes every image for one without configuration, so that nobody need be asked."""

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return a configuration that says nothing but the platform."""
        document = {**platform.to_json(), "history": [{"created_by": f"FROM {reference}"}]}
        return dump_object(document)
