"""What the tests of credentials share."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from docker_logins import InstallHelper


@pytest.fixture
def install_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallHelper:
    """Put a credential helper on the PATH: a name, and the body of its shell script."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def install(name: str, script: str) -> None:
        path = tmp_path / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return install
