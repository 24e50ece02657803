"""Amazon ECR: registries that are entered with a token of the account's own service."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import Field, model_validator

from imagebuilders.auth.credentials import Credentials
from imagebuilders.aws.calls import AWSCalls
from imagebuilders.aws.ecr.names import ECRHost, parse_ecr_host
from imagebuilders.aws.ecr.repositories import ensure_repository
from imagebuilders.aws.ecr.tokens import TokenSource
from imagebuilders.aws.settings import AWSSettings
from imagebuilders.components.flavor import BuiltInFlavor
from imagebuilders.container_registries.base import (
    BaseContainerRegistry,
    BaseContainerRegistryConfig,
    BaseContainerRegistryFlavor,
)
from imagebuilders.exceptions import AWSError, RegistryAccessError, RegistryError

if TYPE_CHECKING:
    import docker
    from typing_extensions import Self


class ECRContainerRegistryConfig(AWSSettings, BaseContainerRegistryConfig):
    """Settings of the ECR container registry: those of all AWS components, and its own.

    Account and region are in the host's name, as in
    `123456789012.dkr.ecr.eu-central-1.amazonaws.com`. Where the host is another one (a proxy, a
    pull-through name of one's own, a service that speaks ECR's protocol), they are given.
    """

    account_id: str | None = Field(default=None, pattern=r"^[0-9]{12}$")
    """The account whose registry it is, where the host does not say so."""
    create_repositories: bool = False
    """Whether to make a repository that is missing before a build pushes to it."""
    immutable_tags: bool = False
    """Whether tags in repositories that are made so stay what they are once pushed."""

    @model_validator(mode="after")
    def _known_registry(self) -> Self:
        if self.username is not None:
            raise ValueError(
                "username and password are not used: ECR is entered with tokens, which key and "
                "secret, a profile or a role stand for"
            )
        host = parse_ecr_host(self.uri.partition("/")[0])
        if host is None:
            if self.account_id is None or self.region is None:
                raise ValueError(
                    f"{self.uri!r} is not a host of ECR, which is named as in "
                    "123456789012.dkr.ecr.eu-central-1.amazonaws.com; give account_id and region "
                    "where another host leads to one"
                )
            return self
        for setting, given, said in (
            ("account_id", self.account_id, host.account_id),
            ("region", self.region, host.region),
        ):
            if given is not None and given != said:
                raise ValueError(f"{setting} is {given!r}, but the host's name says {said!r}")
        return self

    @property
    def host(self) -> ECRHost:
        """Whose registry it is, and where its tokens are had."""
        found = parse_ecr_host(self.uri.partition("/")[0])
        return found or ECRHost(self.account_id or "", self.region or "")


class ECRContainerRegistry(BaseContainerRegistry[ECRContainerRegistryConfig]):
    """A private registry of Amazon ECR, in any partition, or the public one.

    Its credentials are a token, which is kept until shortly before it ends, and fetched anew when
    the registry refuses it.
    """

    def __init__(
        self,
        config: ECRContainerRegistryConfig | None = None,
        *,
        name: str = "default",
        id: UUID | None = None,  # noqa: A002  (the documented name)
        docker_client: docker.DockerClient | None = None,
        **settings: object,
    ) -> None:
        """Make the component; arguments are as in `BaseContainerRegistry`.

        Raises:
            ConfigurationError: a setting is unknown, missing or has a wrong value.
        """
        super().__init__(config, name=name, id=id, docker_client=docker_client, **settings)
        host = self.config.host
        self._calls = AWSCalls(
            "ecr-public" if host.is_public else "ecr",
            self.config.model_copy(update={"region": host.region}),
            options={
                "use_fips_endpoint": host.is_fips or None,
                "use_dualstack_endpoint": host.is_dual_stack or None,
            },
        )
        self._tokens = TokenSource(self._calls, is_public=host.is_public)

    @property
    def credentials(self) -> tuple[str, str] | None:
        """The user `AWS` and a token.

        Raises:
            RegistryError: the service gave no token.
            ConfigurationError: boto3 is not installed, or the settings cannot be used here.
        """
        return self.resolve_credentials().pair

    def resolve_credentials(self) -> Credentials:
        """Return `credentials` as a value.

        A token that was fetched more than a minute ago is shown to the registry first: one that
        it refuses is fetched anew.

        Raises:
            RegistryError: the service gave no token.
            ConfigurationError: boto3 is not installed, or the settings cannot be used here.
        """
        try:
            is_unsure = self._tokens.needs_check()
            found = self._tokens.credentials()
            if is_unsure and not self._is_accepted(found):
                self._tokens.forget(found)
                found = self._tokens.credentials()
        except AWSError as error:
            raise RegistryError(
                f"There is no token for {self.address}. {error} The right that is needed is "
                f"{self._service_prefix}:GetAuthorizationToken.",
                registry=self.address,
            ) from error
        return found

    def prepare_push(self, image_name: str) -> None:
        """Make the image's repository if it is missing and the settings say so.

        Raises:
            RegistryError: it cannot be made.
            ConfigurationError: boto3 is not installed, or the settings cannot be used here.
        """
        if not self.config.create_repositories:
            return
        path = self.check_image_name(image_name).path
        host = self.config.host
        if host.is_public:
            path = path.partition("/")[2]  # behind the registry's alias
        try:
            ensure_repository(
                self._calls,
                path,
                account_id=host.account_id,
                is_immutable=self.config.immutable_tags and not host.is_public,
            )
        except AWSError as error:
            raise RegistryError(
                f"The repository {path!r} of {self.address} is not there and was not made. {error}",
                registry=self.address,
            ) from error

    def push_image(self, image_name: str) -> str:
        """Push an image that the engine has; see `BaseContainerRegistry.push_image`."""
        self.prepare_push(image_name)
        return super().push_image(image_name)

    def close(self) -> None:
        """Close the connections; the registry opens new ones when it is used again."""
        self._calls.close()
        super().close()

    @property
    def _service_prefix(self) -> str:
        return "ecr-public" if self.config.host.is_public else "ecr"

    def _is_accepted(self, credentials: Credentials) -> bool:
        """Ask the registry whether it takes a token."""
        from imagebuilders.distribution.client import RegistryClient, Timeouts
        from imagebuilders.distribution.retries import RetryPolicy

        try:
            with RegistryClient(
                self.address,
                credentials=_Single(credentials),
                retries=RetryPolicy(attempts=1),
                timeouts=Timeouts(connect=10.0, idle=20.0),
            ) as client:
                client.ping()
        except RegistryAccessError:
            return False
        except RegistryError:
            return True  # not the token's fault; whoever pushes tells it
        self._tokens.note_accepted(credentials)
        return True


class _Single:
    """Answers with the same credentials everywhere."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def credentials_for(self, registry: str) -> Credentials:
        del registry
        return self._credentials


class ECRContainerRegistryFlavor(BuiltInFlavor, BaseContainerRegistryFlavor):
    """The flavor `ecr`."""

    name = "ecr"
    config_class = ECRContainerRegistryConfig
    implementation_class = ECRContainerRegistry
