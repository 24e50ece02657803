"""The user's folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.user_folders import (
    docker_config_directory,
    expand_home,
    find_home,
    user_cache_folder,
    user_data_folder,
)


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> None:
    """A user ID that the system does not know, and no `HOME`."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    mocker.patch("pwd.getpwuid", side_effect=KeyError("uid not found"))


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder of `HOME`, and no other variables."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}])
def test_without_the_variable_the_system_knows_the_home(
    environ: dict[str, str], mocker: MockerFixture
) -> None:
    """An empty `HOME` is none."""
    mocker.patch("pwd.getpwuid").return_value.pw_dir = "/home/of-system"
    assert find_home(environ) == Path("/home/of-system")
    assert find_home({"HOME": "/h"}) == Path("/h")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_only_what_needs_it_is_an_error() -> None:
    """Settings and caches are done without; data that must be kept asks for a setting."""
    assert find_home() is None
    assert docker_config_directory() is None
    assert user_cache_folder() is None
    with pytest.raises(ConfigurationError, match="IMAGEBUILDERS_ARTIFACT_STORE__PATH"):
        user_data_folder()
    with pytest.raises(ConfigurationError, match="'~/x' is in the user's home folder"):
        expand_home("~/x")


def test_dockers_folder_is_its_variable_or_below_home(home: Path) -> None:
    """`DOCKER_CONFIG` wins."""
    assert docker_config_directory({"DOCKER_CONFIG": "/c", "HOME": "/h"}) == Path("/c")
    assert docker_config_directory({"HOME": "/h"}) == Path("/h/.docker")
    assert docker_config_directory() == home / ".docker"


@pytest.mark.parametrize(
    ("platform", "chosen", "expected"),
    [
        ("linux", "", ".local/share"),
        ("linux", "relative/is/ignored", ".local/share"),
        ("darwin", "", "Library/Application Support"),
    ],
)
def test_each_system_has_its_place_for_data(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, chosen: str, expected: str
) -> None:
    """`XDG_DATA_HOME` counts when it is absolute."""
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("XDG_DATA_HOME", chosen)
    assert user_data_folder() == home / expected
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert user_data_folder() == Path("/data")


def test_caches_have_their_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`XDG_CACHE_HOME` counts when it is absolute."""
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert user_cache_folder() == home / ".cache"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert user_cache_folder() == Path("/cache")


def test_a_tilde_is_a_home(home: Path, mocker: MockerFixture) -> None:
    """The user's own, or that of a user who is named; elsewhere it is a character."""
    assert expand_home("~") == str(home)
    assert expand_home("~/x/y") == f"{home}/x/y"
    assert expand_home("a/~") == "a/~"
    mocker.patch("pwd.getpwnam").return_value.pw_dir = "/home/other"
    assert expand_home("~other/x") == "/home/other/x"


def test_an_unknown_users_home_is_an_error() -> None:
    """It does not become a folder named `~nobody`."""
    with pytest.raises(ConfigurationError, match="the user 'nobody-of-this-name'"):
        expand_home("~nobody-of-this-name/x")
