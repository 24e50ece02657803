"""The OCI distribution conformance program against the fake registry.

The program is not part of this project. Where one is at hand, its path goes into
`IMAGEBUILDERS_TEST_CONFORMANCE`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from fakes.registry import AuthKind, FakeRegistry

_PROGRAM = os.environ.get("IMAGEBUILDERS_TEST_CONFORMANCE", "")
_COUNT = re.compile(r"^\s*(Skip|Pass|FAIL|Error)\.+:\s*(\d+)$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not _PROGRAM, reason="IMAGEBUILDERS_TEST_CONFORMANCE names no OCI conformance program"
)


@pytest.mark.parametrize("version", ["1.1", "dev"])
@pytest.mark.parametrize("kind", list(AuthKind), ids=lambda kind: kind.value)
def test_nothing_fails_and_nothing_is_skipped(kind: AuthKind, version: str, tmp_path: Path) -> None:
    """Versions 1.1 and development, with each kind of authentication."""
    users = {} if kind is AuthKind.NONE else {"alice": "s3cret"}
    with FakeRegistry(auth=kind, users=users) as registry:
        environment = {
            "PATH": os.environ["PATH"],
            "OCI_REGISTRY": registry.address,
            "OCI_TLS": "disabled",
            "OCI_VERSION": version,
            "OCI_RESULTS_DIR": str(tmp_path),
        }
        if users:
            environment |= {"OCI_USERNAME": "alice", "OCI_PASSWORD": "s3cret"}
        program = subprocess.run(
            [_PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
    counts = {name: int(count) for name, count in _COUNT.findall(program.stdout)}
    assert counts.pop("Pass") > 800, program.stderr
    assert counts == {"Skip": 0, "FAIL": 0, "Error": 0}, program.stdout
    assert program.returncode == 0
