"""The registry client does with the registry double what it does with a real registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry_clients import ClientFactory, Login, Logins

from fakes import FakeRegistry
from fakes.contracts.registry_client import RegistryClientContract, RegistryClientLoginContract
from imagebuilders.distribution import RegistryClient, TLSFiles

_USERS = {"alice": "s3cret"}
_ALICE = Login("alice", "s3cret")


class TestOpen(RegistryClientContract):
    """A registry that asks for nothing."""

    @pytest.fixture
    def registry_client(
        self, fake_registry: FakeRegistry, new_client: ClientFactory
    ) -> RegistryClient:
        """A client of a registry of the test's own."""
        return new_client(fake_registry)


class TestTokens(RegistryClientContract):
    """A registry with tokens, which ends each listing after three entries."""

    @pytest.fixture
    def registry_client(
        self, fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
    ) -> RegistryClient:
        """A client of a registry of the test's own."""
        registry = fake_registry_factory(auth="bearer", users=_USERS, page_size=3)
        return new_client(registry, credentials=Logins(_ALICE))


class TestEncrypted(RegistryClientContract):
    """A registry with TLS and a password."""

    @pytest.fixture
    def registry_client(
        self,
        fake_registry_factory: type[FakeRegistry],
        new_client: ClientFactory,
        tmp_path: Path,
    ) -> RegistryClient:
        """A client of a registry of the test's own."""
        registry = fake_registry_factory(auth="basic", users=_USERS, tls=True)
        authority = registry.certificate.write(tmp_path / "ca.crt")
        return new_client(registry, credentials=Logins(_ALICE), tls=TLSFiles((authority,)))


class TestLogin(RegistryClientLoginContract):
    """Both ways to log in."""

    @pytest.fixture(params=["basic", "bearer"])
    def protected(
        self, request: pytest.FixtureRequest, fake_registry_factory: type[FakeRegistry]
    ) -> FakeRegistry:
        """A registry that asks for a password."""
        return fake_registry_factory(auth=request.param, users=_USERS)

    @pytest.fixture
    def registry_client(self, protected: FakeRegistry, new_client: ClientFactory) -> RegistryClient:
        """A client that knows the password."""
        return new_client(protected, credentials=Logins(_ALICE))

    @pytest.fixture(params=[None, Login(), Login("alice", "wrong")], ids=["none", "empty", "wrong"])
    def stranger(
        self, request: pytest.FixtureRequest, protected: FakeRegistry, new_client: ClientFactory
    ) -> RegistryClient:
        """A client that does not."""
        return new_client(protected, credentials=Logins(request.param))
