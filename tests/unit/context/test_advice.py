"""Advice on a context."""

from __future__ import annotations

import logging

import pytest

from imagebuilders.context.advice import (
    FolderSize,
    Notices,
    largest_folders,
    looks_secret,
    secret_looking,
)
from imagebuilders.context.entries import Entry, EntryType


def file(path: str, size: int = 1) -> Entry:
    """Make a file's entry."""
    return Entry(path, EntryType.FILE, size=size)


def test_largest_folders() -> None:
    """Folders come largest first, with the rule that drops each, and no chains of one."""
    entries = [
        Entry("a", EntryType.DIRECTORY),
        file("a/b/c/x", 10),
        file("a/b/c/y", 10),
        file("d[1]/x", 30),
        file("e/f/x", 1),
        file("e/y", 5),
        file("top", 1000),
    ]
    assert largest_folders(entries) == [
        FolderSize("d[1]", 30, 1, r"d\[1\]"),
        FolderSize("a", 20, 2, "a"),
        FolderSize("e", 6, 2, "e"),
        FolderSize("e/f", 1, 1, "e/f"),
    ]
    assert len(largest_folders(entries, limit=1)) == 1


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "a/.env.production",
        "id_rsa",
        "x/server.key",
        "certs/a.pem",
        ".aws/credentials",
        "home/.ssh/work",
        ".netrc",
        "gcp-key.json",
        "terraform.tfstate",
        "prod.env",
        "secrets.yaml",
        ".docker/config.json",
        "Credentials.JSON",
    ],
)
def test_secrets(path: str) -> None:
    """Usual names of credentials and keys are noticed."""
    assert looks_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example",
        "id_rsa.pub",
        "env.py",
        "keys.py",
        "cacert.pem",
        "config.json",
        "secrets.py",
        ".ssh/known_hosts",
        ".env.sample",
        "environment",
        "monkey",
        "credentials.py",
    ],
)
def test_no_secrets(path: str) -> None:
    """Samples, public keys and source files are not."""
    assert not looks_secret(path)


def test_secret_looking() -> None:
    """The paths of a context that look secret; a directory does not count."""
    entries = [Entry("x.key", EntryType.DIRECTORY), file("a/.env"), file("b")]
    assert secret_looking(entries) == ["a/.env"]


def test_warning(caplog: pytest.LogCaptureFixture) -> None:
    """One warning names them, ten at most and each once; without any there is none."""
    with caplog.at_level(logging.WARNING):
        notices = Notices()
        notices.tell_secrets(["a.py"])
        assert caplog.text == ""
        names = [f"{number:02}.pem" for number in range(12)]
        notices.tell_secrets([*names, "a.py"])
        notices.tell_secrets(names)
    assert len(caplog.records) == 1
    assert "00.pem, 01.pem" in caplog.text
    assert "09.pem and 2 more" in caplog.text
    assert "build secrets" not in caplog.text  # which the local builder refuses
