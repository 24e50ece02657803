"""The documented classes: each name, where it lives, and how it is called."""

from __future__ import annotations

import inspect
from abc import ABC
from importlib import import_module
from typing import Any

import pytest

import imagebuilders
from imagebuilders import (
    Archivable,
    BaseImageBuilder,
    BaseImageBuilderConfig,
    BaseImageBuilderFlavor,
    BuildContext,
    Client,
    Flavor,
    LocalImageBuilder,
    LocalImageBuilderConfig,
    LocalImageBuilderFlavor,
    Stack,
    StackComponent,
    StackComponentConfig,
    StackComponentType,
)

EMPTY = inspect.Parameter.empty

HOMES = {
    "Archivable": "archivable",
    "BaseImageBuilder": "base_image_builder",
    "BaseImageBuilderConfig": "base_image_builder",
    "BaseImageBuilderFlavor": "base_image_builder",
    "BuildContext": "build_context",
    "BuildKitImageBuilder": "buildkit_image_builder",
    "BuildKitImageBuilderConfig": "buildkit_image_builder",
    "BuildKitImageBuilderFlavor": "buildkit_image_builder",
    "LocalImageBuilder": "local_image_builder",
    "LocalImageBuilderConfig": "local_image_builder",
    "LocalImageBuilderFlavor": "local_image_builder",
}


@pytest.mark.parametrize(("name", "module"), HOMES.items())
def test_class_is_where_it_is_documented(name: str, module: str) -> None:
    """Each class can be imported from the package and from its own module."""
    home = import_module(f"imagebuilders.{module}")
    assert getattr(home, name) is getattr(imagebuilders, name)
    assert getattr(home, name).__module__ == home.__name__


@pytest.mark.parametrize(
    ("derived", "base"),
    [
        (Archivable, ABC),
        (BuildContext, Archivable),
        (BaseImageBuilderConfig, StackComponentConfig),
        (BaseImageBuilder, StackComponent),
        (BaseImageBuilder, ABC),
        (BaseImageBuilderFlavor, Flavor),
        (BaseImageBuilderFlavor, ABC),
        (LocalImageBuilder, BaseImageBuilder),
        (LocalImageBuilderConfig, BaseImageBuilderConfig),
        (LocalImageBuilderFlavor, BaseImageBuilderFlavor),
    ],
)
def test_inheritance(derived: type, base: type) -> None:
    """The classes derive from each other as documented."""
    assert issubclass(derived, base)


# (owner, name, parameters with their defaults, annotation of the result)
METHODS: list[tuple[type, str, dict[str, Any], str | None]] = [
    (
        BaseImageBuilder,
        "build",
        {
            "self": EMPTY,
            "image_name": EMPTY,
            "build_context": EMPTY,
            "docker_build_options": None,
            "container_registry": None,
        },
        "str",
    ),
    (
        LocalImageBuilder,
        "build",
        {
            "self": EMPTY,
            "image_name": EMPTY,
            "build_context": EMPTY,
            "docker_build_options": None,
            "container_registry": None,
        },
        "str",
    ),
    (
        BaseImageBuilder,
        "_upload_build_context",
        {"build_context": EMPTY, "parent_path_directory_name": EMPTY},
        "str",
    ),
    (LocalImageBuilder, "_check_prerequisites", {}, "None"),
    (BuildContext, "__init__", {"self": EMPTY, "root": None, "dockerignore_file": None}, "None"),
    (BuildContext, "get_files", {"self": EMPTY}, "dict[str, str]"),
    (
        BuildContext,
        "write_archive",
        {"self": EMPTY, "output_file": EMPTY, "use_gzip": True},
        "None",
    ),
    (BuildContext, "_get_exclude_patterns", {"self": EMPTY}, "list[str]"),
    (Archivable, "add_file", {"self": EMPTY, "source": EMPTY, "destination": EMPTY}, "None"),
    (Archivable, "add_directory", {"self": EMPTY, "source": EMPTY, "destination": EMPTY}, "None"),
    (Archivable, "get_extra_files", {"self": EMPTY}, None),
    (Archivable, "get_files", {"self": EMPTY}, "dict[str, str]"),
    (Archivable, "write_archive", {"self": EMPTY, "output_file": EMPTY, "use_gzip": True}, "None"),
    (Flavor, "generate_default_docs_url", {"self": EMPTY}, "str"),
    (Flavor, "generate_default_sdk_docs_url", {"self": EMPTY}, "str"),
]


@pytest.mark.parametrize(("owner", "name", "parameters", "returns"), METHODS)
def test_method_signature(
    owner: type, name: str, parameters: dict[str, Any], returns: str | None
) -> None:
    """The parameters have the documented names, order and defaults, by position or keyword."""
    signature = inspect.signature(getattr(owner, name))
    found = signature.parameters
    assert list(found)[: len(parameters)] == list(parameters)
    for parameter, default in parameters.items():
        assert found[parameter].default == default
        assert found[parameter].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    # Anything beyond the documented parameters must not be needed.
    for extra in list(found.values())[len(parameters) :]:
        assert extra.default is not EMPTY
    if returns is not None:
        assert signature.return_annotation == returns


def test_documented_ignore_parser() -> None:
    """`_parse_dockerignore` takes one path."""
    (parameter,) = inspect.signature(BuildContext._parse_dockerignore).parameters.values()
    assert parameter.default is EMPTY


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (BaseImageBuilder, "_upload_build_context"),
        (LocalImageBuilder, "_check_prerequisites"),
        (BuildContext, "_parse_dockerignore"),
    ],
)
def test_static_methods(owner: type, name: str) -> None:
    """What is documented as static can be called on the class."""
    assert isinstance(inspect.getattr_static(owner, name), staticmethod)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (BaseImageBuilder, "config"),
        (BaseImageBuilder, "build_context_class"),
        (BaseImageBuilder, "is_building_locally"),
        (BuildContext, "dockerignore_file"),
        (LocalImageBuilder, "config"),
        (LocalImageBuilder, "is_building_locally"),
        *(
            (owner, name)
            for owner in (Flavor, BaseImageBuilderFlavor)
            for name in (
                "name",
                "type",
                "config_class",
                "implementation_class",
                "docs_url",
                "sdk_docs_url",
                "logo_url",
            )
        ),
        (Client, "active_stack"),
    ],
)
def test_properties(owner: type, name: str) -> None:
    """What is documented as a property is one."""
    assert isinstance(inspect.getattr_static(owner, name), property)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (Archivable, {"get_files"}),
        (BaseImageBuilder, {"build", "is_building_locally"}),
        (BaseImageBuilderFlavor, {"name"}),
        (Flavor, {"name", "type", "config_class", "implementation_class"}),
    ],
)
def test_abstract_members(owner: type, names: set[str]) -> None:
    """A subclass has to give exactly what is documented as abstract."""
    assert getattr(owner, "__abstractmethods__") == names  # noqa: B009


@pytest.mark.parametrize("owner", [BuildContext, LocalImageBuilder, LocalImageBuilderFlavor])
def test_concrete_classes(owner: type) -> None:
    """The documented implementations are made without any argument."""
    assert owner() is not None


def test_local_builder() -> None:
    """The local builder builds here, with the default context class and no settings."""
    builder = LocalImageBuilder()
    assert builder.is_building_locally is True
    assert builder.build_context_class is BuildContext
    assert builder.config == LocalImageBuilderConfig()


def test_flavor_of_a_builder_needs_a_name_only() -> None:
    """A builder's flavor has the base classes of builders unless it states others."""

    class Named(BaseImageBuilderFlavor):
        """States what is abstract."""

        @property
        def name(self) -> str:
            return "named"

    flavor = Named()
    assert flavor.type is StackComponentType.IMAGE_BUILDER
    assert flavor.config_class is BaseImageBuilderConfig
    assert flavor.implementation_class is BaseImageBuilder
    assert (flavor.docs_url, flavor.sdk_docs_url, flavor.logo_url) == (None, None, None)


def test_local_builder_flavor() -> None:
    """The flavor `local` names the builder's classes and pages."""
    flavor = LocalImageBuilderFlavor()
    assert flavor.name == "local"
    assert flavor.type is StackComponentType.IMAGE_BUILDER
    assert flavor.config_class is LocalImageBuilderConfig
    assert flavor.implementation_class is LocalImageBuilder
    assert flavor.docs_url == flavor.generate_default_docs_url()
    assert flavor.sdk_docs_url == flavor.generate_default_sdk_docs_url()
    assert str(flavor.logo_url).startswith("https://")


def test_stack_has_its_components() -> None:
    """A stack gives its three components by their documented names."""
    parameters = inspect.signature(Stack).parameters
    assert list(parameters)[:4] == ["image_builder", "artifact_store", "container_registry", "name"]
    stack = Client().active_stack
    assert isinstance(stack.image_builder, BaseImageBuilder)
    assert stack.artifact_store.path
    assert hasattr(stack, "container_registry")


def test_build_context_without_a_root() -> None:
    """A context needs no root: it has the files that are added to it."""
    context = BuildContext()
    assert context.get_files() == {}
    assert context.dockerignore_file is None
    assert context._get_exclude_patterns() == []
    context.add_file("FROM scratch", "Dockerfile")
    assert list(context.get_extra_files()) == ["Dockerfile"]


def test_code_written_for_the_documented_classes_runs(tmp_path: Any) -> None:
    """A builder written against the documented base class needs nothing but the import."""
    from imagebuilders.artifact_stores import LocalArtifactStore

    class Builder(BaseImageBuilder):
        @property
        def config(self) -> BaseImageBuilderConfig:
            return super().config

        @property
        def is_building_locally(self) -> bool:
            return False

        def build(
            self,
            image_name: str | None,
            build_context: BuildContext,
            docker_build_options: Any = None,
            container_registry: Any = None,
        ) -> str:
            return self._upload_build_context(
                build_context=build_context, parent_path_directory_name="builds"
            )

    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")
    builder = Builder(BaseImageBuilderConfig())
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    with Stack(image_builder=builder, artifact_store=store).activate():
        context = Client().active_stack.image_builder.build_context_class(str(tmp_path / "app"))
        uploaded = builder.build("app", context)
        again = builder.build("app", context)
    assert uploaded == again
    assert uploaded.startswith(f"{tmp_path}/store/builds/")
    assert uploaded.endswith(".tar.gz")


def test_the_public_door_leads_to_the_documented_method() -> None:
    """A builder that overrides `_upload_build_context` is asked by `upload_build_context` too."""

    class Builder(LocalImageBuilder):
        @staticmethod
        def _upload_build_context(build_context: object, parent_path_directory_name: str) -> str:
            return f"elsewhere/{parent_path_directory_name}"

    assert Builder().upload_build_context(BuildContext(), "builds") == "elsewhere/builds"
