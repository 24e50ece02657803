"""What every flavor must do, as tests to subclass.

    class TestMyFlavor(FlavorContract):
        @pytest.fixture
        def flavor(self) -> Flavor:
            return MyFlavor()

        @pytest.fixture
        def settings(self) -> dict[str, object]:
            return {"uri": "registry.example"}

The package that offers the flavor must be installed, as it is for its users.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import cast

import pytest
from pydantic import SecretBytes, SecretStr, ValidationError

from imagebuilders import Flavor, StackComponent, StackComponentConfig, StackComponentType
from imagebuilders.stack.flavors import FlavorCatalog

_BASES = {
    StackComponentType.IMAGE_BUILDER: "imagebuilders.base_image_builder:BaseImageBuilder",
    StackComponentType.ARTIFACT_STORE: "imagebuilders.artifact_stores:BaseArtifactStore",
    StackComponentType.CONTAINER_REGISTRY: (
        "imagebuilders.container_registries:BaseContainerRegistry"
    ),
}
_SECRET_NAME = re.compile(r"(password|passwd|secret|token|private_key)$")


class FlavorContract:
    """Subclass it, give the fixture `flavor`, and `settings` if the config needs some."""

    @pytest.fixture
    def flavor(self) -> Flavor:
        """The flavor under test."""
        raise NotImplementedError("give the flavor under test in a fixture named `flavor`")

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        """Settings that the flavor's config accepts: at least those that are required."""
        return {}

    def test_name_is_plain(self, flavor: Flavor) -> None:
        """The name can be written in a stack file and in a variable without quoting."""
        assert re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", flavor.name)

    def test_type_is_a_component_type(self, flavor: Flavor) -> None:
        """The type is a member of the enumeration, not merely its text."""
        assert isinstance(flavor.type, StackComponentType)

    def test_properties_are_stable(self, flavor: Flavor) -> None:
        """Asking twice gives the same."""
        for name in ("name", "type", "config_class", "implementation_class"):
            assert getattr(flavor, name) is getattr(flavor, name)

    def test_config_class_is_a_component_config(self, flavor: Flavor) -> None:
        """The settings are a `StackComponentConfig`."""
        assert issubclass(flavor.config_class, StackComponentConfig)

    def test_config_has_no_reserved_key(self, flavor: Flavor) -> None:
        """`flavor` is the stack file's own key in every table."""
        assert "flavor" not in flavor.config_class.model_fields

    def test_config_rejects_unknown_keys(self, flavor: Flavor, settings: dict[str, object]) -> None:
        """A misspelled key is an error, not a setting that has no effect."""
        with pytest.raises(ValidationError) as caught:
            flavor.config_class.model_validate({**settings, "no-such-key": 1})
        assert [detail["type"] for detail in caught.value.errors()] == ["extra_forbidden"]

    def test_config_hides_secrets(self, flavor: Flavor) -> None:
        """A field that holds a secret by its name has a type that does not print it."""
        for name, field in flavor.config_class.model_fields.items():
            if _SECRET_NAME.search(name):
                spelled = str(field.annotation)
                assert SecretStr.__name__ in spelled or SecretBytes.__name__ in spelled, (
                    f"{flavor.config_class.__name__}.{name} must be a pydantic.SecretStr"
                )

    def test_implementation_is_of_the_type(self, flavor: Flavor) -> None:
        """The class derives from the base of its type, and nothing abstract is left."""
        module, _, name = _BASES[flavor.type].partition(":")
        assert issubclass(flavor.implementation_class, getattr(import_module(module), name))
        assert not inspect.isabstract(flavor.implementation_class)

    def test_implementation_takes_the_config(
        self, flavor: Flavor, settings: dict[str, object]
    ) -> None:
        """The component is made from its config alone, without reaching for any service."""
        config = flavor.config_class.model_validate(settings)
        component: StackComponent = flavor.implementation_class(config, name="mine")
        assert component.config == config
        assert component.name == "mine"

    def test_implementation_takes_the_settings(
        self, flavor: Flavor, settings: dict[str, object]
    ) -> None:
        """The component is made from the fields of its config too."""
        make = cast("Callable[..., StackComponent]", flavor.implementation_class)
        component = make(**settings)
        assert component.config == flavor.config_class.model_validate(settings)

    def test_urls_are_web_addresses(self, flavor: Flavor) -> None:
        """Pages and pictures are addresses, or not given."""
        for url in (flavor.docs_url, flavor.sdk_docs_url, flavor.logo_url):
            assert url is None or re.match(r"https?://", url)

    def test_installed_package_offers_it(self, flavor: Flavor) -> None:
        """An entry point of the group `imagebuilders.flavors` leads to the flavor."""
        entry = FlavorCatalog.installed().find(flavor.type, flavor.name)
        assert type(entry.flavor) is type(flavor)
