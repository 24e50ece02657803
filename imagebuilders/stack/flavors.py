"""Which flavors there are: those of this package and those of other installed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from importlib.metadata import EntryPoint, entry_points
from pkgutil import resolve_name

from imagebuilders.components.component import (
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)
from imagebuilders.components.flavor import Flavor
from imagebuilders.exceptions import FlavorError, ImageBuilderError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.validation import unknown
from imagebuilders.version import VERSION

ENTRY_POINT_GROUP = "imagebuilders.flavors"

_BUILDER, _STORE, _REGISTRY = (
    StackComponentType.IMAGE_BUILDER,
    StackComponentType.ARTIFACT_STORE,
    StackComponentType.CONTAINER_REGISTRY,
)
BUILT_IN: dict[str, tuple[StackComponentType, str]] = {
    "imagebuilders.local_image_builder:LocalImageBuilderFlavor": (_BUILDER, "local"),
    "imagebuilders.buildkit_image_builder:BuildKitImageBuilderFlavor": (_BUILDER, "buildkit"),
    "imagebuilders.aws_image_builder:AWSImageBuilderFlavor": (_BUILDER, "aws"),
    "imagebuilders.daemonless_image_builder:DaemonlessImageBuilderFlavor": (
        _BUILDER,
        "daemonless",
    ),
    "imagebuilders.artifact_stores.local:LocalArtifactStoreFlavor": (_STORE, "local"),
    "imagebuilders.artifact_stores.remote:RemoteArtifactStoreFlavor": (_STORE, "remote"),
    "imagebuilders.artifact_stores.s3:S3ArtifactStoreFlavor": (_STORE, "s3"),
    "imagebuilders.container_registries.default:DefaultContainerRegistryFlavor": (
        _REGISTRY,
        "default",
    ),
    "imagebuilders.container_registries.ecr:ECRContainerRegistryFlavor": (_REGISTRY, "ecr"),
}
"""This package's own flavors, with their types and names. They are no entry points: a frozen
application, a zipapp or a copy inside another project has no metadata, and needs them all the
same."""


_OWN_NAME = "imagebuilders"
_OWN_PACKAGE = f"{_OWN_NAME} {VERSION}"


@dataclass(frozen=True)
class FlavorEntry:
    """A flavor that a package offers, or an offer that could not be taken up."""

    entry_point: str
    """Where the flavor is: the entry point, as in `kite = kite_builders:KiteFlavor`; of this
    package's own flavors the class alone, as in `imagebuilders.local_image_builder:…`."""
    package: str
    """The package that offers it, with its version."""
    flavor: Flavor | None
    """The flavor; `None` when it could not be loaded."""
    problem: str | None = None
    """Why it could not be loaded."""

    @property
    def implementation_class(self) -> type[StackComponent]:
        """The flavor's class.

        Raises:
            FlavorError: the flavor or its class cannot be imported.
        """
        if self.flavor is None:
            raise FlavorError(f"{self._whose()} cannot be loaded: {self.problem}")
        try:
            return self.flavor.implementation_class
        except ImportError as error:
            raise FlavorError(
                f"{self._whose()} cannot be used: {_describe(error)}. "
                f"Is an optional dependency of {self.package} missing?"
            ) from error
        except Exception as error:  # another package's code: it may raise anything
            raise self._at_fault("names no class", error) from error

    @property
    def config_class(self) -> type[StackComponentConfig]:
        """The class of the flavor's settings.

        Raises:
            FlavorError: the flavor cannot be loaded, or names no such class.
        """
        if self.flavor is None:
            raise FlavorError(f"{self._whose()} cannot be loaded: {self.problem}")
        try:
            found: object = self.flavor.config_class
        except Exception as error:  # another package's code: it may raise anything
            raise self._at_fault("names no class of its settings", error) from error
        if isinstance(found, type) and issubclass(found, StackComponentConfig):
            return found
        raise FlavorError(
            f"{self._whose()} cannot be used: its config_class is {found!r}, and must be a "
            "subclass of StackComponentConfig. Its authors have to correct that."
        )

    def make(self, config: StackComponentConfig, *, name: str) -> StackComponent:
        """Make the component.

        Args:
            config: its settings.
            name: what the user calls it.

        Raises:
            FlavorError: the flavor's class cannot be imported, or no object of it can be made.
            ConfigurationError: the component does not take its settings.
        """
        implementation = self.implementation_class
        try:
            made: object = implementation(config, name=name)
        except ImageBuilderError:
            raise  # the component's own words on its settings
        except Exception as error:  # another package's code: it may raise anything
            raise self._at_fault(f"cannot make its {_spelled(implementation)}", error) from error
        if isinstance(made, StackComponent):
            return made
        raise FlavorError(
            f"{self._whose()} cannot be used: its {_spelled(implementation)} is not a "
            "StackComponent. Its authors have to correct that."
        )

    def _at_fault(self, what: str, error: Exception) -> FlavorError:
        return FlavorError(
            f"{self._whose()} {what}: {_describe(error)}. Its authors have to correct that."
        )

    def _whose(self) -> str:
        return f"the flavor of package {self.package} (entry point {self.entry_point})"


class FlavorCatalog:
    """The flavors to choose from."""

    def __init__(self, entries: Iterable[FlavorEntry], *, built_in: bool = False) -> None:
        """Make a catalog of these entries; `FlavorCatalog.installed()` finds them itself.

        Args:
            entries: the flavors.
            built_in: whether this package's own are there as well; each is loaded when it is
                first asked for.
        """
        self._given = entries
        self._own: dict[str, FlavorEntry | None] = dict.fromkeys(BUILT_IN if built_in else ())

    @cached_property
    def _entries(self) -> tuple[FlavorEntry, ...]:
        """The flavors of other packages; they are looked for when one is first wanted."""
        return tuple(self._given)

    @property
    def entries(self) -> tuple[FlavorEntry, ...]:
        """All flavors, this package's own first."""
        return (*map(self._own_entry, self._own), *self._entries)

    def _own_entry(self, name: str) -> FlavorEntry:
        # Two threads may both do this; one of the two is then kept.
        found = self._own[name]
        if found is None:
            loaded = _load(partial(resolve_name, name), name, _OWN_PACKAGE)
            found = self._own[name] = self._own[name] or loaded
        return found

    def _of(self, component_type: StackComponentType, name: str | None = None) -> list[FlavorEntry]:
        """Return the flavors of a type and name; this package's others stay unloaded."""
        own = [
            self._own_entry(spelled)
            for spelled in self._own
            if BUILT_IN[spelled] == (component_type, name or BUILT_IN[spelled][1])
        ]
        return [
            entry
            for entry in (*own, *self._entries)
            if entry.flavor is not None
            and entry.flavor.type is component_type
            and entry.flavor.name == (name or entry.flavor.name)
        ]

    @classmethod
    def installed(cls) -> FlavorCatalog:
        """Take this package's own flavors, and every entry point of `imagebuilders.flavors`.

        An entry point that fails to load becomes an entry with a `problem`: it must
        not keep the other flavors from being used.
        """
        return cls(_Installed(), built_in=True)

    def names(self, component_type: StackComponentType) -> list[str]:
        """List the flavors of a type."""
        return sorted({entry.flavor.name for entry in self._of(component_type) if entry.flavor})

    def problem(self, entry: FlavorEntry) -> str | None:
        """Say why an entry cannot be used: it does not load, or another package offers the same."""
        if entry.flavor is None:
            return entry.problem
        rivals = [
            other.package
            for other in self._offers(entry.flavor.type, entry.flavor.name)
            if other is not entry
        ]
        return f"also offered by {', '.join(rivals)}" if rivals else None

    def find(self, component_type: StackComponentType, name: str) -> FlavorEntry:
        """Return the flavor of that type and name.

        Raises:
            FlavorError: there is none, or two packages offer it.
        """
        offers = self._offers(component_type, name)
        if len(offers) > 1:
            raise FlavorError(
                f"the {component_type} flavor {name!r} is offered by two packages: "
                + " and ".join(f"{offer.package} ({offer.entry_point})" for offer in offers)
                + "; uninstall one of them"
            )
        if not offers:
            known = self.names(component_type)
            message = unknown(f"{component_type} flavor", name, known)
            broken = [
                f"{entry.package} ({entry.entry_point}): {entry.problem}"
                for entry in self.entries
                if entry.problem is not None
            ]
            if broken:
                message += "\ncould not be loaded: " + "\ncould not be loaded: ".join(broken)
            raise FlavorError(message, allowed=known)
        return offers[0]

    def _offers(self, component_type: StackComponentType, name: str) -> list[FlavorEntry]:
        return self._of(component_type, name)


class _Installed:
    """The flavors of the installed packages, looked for each time."""

    def __iter__(self) -> Iterator[FlavorEntry]:
        # A distribution that is on the path twice offers the same thing twice; and the metadata
        # of an older version of this package may still name its own flavors.
        found = {
            (_package_of(point), point.name, point.value): point
            for point in entry_points(group=ENTRY_POINT_GROUP)
            if not (point.value in BUILT_IN and _name_of(point) in (_OWN_NAME, None))
        }
        for (package, _, _), point in sorted(found.items()):
            yield _load(point.load, f"{point.name} = {point.value}", package)


def _load(load: Callable[[], object], spelled: str, package: str) -> FlavorEntry:
    try:
        loaded = load()
        flavor = loaded() if isinstance(loaded, type) else loaded
    except Exception as error:  # another package's code: it may raise anything
        return FlavorEntry(spelled, package, None, _describe(error))
    if not isinstance(flavor, Flavor):
        return FlavorEntry(spelled, package, None, "is not an imagebuilders.Flavor")
    try:
        name: object = flavor.name
        kind: object = flavor.type
    except Exception as error:
        return FlavorEntry(spelled, package, None, _describe(error))
    if not isinstance(name, str) or not isinstance(kind, StackComponentType):
        return FlavorEntry(
            spelled, package, None, "its name is not a str, or its type not a StackComponentType"
        )
    return FlavorEntry(spelled, package, flavor)


def _name_of(point: EntryPoint) -> str | None:
    return point.dist.name if point.dist else None


def _package_of(point: EntryPoint) -> str:
    distribution = point.dist
    return f"{distribution.name} {distribution.version}" if distribution else "unknown"


def _spelled(implementation: object) -> str:
    if isinstance(implementation, type):
        return f"{implementation.__module__}.{implementation.__qualname__}"
    return f"implementation_class, {implementation!r},"


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
