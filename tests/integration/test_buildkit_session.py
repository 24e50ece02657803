"""What real engines ask of the client beside its folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from testbed.bed import Testbed
from testbed.engine import Engine
from testbed.image_reading import read_file
from testbed.programs import archive_of, read_programs
from testbed.ssh_agent import SSHAgent

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.build_options.values import BuildSecret
from imagebuilders.events import Event, StepOutput, listen
from imagebuilders.exceptions import BuildError, BuildOptionsError

pytestmark = pytest.mark.usefixtures("docker_config")

KEY = "-----BEGIN KEY-----\nab\nMIIEowIBAAKCAQEA\ncd\n-----END KEY-----\n"


@pytest.fixture
def buildkit(buildkit_engine: Engine) -> LocalImageBuilder:
    """Give a builder for each engine in turn."""
    return LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")


def test_secrets_are_masked_however_they_are_printed(
    buildkit_engine: Engine,
    buildkit: LocalImageBuilder,
    root: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In one piece, in two with a pause between, with lines, and in the error of a failing step."""
    (root / "Dockerfile").write_text(
        f"""\
FROM {buildkit_engine.busybox}
RUN --mount=type=secret,id=token --mount=type=secret,id=key \\
    cat /run/secrets/token; echo "[$(cat /run/secrets/token)]"; \\
    head -c 5 /run/secrets/token; sleep 1; tail -c +6 /run/secrets/token; echo; \\
    cat /run/secrets/key; sed -n 3p /run/secrets/key; cat /run/secrets/key >&2; exit 3
"""
    )
    secrets = [
        BuildSecret("token", get=lambda: "hunter2-token\n"),
        BuildSecret("key", get=lambda: KEY),
    ]
    told: list[Event] = []
    with caplog.at_level("DEBUG"), listen(told.append), pytest.raises(BuildError) as caught:
        buildkit.build("masked:1", BuildContext(str(root)), {"secrets": secrets, "nocache": True})
    lines = [event.line for event in told if isinstance(event, StepOutput)]
    assert "[****]" in lines
    assert sum("****" in line for line in lines) >= 5
    everything = "\n".join(
        [*lines, *map(repr, told), str(caught.value), *caught.value.log, caplog.text]
    )
    assert "hunter2" not in everything
    assert "MIIEow" not in everything
    assert "ab\ncd" not in everything


def test_secrets_that_are_missing(
    buildkit_engine: Engine, buildkit: LocalImageBuilder, root: Path
) -> None:
    """An optional one is absent, a required one is the build's error, a wrong source is earlier."""
    mount = "RUN --mount=type=secret,id=token"
    (root / "Dockerfile").write_text(
        f"FROM {buildkit_engine.busybox}\n{mount} ls /run/secrets > /found 2>&1 || true\n"
    )
    buildkit.build("missing:1", BuildContext(str(root)), {"nocache": True})
    assert b"token" not in read_file(buildkit_engine, "missing:1", "/found").content
    (root / "Dockerfile").write_text(
        f"FROM {buildkit_engine.busybox}\n{mount},required=true cat /run/secrets/token\n"
    )
    with pytest.raises(BuildError, match=r"token:? not found"):
        buildkit.build("missing:1", BuildContext(str(root)))

    def fail() -> str:
        raise RuntimeError("hunter2 is too short")

    with pytest.raises(BuildError, match=r"token cannot be read .*RuntimeError") as caught:
        buildkit.build(
            "missing:1", BuildContext(str(root)), {"secrets": [BuildSecret("token", get=fail)]}
        )
    assert "hunter2" not in str(caught.value)
    with pytest.raises(BuildOptionsError, match="cannot be read"):
        buildkit.build(
            "missing:1", BuildContext(str(root)), {"secrets": ["id=token,src=/gone/token"]}
        )


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_file_signs_in_a_step(
    testbed: Testbed,
    buildkit_engine: Engine,
    buildkit: LocalImageBuilder,
    ssh_agent: SSHAgent,
    root: Path,
    tmp_path: Path,
    kind: str,
) -> None:
    """A step signs with a key of a file that it never sees, as OpenSSH verifies it."""
    pytest.importorskip("cryptography")
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "c", "-f", str(key)], check=True
    )
    public = key.with_suffix(".pub").read_text().strip()
    programs = read_programs(testbed.toolbox, "/usr/bin/ssh-add", "/usr/bin/ssh-keygen")
    (root / "ssh.tar").write_bytes(archive_of(programs))
    (root / "key.pub").write_text(public + "\n")
    (root / "Dockerfile").write_text(
        f"""\
FROM {buildkit_engine.busybox}
ADD ssh.tar /
COPY key.pub /key.pub
RUN --mount=type=ssh echo -n message > /message && ssh-keygen -Y sign -n test -f /key.pub /message
RUN --mount=type=ssh ssh-add -D && exit 1; ssh-add -L > /keys
"""
    )
    buildkit.build("keys:1", BuildContext(str(root)), {"ssh": [f"default={key}"], "nocache": True})
    signature = read_file(buildkit_engine, "keys:1", "/message.sig").content.decode()
    assert ssh_agent.signed(b"message", signature, public)
    listed = read_file(buildkit_engine, "keys:1", "/keys").content.decode().split()
    assert listed[:2] == public.split()[:2]
