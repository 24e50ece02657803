"""The ECR container registry, against a registry double that wants ECR's tokens."""

from __future__ import annotations

import base64
import datetime
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeRegistry
from imagebuilders import (
    BuildContext,
    ECRContainerRegistry,
    LocalImageBuilder,
)
from imagebuilders.exceptions import ConfigurationError, ImageNameError, RegistryError

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
NOW = 1_700_000_000.0


class Service:
    """ECR's own service as a client of boto3: its tokens, and the repositories there are."""

    def __init__(self) -> None:
        self.passwords = iter(f"token-{number}" for number in range(1, 100))
        self.given: list[str] = []
        self.repositories: dict[str, dict[str, Any]] = {}
        self.lifetime = 12 * 3600.0
        self.errors: list[Exception] = []
        self.clock: Callable[[], float] = time.time

    def get_authorization_token(self) -> dict[str, Any]:
        """Give the next token."""
        if self.errors:
            raise self.errors.pop(0)
        self.given.append(next(self.passwords))
        token = base64.b64encode(f"AWS:{self.given[-1]}".encode()).decode()
        ends = datetime.datetime.fromtimestamp(self.clock() + self.lifetime, datetime.timezone.utc)
        return {"authorizationData": [{"authorizationToken": token, "expiresAt": ends}]}

    def describe_repositories(self, repositoryNames: list[str], **_: object) -> dict[str, Any]:  # noqa: N803
        """Find repositories."""
        if not set(repositoryNames) <= set(self.repositories):
            raise self.error("RepositoryNotFoundException")
        return {"repositories": [self.repositories[name] for name in repositoryNames]}

    def create_repository(self, repositoryName: str, **more: Any) -> dict[str, Any]:  # noqa: N803
        """Make a repository."""
        if self.errors:
            raise self.errors.pop(0)
        self.repositories[repositoryName] = more
        return {}

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def error(code: str) -> Exception:
        """The error that botocore makes of an answer."""
        made: Exception = ClientError(
            {
                "Error": {"Code": code, "Message": "said the service"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            },
            "Operation",
        )
        return made


@pytest.fixture
def service(mocker: MockerFixture) -> Service:
    """The service, in place of a client of boto3."""
    made = Service()
    mocker.patch("imagebuilders.aws.calls.open_client", return_value=made)
    return made


@pytest.fixture
def registry_double(service: Service) -> Iterator[FakeRegistry]:
    """A registry that takes the first token."""
    with FakeRegistry(auth="basic", users={"AWS": "token-1"}) as registry:
        yield registry


def _at(registry: FakeRegistry, **settings: Any) -> ECRContainerRegistry:
    given: dict[str, Any] = {"account_id": ACCOUNT, "region": "eu-central-1", **settings}
    return ECRContainerRegistry(uri=registry.address, **given)


# --- settings ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"uri": "ghcr.io/team"}, "not a host of ECR"),
        ({"uri": "ghcr.io", "region": "us-east-1"}, "give account_id and region"),
        ({"uri": HOST, "region": "us-east-1"}, "the host's name says 'eu-central-1'"),
        ({"uri": HOST, "account_id": "000000000000"}, f"the host's name says '{ACCOUNT}'"),
        ({"uri": "localhost:1", "account_id": "12", "region": "x"}, "account_id"),
        ({"uri": HOST, "username": "me", "password": "hidden"}, "username and password are not"),
        ({"uri": HOST, "key": "only"}, "key and secret belong together"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], words: str) -> None:
    """The error says what is wrong, and shows no secret."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        ECRContainerRegistry(**settings)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "name", "region"),
    [
        (HOST, "ecr", "eu-central-1"),
        ("public.ecr.aws/alias", "ecr-public", "us-east-1"),
        (f"{ACCOUNT}.dkr-ecr-fips.us-gov-east-1.on.aws", "ecr", "us-gov-east-1"),
    ],
)
def test_who_is_asked_for_tokens(mocker: MockerFixture, uri: str, name: str, region: str) -> None:
    """The service of the host's own region, by an address of the host's own kind."""
    opened = mocker.patch(
        "imagebuilders.aws.calls.open_client", side_effect=ConfigurationError("stop")
    )
    with pytest.raises(ConfigurationError, match="stop"):
        _ = ECRContainerRegistry(uri=uri).credentials
    assert opened.call_args.args[0] == name
    assert opened.call_args.args[1].region == region
    is_special = "fips" in uri or None
    assert opened.call_args.kwargs["options"] == {
        "use_fips_endpoint": is_special,
        "use_dualstack_endpoint": is_special,
    }


# --- tokens ------------------------------------------------------------------


def test_a_token_is_kept(service: Service) -> None:
    """It is fetched once, for `credentials` and for builders alike."""
    registry = ECRContainerRegistry(uri=HOST)
    assert registry.credentials == ("AWS", "token-1")
    found = registry.credentials_for(HOST)
    assert found is not None
    assert found.password == "token-1"
    assert service.given == ["token-1"]
    assert "token-1" not in repr(registry)


def test_a_token_that_ends_soon_is_not_used(service: Service) -> None:
    """What ends within a quarter of an hour could end before the push."""
    service.lifetime = 14 * 60
    registry = ECRContainerRegistry(uri=HOST)
    assert registry.credentials == ("AWS", "token-1")
    assert registry.credentials == ("AWS", "token-2")


@pytest.fixture
def clock(service: Service, mocker: MockerFixture) -> Any:
    """What is the time for the service and for who keeps its tokens."""
    made = mocker.Mock(return_value=NOW)
    mocker.patch("imagebuilders.aws.ecr.tokens.time", time=made)
    service.clock = made
    return made


def test_a_refused_token_is_fetched_anew(
    service: Service, registry_double: FakeRegistry, clock: Any
) -> None:
    """A token kept for a while is shown to the registry; 401 leads to a new one."""
    registry = _at(registry_double)
    assert registry.credentials == ("AWS", "token-1")
    assert registry_double.requests == []  # a new one is not doubted
    clock.return_value += 120
    assert registry.credentials == ("AWS", "token-1")
    asked = len(registry_double.requests)
    assert asked
    assert registry.credentials == ("AWS", "token-1")
    assert len(registry_double.requests) == asked  # it is not asked each time
    port = int(registry_double.address.rpartition(":")[2])
    registry_double.close()
    with FakeRegistry(auth="basic", users={"AWS": "token-2"}, port=port):
        clock.return_value += 120
        assert registry.credentials == ("AWS", "token-2")


def test_a_silent_registry_condemns_no_token(service: Service, clock: Any) -> None:
    """Who cannot be reached has not refused it."""
    with FakeRegistry() as gone:
        registry = _at(gone)
    _ = registry.credentials
    clock.return_value += 120
    assert registry.credentials == ("AWS", "token-1")


def test_no_token(service: Service) -> None:
    """The error names the registry and the right that is needed."""
    service.errors = [service.error("AccessDeniedException")]
    with pytest.raises(RegistryError, match="ecr:GetAuthorizationToken") as caught:
        _ = ECRContainerRegistry(uri=HOST).credentials
    assert caught.value.registry == HOST


def test_a_copy_fetches_its_own_token(service: Service) -> None:
    """A component that is sent to another process carries settings, and no token."""
    registry = ECRContainerRegistry(uri=HOST)
    _ = registry.credentials
    data = pickle.dumps(registry)
    assert b"token-1" not in data
    assert pickle.loads(data).credentials == ("AWS", "token-2")


# --- building ----------------------------------------------------------------


@pytest.fixture
def context() -> BuildContext:
    """A context that is built in a moment."""
    made = BuildContext()
    made.add_file("FROM scratch\nCOPY a /a\n", "Dockerfile")
    made.add_file("a", "a")
    return made


def test_a_builder_with_an_engine_pushes(
    service: Service, registry_double: FakeRegistry, context: BuildContext
) -> None:
    """The engine logs in and pushes with the token; the repository is made on request."""
    with closing(FakeDockerClient()) as client:
        registry = _at(
            registry_double, docker_client=client, create_repositories=True, immutable_tags=True
        )
        digest = LocalImageBuilder().build(
            f"{registry.uri}/team/app:1", context, container_registry=registry
        )
    assert digest == f"{registry.uri}/team/app@{registry_double.manifest('team/app:1').digest}"
    assert service.repositories == {
        "team/app": {"registryId": ACCOUNT, "imageTagMutability": "IMMUTABLE"}
    }
    assert service.given == ["token-1"]


def test_a_repository_is_made_once(service: Service) -> None:
    """One that is there stays as it is, and a faster client is no error."""
    registry = ECRContainerRegistry(uri=HOST, create_repositories=True)
    registry.prepare_push(f"{HOST}/app:1")
    service.errors = [service.error("RepositoryAlreadyExistsException")]
    registry.prepare_push(f"{HOST}/app:2")  # there: not even tried
    registry.prepare_push(f"{HOST}/other:1")
    assert service.repositories == {"app": {"registryId": ACCOUNT}}


def test_no_repository_is_made_unasked(service: Service) -> None:
    """By default a push fails at a missing repository, as with other tools."""
    ECRContainerRegistry(uri=HOST).prepare_push(f"{HOST}/app:1")
    assert service.repositories == {}


def test_a_repository_that_cannot_be_made(service: Service) -> None:
    """The error names it."""
    service.errors = [service.error("AccessDeniedException")]
    registry = ECRContainerRegistry(uri=HOST, create_repositories=True)
    with pytest.raises(RegistryError, match=r"'app' of .* was not made"):
        registry.prepare_push(f"{HOST}/app:1")
    with pytest.raises(ImageNameError):
        registry.prepare_push("ghcr.io/app:1")


def test_a_public_repository_has_no_alias(service: Service) -> None:
    """The first part of a public image's path is the registry's alias."""
    registry = ECRContainerRegistry(uri="public.ecr.aws/alias", create_repositories=True)
    registry.prepare_push("public.ecr.aws/alias/app:1")
    assert service.repositories == {"app": {}}
