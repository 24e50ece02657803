"""Build secrets that a daemon asks for, and where they come from."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joined_session import joined_session

from imagebuilders.build_options.secret_sources import MAX_SECRET_BYTES, secret_sources
from imagebuilders.build_options.values import BuildSecret
from imagebuilders.buildkit.session.secrets import Secrets
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.exceptions import BuildOptionsError


def asked(secrets: Secrets, name: str = "token") -> bytes:
    """Ask for a secret as a daemon does."""
    with joined_session(secrets) as daemon:
        return daemon.secret(name)


def refused(source: Callable[[], bytes]) -> CallError:
    """Ask for a secret that cannot be handed out."""
    handed_out: list[bytes] = []
    with pytest.raises(CallError) as caught:
        asked(Secrets({"token": source}, handed_out.append))
    assert handed_out == []
    return caught.value


def test_a_secret_is_read_when_it_is_asked_for() -> None:
    """Its function is called for each question, and what leaves is told to the mask."""
    handed_out: list[bytes] = []
    values = iter([b"first", b""])
    secrets = Secrets({"token": lambda: next(values)}, handed_out.append)
    assert [asked(secrets), asked(secrets)] == [b"first", b""]
    assert handed_out == [b"first", b""]


@pytest.mark.parametrize("name", ["other", "", "TOKEN", "HTTP_AUTH_HEADER_example.com"])
def test_a_secret_that_there_is_not(name: str) -> None:
    """An unknown ID is NOT_FOUND: so an optional secret is absent and a required one missing."""
    with pytest.raises(CallError) as caught:
        asked(Secrets({"token": lambda: b"x"}), name)
    assert caught.value.status.code == Code.NOT_FOUND


@given(st.sampled_from([ValueError, KeyError, RuntimeError, UnicodeError, AssertionError]))
def test_what_an_error_says_stays_here(kind: type[Exception]) -> None:
    """The words of an error may quote the secret, so only its kind is told to anyone."""

    def fail() -> bytes:
        raise kind("hunter2 has no digits")

    error = refused(fail)
    assert "hunter2" not in str(error)
    assert kind.__name__ in str(error)


def test_an_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does it reach the log."""
    caplog.set_level(logging.DEBUG)
    refused(lambda: bytes([0]).decode("hunter2").encode())
    assert "hunter2" not in caplog.text


def test_why_a_file_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The system's reason has no secret in it."""
    error = refused(lambda: (tmp_path / "gone").read_bytes())
    assert "FileNotFoundError: No such file or directory" in str(error)


def test_a_secret_may_have_so_many_bytes() -> None:
    """The largest that daemons take is handed out, a larger one is not."""
    largest = b"x" * MAX_SECRET_BYTES
    assert asked(Secrets({"token": lambda: largest})) == largest
    assert refused(lambda: largest + b"x").status.code == Code.RESOURCE_EXHAUSTED


# --- sources -----------------------------------------------------------------


def value_of(secret: BuildSecret) -> bytes:
    """Return what a secret is."""
    return secret_sources([secret])[secret.id]()


def test_secrets_come_from_files_variables_and_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, as they are there."""
    (tmp_path / "file").write_bytes(b"\xffa\r\n")
    monkeypatch.setenv("VARIABLE", "é\udcff")
    assert value_of(BuildSecret("a", src=str(tmp_path / "file"))) == b"\xffa\r\n"
    assert value_of(BuildSecret("a", env="VARIABLE")) == b"\xc3\xa9\xff"
    assert value_of(BuildSecret("a", get=lambda: "é")) == "é".encode()
    assert value_of(BuildSecret("a", get=lambda: b"\0\xff")) == b"\0\xff"


def test_without_a_source_the_name_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of the secret's own name counts, then the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "TOKEN").write_text("file")
    assert value_of(BuildSecret("TOKEN")) == b"file"
    monkeypatch.setenv("TOKEN", "variable")
    assert value_of(BuildSecret("TOKEN")) == b"variable"


def test_a_relative_file_is_that_of_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working directory may change before the daemon asks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    source = secret_sources([BuildSecret("a", src="file")])["a"]
    monkeypatch.chdir("/")
    assert source() == b"x"


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (BuildSecret("tok", env="NOT_SET"), "NOT_SET, which is not set"),
        (BuildSecret("tok", src="/gone/x"), "/gone/x, which cannot be read: No such file"),
        (BuildSecret("tok", src="a\0b"), "cannot be read: .*null"),
        (BuildSecret("tok", src="/"), "/, which cannot be read: it is a folder"),
        (BuildSecret("tok", src="/dev/zero"), "/dev/zero, which cannot be read: it has more"),
    ],
)
def test_a_source_that_is_not_there_is_found_before_the_build(
    secret: BuildSecret, words: str
) -> None:
    """The error names the secret and its source."""
    with pytest.raises(BuildOptionsError, match=words) as caught:
        secret_sources([secret])
    assert caught.value.option == "secrets"
    assert "'tok'" in str(pickle.loads(pickle.dumps(caught.value)))


def test_a_source_that_is_too_large_is_found_before_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is told, its content is not."""
    (tmp_path / "file").write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    monkeypatch.setenv("VARIABLE", "x" * 600_000)
    for secret in (BuildSecret("a", src=str(tmp_path / "file")), BuildSecret("a", env="VARIABLE")):
        with pytest.raises(BuildOptionsError, match=r"has \d+ bytes") as caught:
            secret_sources([secret])
        assert "xxx" not in str(caught.value)


def test_a_stream_is_read_at_once() -> None:
    """What a command writes, as in a shell's `<(command)`, can be read once, so it is kept."""
    reading, writing = os.pipe()
    os.write(writing, b"value")
    os.close(writing)
    try:
        source = secret_sources([BuildSecret("a", src=f"/dev/fd/{reading}")])["a"]
        assert source() == source() == b"value"
    finally:
        os.close(reading)


def test_a_file_that_grows_is_not_read_without_end(tmp_path: Path) -> None:
    """No more is read than what tells that it is too large."""
    path = tmp_path / "file"
    path.write_text("x")
    source = secret_sources([BuildSecret("a", src=str(path))])["a"]
    os.truncate(path, 1 << 40)
    assert len(source()) == MAX_SECRET_BYTES + 1


def test_a_function_returns_text_or_bytes() -> None:
    """Anything else is told by its kind, not by its value."""
    source = secret_sources([BuildSecret("a", get=lambda: 4711)])["a"]  # type: ignore[arg-type,return-value]
    assert "TypeError" in str(refused(source))
    assert "4711" not in str(refused(source))
