"""A stack from settings, whose components are made when they are asked for."""

from __future__ import annotations

import copy
import threading
from pathlib import Path

import pytest

from imagebuilders import Client, StackComponent
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.stack.configured_stack import ConfiguredStack


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ("[artifact_store]\npth = 'x'\n", ["artifact_store"]),
        ("[artifact_store]\nflavor = 'a-flavor-nobody-has'\n", ["artifact_store"]),
        ("[container_registry]\n", ["container_registry"]),
        ("[image_builder]\nflavor = 7\n", ["image_builder"]),
        (
            "[image_builder]\nx = 1\n[artifact_store]\nx = 1\n[container_registry]\nx = 1\n",
            ["image_builder", "artifact_store", "container_registry"],
        ),
    ],
)
def test_wrong_settings_disturb_only_who_needs_them(
    project: Path, settings: str, wrong: list[str]
) -> None:
    """A component that is not used may have wrong settings; who asks for it is told."""
    (project / "imagebuilders.toml").write_text(settings)
    stack = Client().active_stack
    for place in ("image_builder", "artifact_store", "container_registry"):
        if place in wrong:
            with pytest.raises(ConfigurationError, match=f"imagebuilders.toml: {place}"):
                getattr(stack, place)
        else:
            component = getattr(stack, place)
            assert isinstance(component, StackComponent) or place == "container_registry"


@pytest.mark.usefixtures("project")
def test_building_needs_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The artifact store's default place is looked for when the store is."""
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr("imagebuilders.user_folders.find_home", lambda environ=None: None)
    stack = Client().active_stack
    assert stack.image_builder.is_building_locally
    assert stack.container_registry is None
    with pytest.raises(ConfigurationError, match="no home folder"):
        _ = stack.artifact_store


@pytest.mark.usefixtures("project")
def test_component_is_made_once() -> None:
    """Threads that ask at the same time get the same component."""
    stack = Client().active_stack
    start = threading.Barrier(4)
    seen: list[StackComponent] = []

    def ask() -> None:
        start.wait(timeout=30)
        seen.append(stack.artifact_store)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert all(each is stack.artifact_store for each in seen)


def test_component_in_the_place_of_another(project: Path, kite: Path) -> None:
    """A flavor whose class is of another kind than the flavor is refused."""
    from kite_builders import KiteFlavor  # type: ignore[import-not-found]  # of the fixture

    from imagebuilders import DefaultContainerRegistry
    from imagebuilders.container_registries import DefaultContainerRegistryConfig
    from imagebuilders.stack.configuration import configuration_from
    from imagebuilders.stack.environment import EnvironmentSettings
    from imagebuilders.stack.flavors import FlavorCatalog, FlavorEntry
    from imagebuilders.stack.stack_file import find_stack_file

    class Confused(KiteFlavor):  # type: ignore[misc]
        """Says that a registry is an image builder."""

        name = "confused"
        config_class = DefaultContainerRegistryConfig
        implementation_class = DefaultContainerRegistry

    (project / "imagebuilders.toml").write_text(
        "[image_builder]\nflavor = 'confused'\nuri = 'r.example'\n"
    )
    catalog = FlavorCatalog([FlavorEntry("confused", "confused 1", Confused())])
    configuration = configuration_from(
        project, find_stack_file(project), EnvironmentSettings({}), catalog
    )
    with pytest.raises(ConfigurationError, match="cannot be the image_builder"):
        _ = ConfiguredStack(configuration).image_builder


def test_it_is_a_stack_like_any_other(project: Path) -> None:
    """It can be activated, copied and shown, and its components can be replaced."""
    stack = Client().active_stack
    assert repr(stack) == "Stack(name='default', file=None)"
    (project / "imagebuilders.toml").write_text("name = 'ci'\n")
    named = Client().active_stack
    assert repr(named) == f"Stack(name='ci', file={str(project / 'imagebuilders.toml')!r})"
    builder = named.image_builder
    other = copy.copy(named)
    assert other.image_builder is builder
    other.image_builder = stack.image_builder
    assert named.image_builder is builder
    with other.activate():
        assert Client().active_stack is other
    with pytest.raises(AttributeError, match="no attribute 'image_bulder'"):
        _ = other.image_bulder  # type: ignore[attr-defined]


def test_unknown_tables_and_variables_are_told_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What belongs to no component can be told only by the stack itself."""
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BULDER__FLAVOR", "local")
    with pytest.raises(ConfigurationError, match="did you mean IMAGEBUILDERS_IMAGE_BUILDER"):
        _ = Client().active_stack
    monkeypatch.delenv("IMAGEBUILDERS_IMAGE_BULDER__FLAVOR")
    (project / "imagebuilders.toml").write_text("[image_bulder]\n")
    with pytest.raises(ConfigurationError, match="unknown key 'image_bulder'"):
        _ = Client().active_stack
