"""What components share."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar
from uuid import uuid4

import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator

from imagebuilders import StackComponent, StackComponentConfig, StackComponentType
from imagebuilders.exceptions import ConfigurationError


class Mast(BaseModel, extra="forbid"):
    """Settings inside of settings."""

    height: int = 1


class ShipConfig(StackComponentConfig):
    """Settings of every shape."""

    port: str = "home"
    token: SecretStr | None = None
    mast: Mast = Mast()
    flag: str = Field(default="red", validation_alias=AliasChoices("flag", "banner"))

    @field_validator("port")
    @classmethod
    def _known(cls, port: str) -> str:
        if port == "nowhere":
            raise ValueError("Must be a place")
        return port


class Ship(StackComponent):
    """A component."""

    config_class: ClassVar[type[StackComponentConfig]] = ShipConfig


_CargoT = TypeVar("_CargoT")
_VesselConfigT = TypeVar("_VesselConfigT", bound=StackComponentConfig, covariant=True)


def test_defaults_config_and_settings() -> None:
    """A component is made from nothing, from a config, or from the config's fields."""
    assert Ship().config == ShipConfig()
    config = ShipConfig(port="a")
    assert Ship(config).config is config
    assert Ship(port="a").config == config
    assert Ship(None, name="mine").name == "mine"


def test_identity() -> None:
    """Each component has an id of its own, or the one it is given."""
    known = uuid4()
    assert Ship(id=known).id == known
    assert Ship().id != Ship().id


def test_config_class_between_brackets() -> None:
    """`Base[Config]` names the class of the settings, for the checker and for the component."""

    class Boat(StackComponent[ShipConfig]):
        """Names its settings' class in its class statement."""

    class Dinghy(Boat):
        """Has those of its base."""

    assert Boat.config_class is Dinghy.config_class is ShipConfig
    port: str = Boat(port="a").config.port  # no cast: the checker knows the class
    assert port == Dinghy(port="a").config.port == "a"
    assert StackComponent.config_class is StackComponentConfig


def test_stated_config_class_counts_before_the_brackets() -> None:
    """`config_class` in the body of a class is the last word."""

    class Bigger(ShipConfig):
        """More settings."""

        decks: int = 2

    class Liner(StackComponent[ShipConfig]):
        """States a class of its own."""

        config_class = Bigger

    assert Liner(decks=3).config == Bigger(decks=3)


def test_generic_base_leaves_the_class_to_its_subclasses() -> None:
    """A base that is generic itself takes the general settings until a subclass names others."""

    class Vessel(StackComponent[_VesselConfigT], Generic[_CargoT, _VesselConfigT]):
        """Has two type parameters, of which one is its settings' class."""

    class Tanker(Vessel[str, ShipConfig]):
        """Fills in both."""

    assert Vessel.config_class is StackComponentConfig
    assert Tanker.config_class is ShipConfig


def test_class_that_forgot_its_config_class() -> None:
    """A component whose class names no config class says so when it is given a setting."""

    class Raft(StackComponent):
        """Has the settings of every component: none."""

    with pytest.raises(ConfigurationError, match=r"Raft has no config_class.*= RaftConfig"):
        Raft(port="a")
    with pytest.raises(ConfigurationError) as caught:
        Ship(prt="a")
    assert "config_class" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"prt": "a"}, "Ship: prt: unknown key 'prt'; did you mean 'port'?"),
        ({"port": "nowhere"}, "Ship: port: must be a place"),
        ({"mast": {"hight": 2}}, "mast.hight: unknown key 'hight'; did you mean 'height'?"),
        ({"token": {"a": "hunter2"}}, "token: "),
        ({"port": {"a": {"b": 1}}}, "port: input should be a valid string"),
    ],
)
def test_wrong_settings(settings: dict[str, object], says: str) -> None:
    """A wrong setting is named, without its value."""
    with pytest.raises(ConfigurationError) as caught:
        Ship(None, **settings)  # type: ignore[arg-type]  # wrong on purpose
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_arguments_of_the_component_are_known_too() -> None:
    """A misspelled argument that is no setting gets its name as well."""

    class Harbour(Ship):
        """Takes a pilot, whom no config can hold."""

        def __init__(self, *, pilot: object = None, **settings: object) -> None:
            super().__init__(**settings)  # type: ignore[arg-type]
            self.pilot = pilot

    with pytest.raises(ConfigurationError, match="unknown key 'pilots'; did you mean 'pilot'"):
        Harbour(pilots="Ann")


def test_default_that_fails() -> None:
    """Whatever a config's defaults and validators raise, the error is one of this package."""

    class FailingConfig(StackComponentConfig):
        """Looks for a default that cannot be found."""

        port: str = Field(default_factory=lambda: str(1 / 0))

    class Failing(StackComponent[FailingConfig]):
        """A component."""

    with pytest.raises(ConfigurationError, match="FailingConfig cannot be made: ZeroDivision"):
        Failing()
    assert Failing(port="a").config.port == "a"


def test_config_of_another_component() -> None:
    """A config of the wrong class is refused at once."""
    with pytest.raises(ConfigurationError, match="needs a ShipConfig, not a StackComponentConfig"):
        Ship(StackComponentConfig())


def test_config_and_settings_together() -> None:
    """It is not guessed which of the two should win."""
    with pytest.raises(ConfigurationError, match="both a config and the settings port"):
        Ship(ShipConfig(), port="a")


def test_repr_hides_secrets() -> None:
    """The repr shows the settings, and of a secret only that there is one."""
    shown = repr(Ship(token="hunter2"))
    assert "port='home'" in shown
    assert "hunter2" not in shown


def test_config_does_not_change() -> None:
    """A component's settings are a value."""
    with pytest.raises(ValueError, match="frozen"):
        ShipConfig().port = "b"


def test_type_prints_as_its_value() -> None:
    """In texts a component type reads as it is written in a file, on every Python."""
    assert f"{StackComponentType.IMAGE_BUILDER}" == "image_builder"
