"""The abstraction every container registry implements."""

from __future__ import annotations

import builtins
from abc import ABC
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import Field, SecretStr, field_validator, model_validator
from typing_extensions import TypeVar

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.flavor import Flavor
from imagebuilders.components.overridable import overridable_property
from imagebuilders.container_registries.engine_pusher import EnginePusher
from imagebuilders.container_registries.uri import normalize_registry_uri
from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.reference import ImageReference, parse_build_target

if TYPE_CHECKING:
    import docker
    from typing_extensions import Self

    from imagebuilders.auth.credentials import Credentials


class BaseContainerRegistryConfig(StackComponentConfig):
    """Settings of a container registry."""

    uri: str
    """The prefix of its images' names: `localhost:5000`, `ghcr.io/team`, `docker.io/user`.

    A scheme and a trailing slash are accepted and taken off.
    """

    username: SecretStr | None = None
    """The user to push as; without one, the user's own Docker configuration counts."""

    password: SecretStr | None = None
    """The user's password or access token."""

    idle_timeout: float | None = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds a push may go without a word from the engine; `None` for no limit."""

    @field_validator("uri")
    @classmethod
    def _normalize_uri(cls, value: str) -> str:
        return normalize_registry_uri(value)

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.username is None) != (self.password is None):
            missing = "password" if self.password is None else "username"
            raise ValueError(f"username and password go together; the {missing} is missing")
        return self


ConfigT = TypeVar(
    "ConfigT",
    bound=BaseContainerRegistryConfig,
    default=BaseContainerRegistryConfig,
    covariant=True,
)


class BaseContainerRegistry(StackComponent[ConfigT], ABC):
    """A place where images go.

    It knows which names are its own and who to be there, which is what every builder needs. For
    builders that build with a Docker Engine, `docker_client` and `push_image` lead to one; nobody
    else needs an engine.
    """

    config_class = BaseContainerRegistryConfig

    def __init__(
        self,
        config: ConfigT | None = None,
        *,
        name: str = "default",
        id: UUID | None = None,  # noqa: A002  (the documented name)
        docker_client: docker.DockerClient | None = None,
        **settings: object,
    ) -> None:
        """Make the component.

        Args:
            config: its settings; not together with `settings`.
            name: what the user calls it.
            id: a stable identity; a new one when none is given.
            docker_client: the engine's client to push with; without one, the engine is looked
                for when it is first needed.
            settings: fields of the config.

        Raises:
            ConfigurationError: a setting is unknown, missing or has a wrong value, or
                `docker_client` is not a `docker.DockerClient`.
        """
        super().__init__(config, name=name, id=id, **settings)
        self._engine = EnginePusher(docker_client, owner=type(self).__name__)

    @property
    def uri(self) -> str:
        """The prefix of its images' names, without scheme and trailing slash."""
        return self.config.uri

    @property
    def address(self) -> str:
        """The registry's domain, with its port."""
        return self.uri.partition("/")[0]

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Username and password: the configured ones, else those of the user's Docker
        configuration (with its credential helpers), else `None`.

        For an identity token the username is `<token>`, as Docker's helpers spell it.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """
        username, password = self.config.username, self.config.password
        if username is not None and password is not None:
            return username.get_secret_value(), password.get_secret_value()
        from imagebuilders.auth.keychain import shared_keychain

        with shared_keychain() as keychain:
            found = keychain.credentials_for(self.address)
        return None if found is None else found.pair

    def resolve_credentials(self) -> Credentials | None:
        """Return `credentials` as a value, which has a registry's bearer token, too.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """
        from imagebuilders.auth.credentials import Credentials
        from imagebuilders.auth.keychain import shared_keychain

        overridden = type(self).credentials is not BaseContainerRegistry.credentials
        if overridden or self.config.username is not None:
            pair = self.credentials
            return None if pair is None else Credentials.from_pair(*pair)
        with shared_keychain() as keychain:
            return keychain.credentials_for(self.address)

    def credentials_for(self, host: str) -> Credentials | None:
        """Return who to be at a registry: here with `credentials`, elsewhere as the user is.

        This is what a builder without an engine asks for each registry that a build comes to.

        Args:
            host: the registry's domain, with its port.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """
        from imagebuilders.auth.credentials import domain_of
        from imagebuilders.auth.keychain import shared_keychain

        if domain_of(host) == domain_of(self.address):
            return self.resolve_credentials()
        with shared_keychain() as keychain:
            return keychain.credentials_for(host)

    @property
    def docker_client(self) -> docker.DockerClient:
        """The engine's client, made when first asked for.

        It is logged in with `credentials`, if there are any: wrong ones are found out before
        anything is built. Identity tokens cannot be tried before they are used.

        Raises:
            EngineNotFoundError: no engine answers.
            RegistryError: the registry refused the login or could not be reached.
        """
        return self._engine.client(self)

    def close(self) -> None:
        """Close the client that `docker_client` made; one that was given stays open."""
        self._engine.close()

    def is_valid_image_name_for_registry(self, image_name: str) -> bool:
        """Whether the name is well-formed and names an image in this registry.

        Both sides are compared in full, so that `app` belongs to `docker.io`.
        """
        try:
            reference = ImageReference.parse(image_name)
        except ImageNameError:
            return False
        domain, _, prefix = self.uri.partition("/")
        return reference.domain == domain and (
            not prefix or reference.path.startswith(f"{prefix}/")
        )

    def check_image_name(self, image_name: str | None) -> ImageReference:
        """Parse the name of an image that is to be pushed here.

        Raises:
            ImageNameError: it is missing (`None`), malformed, has a digest, or belongs to another
                registry.
        """
        reference = parse_build_target(image_name)
        assert image_name is not None  # else it was refused
        if not self.is_valid_image_name_for_registry(image_name):
            raise ImageNameError(
                f"The image name {image_name!r} does not belong to the container registry "
                f"{self.name!r}: it would go to {reference.full_repository}, but the "
                f"registry's names begin with '{self.uri}/'.",
                image_name=image_name,
            )
        return reference

    def prepare_push(self, image_name: str) -> None:
        """Make what must be there before an image is pushed; builders call it before they build.

        Most registries make a repository when it is first pushed to, and this does nothing.

        Args:
            image_name: the image's name; it belongs to the registry.

        Raises:
            RegistryError: it cannot be made.
        """

    def push_image(self, image_name: str) -> str:
        """Push an image that the engine of `docker_client` has.

        Args:
            image_name: its name; without a tag, `latest` is pushed.

        Returns:
            Its repo digest, `repo@sha256:…`.

        Raises:
            ImageNameError: the name is malformed or belongs to another registry.
            PushError: the registry did not take it.
            RegistryError: the login failed.
        """
        from imagebuilders.auth.keychain import shared_keychain

        reference = self.check_image_name(image_name)
        with shared_keychain():
            auth_config = self.auth_config()  # what is wrong with it is known without an engine
            return self._engine.push(
                self.docker_client,
                reference,
                auth_config=auth_config,
                idle_timeout=self.config.idle_timeout,
            )

    def auth_config(self) -> dict[str, str] | None:
        """Return the credentials in the form of the engine's API; `None` without any.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """
        found = self.resolve_credentials()
        return None if found is None else found.auth_config(self.address)


class BaseContainerRegistryFlavor(Flavor, ABC):
    """Base of the flavors of container registries."""

    @overridable_property
    def type(self) -> StackComponentType:
        """`StackComponentType.CONTAINER_REGISTRY`."""
        return StackComponentType.CONTAINER_REGISTRY

    @overridable_property
    def config_class(self) -> builtins.type[BaseContainerRegistryConfig]:
        """The class of the registry's settings."""
        return BaseContainerRegistryConfig

    @overridable_property
    def implementation_class(self) -> builtins.type[BaseContainerRegistry]:
        """The registry's class."""
        return BaseContainerRegistry
