"""How a flavor states its names. Both type checkers read this module: each spelling is right."""

from __future__ import annotations

import builtins

import pytest

from imagebuilders import (
    BaseImageBuilder,
    BaseImageBuilderConfig,
    BaseImageBuilderFlavor,
    Flavor,
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.flavor import DOCS_URL, BuiltInFlavor


class Config(BaseImageBuilderConfig):
    """Settings."""


class Attributes(BaseImageBuilderFlavor):
    """States everything by class attributes."""

    name = "kite"
    type = StackComponentType.IMAGE_BUILDER
    config_class = Config
    implementation_class = BaseImageBuilder
    docs_url = "https://kite.example/docs"
    sdk_docs_url = "https://kite.example/sdk"
    logo_url = "https://kite.example/logo.svg"


class Properties(BaseImageBuilderFlavor):
    """States everything by properties."""

    @property
    def name(self) -> str:
        """The flavor's name."""
        return "kite"

    @property
    def type(self) -> StackComponentType:
        """Which component this is a flavor of."""
        return StackComponentType.IMAGE_BUILDER

    @property
    def config_class(self) -> builtins.type[Config]:
        """The class of its settings."""
        return Config

    @property
    def implementation_class(self) -> builtins.type[BaseImageBuilder]:
        """The class that does the work."""
        return BaseImageBuilder

    @property
    def docs_url(self) -> str:
        """A page."""
        return "https://kite.example/docs"

    @property
    def sdk_docs_url(self) -> str:
        """A page."""
        return "https://kite.example/sdk"

    @property
    def logo_url(self) -> str:
        """A picture."""
        return "https://kite.example/logo.svg"


@pytest.mark.parametrize("flavor", [Attributes(), Properties()], ids=lambda one: type(one).__name__)
def test_both_spellings_say_the_same(flavor: BaseImageBuilderFlavor) -> None:
    """A name is a class attribute or a property; who asks an object sees no difference."""
    name: str = flavor.name
    kind: StackComponentType = flavor.type
    config: type[BaseImageBuilderConfig] = flavor.config_class
    implementation: type[BaseImageBuilder] = flavor.implementation_class
    pages: tuple[str | None, ...] = (flavor.docs_url, flavor.sdk_docs_url, flavor.logo_url)
    assert (name, kind) == ("kite", StackComponentType.IMAGE_BUILDER)
    assert (config, implementation) == (Config, BaseImageBuilder)
    assert pages == tuple(f"https://kite.example/{page}" for page in ("docs", "sdk", "logo.svg"))


@pytest.mark.parametrize(
    ("stated", "missing"),
    [
        ({}, "config_class and implementation_class and name and type"),
        ({"name": "ship", "type": StackComponentType.ARTIFACT_STORE}, "config_class and"),
        ({"name": "ship", "config_class": StackComponentConfig}, "implementation_class and type"),
    ],
)
def test_flavor_that_leaves_something_out(stated: dict[str, object], missing: str) -> None:
    """What is abstract must be stated; the error lists it, and how it can be done."""
    incomplete = type("ShipFlavor", (Flavor,), stated)
    with pytest.raises(TypeError, match=rf"ShipFlavor is abstract.* state {missing}") as caught:
        incomplete()
    assert "a class attribute or a property" in str(caught.value)


def test_own_abstract_names_of_a_base() -> None:
    """A base class may ask its flavors for more; that is told in the same way."""
    from abc import abstractmethod

    class Sized(Attributes):
        """Asks for a size."""

        @property
        @abstractmethod
        def size(self) -> int:
            """How large it is."""

    with pytest.raises(TypeError, match="Sized is abstract, for it does not state size"):
        Sized()  # type: ignore[abstract]


def test_default_urls_of_a_flavor() -> None:
    """A flavor can point at this project's documentation; by default it has no pages."""

    class ShipFlavor(Flavor):
        """States what is needed."""

        name = "ship"
        type = StackComponentType.IMAGE_BUILDER
        config_class = StackComponentConfig
        implementation_class = StackComponent

    flavor = ShipFlavor()
    assert (flavor.docs_url, flavor.sdk_docs_url, flavor.logo_url) == (None, None, None)
    assert flavor.generate_default_docs_url().endswith("/stack.html#ship-image-builder")
    assert flavor.generate_default_sdk_docs_url().endswith("ShipFlavor")


def test_built_in_flavor_has_pages() -> None:
    """The package's own flavors are explained in its documentation."""

    class Own(BuiltInFlavor, BaseImageBuilderFlavor):
        """Takes its pages from the first base."""

        name = "own"

    flavor = Own()
    assert flavor.docs_url == f"{DOCS_URL}/stack.html#own-image-builder"
    assert str(flavor.sdk_docs_url).endswith(".Own")
