"""Components of a stack: what they share, and how they are configured."""

from __future__ import annotations

import enum
import inspect
from abc import ABC
from typing import ClassVar, Generic, cast, get_args, get_origin
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import TypeVar

from imagebuilders.exceptions import ConfigurationError, ImageBuilderError
from imagebuilders.validation import findings


class StackComponentType(str, enum.Enum):
    """The kinds of component a stack is made of."""

    IMAGE_BUILDER = "image_builder"
    ARTIFACT_STORE = "artifact_store"
    CONTAINER_REGISTRY = "container_registry"

    def __str__(self) -> str:
        return self.value


class StackComponentConfig(BaseModel):
    """Base of every component's settings. Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ConfigT = TypeVar(
    "ConfigT", bound=StackComponentConfig, default=StackComponentConfig, covariant=True
)
"""The class of a component's settings."""


class StackComponent(ABC, Generic[ConfigT]):
    """Base of image builders, artifact stores and container registries.

    A component takes its config as an object, or the config's fields directly:

        DefaultContainerRegistry(DefaultContainerRegistryConfig(uri="localhost:5000"))
        DefaultContainerRegistry(uri="localhost:5000")

    Without either, the config's own defaults count. A component with settings of its own names
    their class once, between brackets:

        class KiteImageBuilder(BaseImageBuilder[KiteConfig]): ...

    `config` has that type then, and `config_class` is that class. A component that names no
    class here may set `config_class` itself.
    """

    config_class: ClassVar[type[StackComponentConfig]] = StackComponentConfig
    """The class of the component's settings."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "config_class" not in vars(cls):
            named = _config_class_between_brackets(cls)
            if named is not None:
                cls.config_class = named

    def __init__(
        self,
        config: ConfigT | None = None,
        *,
        name: str = "default",
        id: UUID | None = None,  # noqa: A002  (the documented name)
        **settings: object,
    ) -> None:
        """Make the component.

        Args:
            config: its settings; not together with `settings`.
            name: what the user calls it.
            id: a stable identity; a new one when none is given.
            settings: fields of the config.

        Raises:
            ConfigurationError: a setting is unknown, missing or has a wrong value, or `config`
                is of another component's class.
        """
        if config is None:
            config = self._config_from(settings)
        elif settings:
            raise ConfigurationError(
                f"{type(self).__name__} was given both a config and the settings "
                f"{', '.join(sorted(settings))}: give one of the two."
            )
        elif not isinstance(config, self.config_class):
            raise ConfigurationError(
                f"{type(self).__name__} needs a {self.config_class.__name__}, "
                f"not a {type(config).__name__}."
            )
        self._config: ConfigT = config
        self.name = name
        self.id = id if id is not None else uuid4()

    @classmethod
    def _config_from(cls, settings: dict[str, object]) -> ConfigT:
        try:
            # `config_class` cannot be typed by ConfigT: it belongs to the class, not to an object.
            return cast("ConfigT", cls.config_class.model_validate(settings))
        except ImageBuilderError:
            raise  # a default's own words, such as of a missing home folder
        except ValidationError as error:
            # `from None`: pydantic's text quotes the input, which may be a password.
            found = findings(error, cls.config_class, also_known=_own_arguments(cls))
            message = f"{cls.__name__}: {'; '.join(str(finding) for finding in found)}"
            unknown_key = any(detail["type"] == "extra_forbidden" for detail in error.errors())
            if unknown_key and "config_class" not in vars(cls):
                message += (
                    f". {cls.__name__} has no config_class of its own, and takes the settings of "
                    f"{cls.config_class.__name__}; if it has others, name their class, as in "
                    f"config_class = {cls.__name__}Config."
                )
            raise ConfigurationError(
                message,
                key=".".join(found[0].key),
                allowed=found[0].allowed,
            ) from None
        except Exception as error:  # a default or a validator of any third party: it may do so
            raise ConfigurationError(
                f"{cls.__name__}: its {cls.config_class.__name__} cannot be made: "
                f"{type(error).__name__}. The class's authors have to correct that."
            ) from error

    @property
    def config(self) -> ConfigT:
        """The component's settings."""
        return self._config

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, config={self._config!r})"


def _own_arguments(component: type) -> list[str]:
    """Return the keyword arguments that a component takes beside its settings."""
    parameters = inspect.signature(component.__init__).parameters.values()  # type: ignore[misc]
    return [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]


def _config_class_between_brackets(component: type) -> type[StackComponentConfig] | None:
    """Return the class of settings that a component's class statement names as `Base[Class]`."""
    for base in vars(component).get("__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and issubclass(origin, StackComponent):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, StackComponentConfig):
                    return argument
    return None
