"""The package's own flavors, and another package's, against the contract of flavors."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from fakes.contracts.flavor import FlavorContract
from imagebuilders import (
    DefaultContainerRegistryFlavor,
    Flavor,
    LocalArtifactStoreFlavor,
    LocalImageBuilderFlavor,
    S3ArtifactStoreFlavor,
    StackComponentConfig,
)


class TestLocalImageBuilderFlavor(FlavorContract):
    """The flavor `local` of image builders."""

    @pytest.fixture
    def flavor(self) -> Flavor:
        """The flavor under test."""
        return LocalImageBuilderFlavor()


class TestLocalArtifactStoreFlavor(FlavorContract):
    """The flavor `local` of artifact stores."""

    @pytest.fixture
    def flavor(self) -> Flavor:
        """The flavor under test."""
        return LocalArtifactStoreFlavor()

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, object]:
        """Its settings."""
        return {"path": str(tmp_path)}


class TestS3ArtifactStoreFlavor(FlavorContract):
    """The flavor `s3` of artifact stores."""

    @pytest.fixture
    def flavor(self) -> Flavor:
        """The flavor under test."""
        return S3ArtifactStoreFlavor()

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        """Its settings."""
        return {"path": "s3://bucket/contexts"}


class TestDefaultContainerRegistryFlavor(FlavorContract):
    """The flavor `default` of container registries."""

    @pytest.fixture
    def flavor(self) -> Flavor:
        """The flavor under test."""
        return DefaultContainerRegistryFlavor()

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        """Its settings."""
        return {"uri": "localhost:5000"}


class TestAnotherPackagesFlavor(FlavorContract):
    """A flavor that is not of this package."""

    @pytest.fixture
    def flavor(self, kite: Path) -> Flavor:
        """The flavor under test."""
        import kite_builders  # type: ignore[import-not-found]  # made by the fixture

        made = kite_builders.KiteFlavor()
        assert isinstance(made, Flavor)
        return made

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        """Its settings."""
        return {"project": "p"}


class _Careless(StackComponentConfig, extra="ignore"):
    flavor: str = ""
    api_token: str = Field(default="")


class _CarelessFlavor(LocalImageBuilderFlavor):
    name = "Not plain"
    logo_url = os.devnull
    config_class = _Careless  # type: ignore[assignment]  # that is the fault
    implementation_class = Flavor  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("test", "arguments"),
    [
        ("test_name_is_plain", ()),
        ("test_config_has_no_reserved_key", ()),
        ("test_config_rejects_unknown_keys", ({},)),
        ("test_config_hides_secrets", ()),
        ("test_implementation_is_of_the_type", ()),
        ("test_urls_are_web_addresses", ()),
    ],
)
def test_contract_finds_faults(test: str, arguments: tuple[object, ...]) -> None:
    """Each rule of the contract fails for a flavor that breaks it."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(FlavorContract(), test)(_CarelessFlavor(), *arguments)


def test_contract_says_what_to_give() -> None:
    """A subclass without a flavor is told which fixture is missing."""
    fixture: Any = FlavorContract.flavor
    function = getattr(fixture, "__wrapped__", None) or fixture._get_wrapped_function()
    with pytest.raises(NotImplementedError, match="fixture named `flavor`"):
        function(FlavorContract())
    assert "kite_builders" not in sys.modules
