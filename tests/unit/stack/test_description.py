"""A stack in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuilders import (
    DefaultContainerRegistry,
    LocalArtifactStore,
    LocalImageBuilder,
    Stack,
    StackComponentType,
)
from imagebuilders.stack.configuration import read_configuration
from imagebuilders.stack.configured_stack import ConfiguredStack
from imagebuilders.stack.description import SettingDescription, describe_stack


def test_stack_from_settings(project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is described with where it comes from, and secrets stay hidden."""
    file = project / "imagebuilders.toml"
    file.write_text("[image_builder]\nflavor='kite'\nproject='p'\ntoken='hunter2'\n")
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__TAGS", '["a"]')
    description = describe_stack(ConfiguredStack(read_configuration()))
    assert (description.name, description.file) == ("default", str(file))
    builder, store = description.components
    assert builder.type is StackComponentType.IMAGE_BUILDER
    assert (builder.flavor, builder.flavor_origin) == ("kite", str(file))
    assert builder.package == "kite_builders 1.5"
    assert builder.implementation == "kite_builders.KiteBuilder"
    settings = {setting.key: setting for setting in builder.settings}
    assert settings["project"] == SettingDescription("project", "p", str(file))
    assert settings["token"] == SettingDescription("token", "**********", str(file))
    assert settings["tags"] == SettingDescription(
        "tags", "['a']", "IMAGEBUILDERS_IMAGE_BUILDER__TAGS"
    )
    assert settings["workers"] == SettingDescription("workers", 1, "default")
    assert store.flavor_origin == "default"


def test_stack_from_code(tmp_path: Path) -> None:
    """Components that code put together have no flavor, and their settings come from code."""
    stack = Stack(
        image_builder=LocalImageBuilder(),
        artifact_store=LocalArtifactStore(path=str(tmp_path)),
        container_registry=DefaultContainerRegistry(uri="localhost:5000"),
        name="mine",
    )
    description = describe_stack(stack)
    assert (description.name, description.file) == ("mine", None)
    registry = description.components[2]
    assert (registry.flavor, registry.package, registry.flavor_origin) == (None, None, "code")
    assert registry.settings[0] == SettingDescription("uri", "localhost:5000", "code")
