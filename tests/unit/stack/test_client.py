"""The active stack."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest

from imagebuilders import (
    BaseArtifactStore,
    BaseImageBuilder,
    Client,
    DefaultContainerRegistry,
    Stack,
)
from imagebuilders.exceptions import ConfigurationError


def stack(name: str) -> Stack:
    """Make a stack whose components are never used."""
    return Stack(
        image_builder=cast(BaseImageBuilder, "builder"),
        artifact_store=cast(BaseArtifactStore, "store"),
        name=name,
    )


def test_components_in_each_others_place() -> None:
    """A component of another kind is refused when the stack is put together."""
    made = Client().active_stack
    builder, store = made.image_builder, made.artifact_store
    registry = DefaultContainerRegistry(uri="registry.example")
    for components, place in (
        ((store, builder), "image_builder"),
        ((builder, builder), "artifact_store"),
        ((builder, store, store), "container_registry"),
        ((registry, store), "image_builder"),
    ):
        with pytest.raises(ConfigurationError, match=f"cannot be the {place}") as caught:
            Stack(*cast("tuple[BaseImageBuilder, BaseArtifactStore]", components))
        assert caught.value.key == place
    with pytest.raises(ConfigurationError, match="not the class LocalImageBuilder"):
        Stack(cast(BaseImageBuilder, type(builder)), store)
    assert Stack(builder, store, registry).container_registry is registry


def test_activated_stack_is_active() -> None:
    """Inside the block it is the active stack; blocks nest."""
    outer, inner = stack("outer"), stack("inner")
    with outer.activate() as entered:
        assert entered is outer
        assert Client().active_stack is outer
        with inner.activate():
            assert Client().active_stack is inner
            with outer.activate():
                assert Client().active_stack is outer
        assert Client().active_stack is outer
        assert Client().configuration is None
    assert Client().active_stack is not outer


def test_activation_ends_with_an_error() -> None:
    """A block that raises leaves nothing behind."""
    broken = stack("broken")
    with pytest.raises(ZeroDivisionError), broken.activate():
        raise ZeroDivisionError
    assert Client().active_stack is not broken


def test_activation_belongs_to_its_thread() -> None:
    """A thread that was started inside the block has its own active stack."""
    seen: list[Stack] = []
    mine = stack("mine")
    with mine.activate():
        thread = threading.Thread(target=lambda: seen.append(Client().active_stack))
        thread.start()
        thread.join()
    assert seen != [mine]
    assert len(seen) == 1


def test_activation_needs_no_sound_settings(project: Path) -> None:
    """Code that brings its own stack does not read the settings at all."""
    (project / "imagebuilders.toml").write_text("not TOML")
    mine = stack("mine")
    with mine.activate():
        assert Client().active_stack is mine
    with pytest.raises(ConfigurationError):
        _ = Client().active_stack


def test_stack_from_settings_is_kept() -> None:
    """Asking again gives the same components."""
    assert Client().active_stack is Client().active_stack
    assert Client().configuration is Client().active_stack.configuration


def test_changes_are_seen(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kite: Path
) -> None:
    """Another folder, an edited file or another variable gives another stack."""
    first = Client().active_stack
    (project / "imagebuilders.toml").write_text('name = "one"')
    second = Client().active_stack
    assert (first.name, second.name) == ("default", "one")
    (project / "imagebuilders.toml").write_text('name = "two"')
    assert Client().active_stack.name == "two"
    monkeypatch.setenv("IMAGEBUILDERS_NAME", "three")
    assert Client().active_stack.name == "three"
    monkeypatch.delenv("IMAGEBUILDERS_NAME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    assert Client().active_stack.artifact_store.path.startswith(str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    assert Client().active_stack.name == "default"
    (tmp_path / "imagebuilders.toml").write_text("[image_builder]\nflavor='kite'\nproject='p'")
    assert Client().active_stack.image_builder.name == "kite"


def test_repr_tells_what_it_is_made_of() -> None:
    """The repr names the stack and its components."""
    assert repr(stack("mine")) == (
        "Stack(name='mine', image_builder='builder', artifact_store='store', "
        "container_registry=None)"
    )
