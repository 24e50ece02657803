"""Which faults may pass, and how faults are told."""

from __future__ import annotations

import asyncio
import errno

import pytest
from fsspec.exceptions import FSTimeoutError  # type: ignore[import-untyped]

from imagebuilders.artifact_stores.faults import describe, is_transient


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncio.TimeoutError(), True),
        (FSTimeoutError(), True),
        (OSError(errno.EBUSY, "busy"), True),
        (OSError(errno.ENOSPC, "full"), False),
        (OSError("no code"), False),
        (PermissionError(errno.EACCES, "no"), False),
        (ValueError("no"), False),
    ],
    ids=repr,
)
def test_which_faults_may_pass(error: Exception, transient: bool) -> None:
    """Lost connections and busy services may pass; full disks and refusals do not."""
    assert is_transient(error) is transient


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space is left there"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "a quota is used up"),
        (OSError(errno.EFBIG, "File too large"), "larger than the file system"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "(Permission denied)"),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "/x"),
            "where a folder should be. Rem",
        ),
        (FileExistsError(errno.EEXIST, "File exists", "/x"), "a folder should be. "),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), "No such file."),
        (OSError(errno.EIO, "Input/output error", "/x"), "OSError: Input/output error"),
        (ConnectionResetError(), "ConnectionResetError: no reason given"),
        (KeyError("key"), "KeyError: 'key'"),
    ],
    ids=repr,
)
def test_how_faults_are_told(error: Exception, words: str) -> None:
    """Each fault is told by its cause, without the paths the system appends."""
    text = describe(error)
    assert words in text
    assert "/x" not in text
