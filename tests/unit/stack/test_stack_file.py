"""Finding and reading the stack file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.stack.stack_file import find_stack_file


def test_no_file(project: Path) -> None:
    """Without a file there is nothing to read."""
    assert find_stack_file(project) is None


def test_nearest_folder_wins(project: Path) -> None:
    """The file of the working directory comes before those above it."""
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    (project / "imagebuilders.toml").write_text('name = "outer"')
    found = find_stack_file(deep)
    assert found is not None
    assert found.content == {"name": "outer"}
    (deep / "pyproject.toml").write_text('[tool.imagebuilders]\nname = "inner"')
    found = find_stack_file(deep)
    assert found is not None
    assert found.content == {"name": "inner"}
    assert found.path == deep / "pyproject.toml"


def test_own_file_comes_before_pyproject(project: Path) -> None:
    """In one folder, imagebuilders.toml counts and pyproject.toml does not."""
    (project / "pyproject.toml").write_text('[tool.imagebuilders]\nname = "second"')
    (project / "imagebuilders.toml").write_text('name = "first"')
    found = find_stack_file(project)
    assert found is not None
    assert found.content == {"name": "first"}


@pytest.mark.parametrize(
    "content",
    [
        '[project]\nname = "app"\n',
        '[project]\ndependencies = ["imagebuilders"]\n',
        '[tool.other]\nuses = "imagebuilders"\n',
        'tool = "imagebuilders"\n',
        "this is not TOML at all\n",
        "[tool\n",
    ],
)
def test_pyproject_that_is_not_ours_is_passed_over(project: Path, content: str) -> None:
    """A pyproject.toml without our table is none of our business, and the search goes on."""
    (project.parent / "imagebuilders.toml").write_text('name = "above"')
    (project / "pyproject.toml").write_text(content)
    found = find_stack_file(project)
    assert found is not None
    assert found.content == {"name": "above"}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Path.mkdir, "is a folder, and must be a regular file"),
        (os.mkfifo, "is a pipe"),
        (lambda path: path.symlink_to("nowhere"), "is a link that leads nowhere"),
        (lambda path: path.symlink_to(path), "cannot be read|is a link that leads nowhere"),
    ],
)
def test_what_is_called_so_and_is_no_file(
    project: Path, make: Callable[[Path], object], says: str
) -> None:
    """Something else under the file's name is an error: somebody meant it to count."""
    path = project / "imagebuilders.toml"
    make(path)
    with pytest.raises(ConfigurationError, match=says) as caught:
        find_stack_file(project)
    assert caught.value.file == str(path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_pyproject_that_is_no_file_is_passed_over(
    project: Path, make: Callable[[Path], object]
) -> None:
    """What is no file cannot hold our table, and belongs to others."""
    make(project / "pyproject.toml")
    assert find_stack_file(project) is None


def test_link_to_a_file(project: Path) -> None:
    """The stack file may be a link."""
    (project / "ci.toml").write_text('name = "ci"')
    (project / "imagebuilders.toml").symlink_to("ci.toml")
    found = find_stack_file(project)
    assert found is not None
    assert found.content == {"name": "ci"}


def test_keys_are_spelled_as_in_the_file(project: Path) -> None:
    """Errors name a key of pyproject.toml from its root."""
    (project / "pyproject.toml").write_text("[tool.imagebuilders]\n")
    found = find_stack_file(project)
    assert found is not None
    assert found.dotted("a", "b") == "tool.imagebuilders.a.b"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'name = "a"\nname = \n', "(line 2, column 8)"),
        (b"[image_builder\n", "(line 1, column 15)"),
        (b'a = 1\nb = "unclosed', "(line 2, column 14)"),
    ],
)
def test_syntax_error_has_its_position(project: Path, content: bytes, where: str) -> None:
    """What is not TOML is reported with file, line and column."""
    path = project / "imagebuilders.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        find_stack_file(project)
    assert where in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")
    assert caught.value.file == str(path)


def test_wrong_encoding_has_its_line(project: Path) -> None:
    """What is not UTF-8 is reported with its line."""
    path = project / "imagebuilders.toml"
    path.write_bytes(b'name = "a"\n# caf\xe9\n')
    with pytest.raises(ConfigurationError, match=r"imagebuilders\.toml:2: is not UTF-8"):
        find_stack_file(project)


@pytest.mark.parametrize(
    "value", [b"9" * 5000, b"[" * 100_000, b"{a=" * 100_000], ids=["digits", "arrays", "tables"]
)
def test_what_python_cannot_hold_is_an_error_of_ours(project: Path, value: bytes) -> None:
    """Limits of Python's own are told without a `ValueError` or `RecursionError`."""
    path = project / "imagebuilders.toml"
    path.write_bytes(b"name = " + value)
    with pytest.raises(ConfigurationError) as caught:
        find_stack_file(project)
    assert caught.value.file == str(path)


def test_a_file_without_an_end_is_refused(project: Path) -> None:
    """As a device is, and a link to one."""
    (project / "imagebuilders.toml").symlink_to("/dev/zero")
    with pytest.raises(ConfigurationError, match="it is a device, and must be a regular file"):
        find_stack_file(project)


def test_broken_pyproject_that_mentions_us(project: Path) -> None:
    """A pyproject.toml that may hold our table must be sound."""
    (project / "pyproject.toml").write_text("[tool.imagebuilders\n")
    with pytest.raises(ConfigurationError, match="line 1, column 20"):
        find_stack_file(project)


def test_our_table_must_be_a_table(project: Path) -> None:
    """`tool.imagebuilders = 1` is an error that says what it must be."""
    (project / "pyproject.toml").write_text("[tool]\nimagebuilders = 1\n")
    with pytest.raises(ConfigurationError, match=r"tool\.imagebuilders must be a table"):
        find_stack_file(project)


def test_file_that_cannot_be_read(project: Path, mocker: MockerFixture) -> None:
    """A file without read permission is an error, not a missing file."""
    (project / "imagebuilders.toml").write_text("")
    # A superuser may read whatever there is.
    mocker.patch("os.open", side_effect=PermissionError(13, "Permission denied"))
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        find_stack_file(project)


def test_repr_hides_the_content(project: Path) -> None:
    """A stack file may hold a password; its repr does not."""
    (project / "imagebuilders.toml").write_text("[container_registry]\npassword = 'hunter2'\n")
    assert "hunter2" not in repr(find_stack_file(project))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=60) | st.text("[]=\"'\\\n#{}.,ab1-", max_size=40).map(str.encode))
def test_any_bytes_give_tables_or_one_error(project: Path, content: bytes) -> None:
    """Whatever a file holds, it is either read or refused with file and position."""
    path = project / "imagebuilders.toml"
    path.write_bytes(content)
    try:
        found = find_stack_file(project)
    except ConfigurationError as error:
        refused = error
    else:
        assert found is not None
        assert isinstance(found.content, dict)
        return
    assert refused.file == str(path)
    assert str(refused).startswith(f"{path}:")
    assert refused.__cause__ is None


def test_python_without_tomllib_has_tomli() -> None:
    """The parser is the standard library's, or tomli where it has none."""
    from imagebuilders.stack import stack_file

    expected = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    assert vars(stack_file)["tomllib"].__name__ == expected
