"""The local store with a real full disk, and with several processes at once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

UPLOAD = """
import logging, sys
from imagebuilders.artifact_stores import LocalArtifactStore, upload_build_context
from imagebuilders.build_context import BuildContext
from imagebuilders.exceptions import UploadError

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
try:
    upload_build_context(BuildContext(sys.argv[1]), LocalArtifactStore(path=sys.argv[2]), "a")
except UploadError as error:
    print("UploadError:", error)
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context of four megabytes that do not compress."""
    root = tmp_path / "context"
    root.mkdir()
    (root / "data").write_bytes(random.Random(5).randbytes(4_000_000))
    return root


def _uploading(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="mounting a small file system needs root and unshare",
)
def test_a_full_disk_is_told_and_left_clean(tmp_path: Path, context: Path) -> None:
    """On a file system of one megabyte: an error that says so, and no file of any name."""
    disk = tmp_path / "disk"
    disk.mkdir()
    # In a mount namespace of its own, which ends, mount and all, with the shell.
    script = (
        'mount -t tmpfs -o size=1m tmpfs "$1" && "$2" -c "$3" "$4" "$1/store" '
        '&& echo "left: $(find "$1/store" -type f | wc -l)"'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", disk, sys.executable, UPLOAD, context],
        capture_output=True,
        text=True,
        env=_uploading(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, left = done.stdout.splitlines()
    assert said.startswith(f"UploadError: Could not write {disk}/store/a/")
    assert "no space is left there" in said
    assert left == "left: 0"


def test_processes_that_upload_one_context_at_once(tmp_path: Path, context: Path) -> None:
    """All succeed, one whole archive stands there, and the next upload sends nothing."""
    store = tmp_path / "store"
    command = [sys.executable, "-c", UPLOAD, str(context), str(store)]
    running = [
        subprocess.Popen(command, env=_uploading(tmp_path), stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in running:
        said, _ = process.communicate(timeout=60)
        # Above it, one that waits may say so.
        last = said.splitlines()[-1]
        assert last.startswith(("Uploaded the build context", "The build context is already"))
        assert process.returncode == 0
    (name,) = os.listdir(store / "a")
    with tarfile.open(store / "a" / name) as archive:
        assert archive.getnames() == ["data"]
    again = subprocess.run(
        command, env=_uploading(tmp_path), capture_output=True, text=True, check=True
    )
    assert again.stdout == f"The build context is already at {store}/a/{name}; nothing was sent.\n"
