"""What every container registry must do over HTTP, as tests to subclass."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from .registry_blobs import BlobContract
from .registry_endpoint import (
    UNKNOWN_DIGEST,
    PushedImage,
    RegistryEndpoint,
    error_code,
)
from .registry_manifests import ManifestContract


class ContainerRegistryContract(BlobContract, ManifestContract):
    """Checks a registry against the OCI distribution spec 1.1, by its HTTP interface.

    Subclass it and override the fixture `registry_endpoint`:

        class TestMyRegistry(ContainerRegistryContract):
            @pytest.fixture
            def registry_endpoint(self):
                with requests.Session() as session:
                    yield RegistryEndpoint("http://127.0.0.1:5000", session=session)

    Each test works in repositories of its own, so that one registry may serve all tests.
    Where a registry is known to differ, say so by the fixture `registry_divergences`: those
    tests must then fail.
    """

    @pytest.fixture
    def registry_endpoint(self) -> RegistryEndpoint:
        """Give the registry. To be overridden."""
        raise NotImplementedError("override the fixture registry_endpoint")

    @pytest.fixture
    def registry_divergences(self) -> Mapping[str, str]:
        """Tests that the registry is known to fail, each with the reason. None by default."""
        return {}

    @pytest.fixture(autouse=True)
    def _known_divergences(
        self, request: pytest.FixtureRequest, registry_divergences: Mapping[str, str]
    ) -> None:
        """Expect the failures that `registry_divergences` names."""
        name = request.node.originalname
        reason = registry_divergences.get(request.node.name) or registry_divergences.get(name)
        if reason:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture
    def repository(self, registry_endpoint: RegistryEndpoint) -> str:
        """A repository of the test's own."""
        return registry_endpoint.new_repository()

    @pytest.fixture
    def image(self, registry_endpoint: RegistryEndpoint, repository: str) -> PushedImage:
        """A small image with the tag `1.0`."""
        return registry_endpoint.push_image(repository, "1.0")

    def test_the_version_check_answers(self, registry_endpoint: RegistryEndpoint) -> None:
        """GET /v2/ says that this is a registry."""
        assert registry_endpoint.send("GET", "/v2/").status_code == 200

    # --- listings ----------------------------------------------------------------

    def test_tags_are_listed_in_order(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """Bytewise sorted."""
        for tag in ("b", "A", "a"):
            registry_endpoint.push_manifest(image.repository, tag, image.content)
        assert registry_endpoint.tags(image.repository) == ["1.0", "A", "a", "b"]

    def test_tags_are_listed_in_pages(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """`last` is left out; `Link` leads on to the end."""
        for tag in ("b", "A", "a"):
            registry_endpoint.push_manifest(image.repository, tag, image.content)
        path = f"/v2/{image.repository}/tags/list"
        first = registry_endpoint.send("GET", path, parameters={"n": "2"})
        assert first.json()["tags"] == ["1.0", "A"]
        link, _, relation = first.headers["Link"].partition(";")
        assert relation.strip() == 'rel="next"'
        second = registry_endpoint.send("GET", link.strip("<>"))
        assert second.json()["tags"] == ["a", "b"]
        assert "Link" not in second.headers
        after = registry_endpoint.send("GET", path, parameters={"last": "A"})
        assert after.json()["tags"] == ["a", "b"]

    def test_tags_of_an_unknown_repository_are_not_found(
        self, registry_endpoint: RegistryEndpoint, repository: str
    ) -> None:
        """404 NAME_UNKNOWN."""
        answer = registry_endpoint.send("GET", f"/v2/{repository}/tags/list")
        assert (answer.status_code, error_code(answer)) == (404, "NAME_UNKNOWN")

    def test_the_catalog_names_the_repository(
        self, registry_endpoint: RegistryEndpoint, image: PushedImage
    ) -> None:
        """Not in the spec, but many clients ask for it."""
        path, found = "/v2/_catalog?n=1000", list[str]()
        while path:
            answer = registry_endpoint.send("GET", path)
            found += answer.json()["repositories"]
            path = answer.headers.get("Link", "").partition(";")[0].strip("<>")
        assert image.repository in found
        assert found == sorted(found)


class RegistryLoginContract:
    """Checks a registry that asks for a password, with basic authentication or tokens.

    Subclass it and override the fixture `registry_endpoint`, which must have credentials.
    """

    @pytest.fixture
    def registry_endpoint(self) -> RegistryEndpoint:
        """Give the registry. To be overridden."""
        raise NotImplementedError("override the fixture registry_endpoint")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/v2/"),
            ("GET", "/v2/contract/private/tags/list"),
            ("HEAD", f"/v2/contract/private/blobs/{UNKNOWN_DIGEST}"),
            ("POST", "/v2/contract/private/blobs/uploads/"),
            ("PUT", "/v2/contract/private/manifests/1.0"),
            ("DELETE", f"/v2/contract/private/manifests/{UNKNOWN_DIGEST}"),
        ],
    )
    def test_a_stranger_is_asked_who_it_is(
        self, registry_endpoint: RegistryEndpoint, method: str, path: str
    ) -> None:
        """401 with a challenge, whatever is asked for."""
        answer = registry_endpoint.session.request(method, registry_endpoint.url + path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith(("Basic realm=", "Bearer realm="))
        assert method == "HEAD" or error_code(answer) == "UNAUTHORIZED"

    def test_a_wrong_password_is_refused(self, registry_endpoint: RegistryEndpoint) -> None:
        """At the registry, or already at its token service."""
        assert registry_endpoint.credentials is not None
        stranger = RegistryEndpoint(
            registry_endpoint.url,
            (registry_endpoint.credentials[0], "not the password"),
            registry_endpoint.session,
        )
        assert stranger.send("GET", "/v2/").status_code == 401

    def test_a_user_pushes_and_pulls(self, registry_endpoint: RegistryEndpoint) -> None:
        """With the right password."""
        image = registry_endpoint.push_image(registry_endpoint.new_repository(), "1.0")
        path = f"/v2/{image.repository}/manifests/1.0"
        pulled = registry_endpoint.send("GET", path, headers={"Accept": image.media_type})
        assert (pulled.status_code, pulled.content) == (200, image.content)
