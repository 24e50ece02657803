"""SSH agents that steps of a build use, for real."""

from __future__ import annotations

from pathlib import Path

import pytest
from testbed.bed import Testbed
from testbed.engine import Engine
from testbed.image_reading import read_file
from testbed.programs import archive_of, read_programs
from testbed.ssh_agent import SSHAgent

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.events import Event, StepOutput, listen
from imagebuilders.exceptions import BuildError

pytestmark = pytest.mark.usefixtures("docker_config")

LONG_COMMENT = 3_000
"""Keys with comments of this length make an answer of the agent larger than a frame of HTTP/2."""


@pytest.fixture(scope="module")
def ssh_programs(testbed: Testbed) -> bytes:
    """An archive of `ssh-add` and `ssh-keygen`."""
    return archive_of(read_programs(testbed.toolbox, "/usr/bin/ssh-add", "/usr/bin/ssh-keygen"))


def test_agent_signs_in_a_step(
    buildkit_engine: Engine, ssh_agent: SSHAgent, ssh_programs: bytes, root: Path
) -> None:
    """A step lists the agent's keys and has it sign; no key and no socket is in the image."""
    lines = [ssh_agent.add_key(f"key{n}", f"{n}" * LONG_COMMENT) for n in range(8)]
    (root / "ssh.tar").write_bytes(ssh_programs)
    (root / "key.pub").write_text(lines[3] + "\n")
    (root / "Dockerfile").write_text(
        f"""\
FROM {buildkit_engine.busybox}
ADD ssh.tar /
COPY key.pub /key.pub
RUN --mount=type=ssh ssh-add -L > /keys
RUN --mount=type=ssh echo -n message > /message && ssh-keygen -Y sign -n test -f /key.pub /message
RUN --mount=type=ssh,id=other [ ! -e "$SSH_AUTH_SOCK" ] && touch /without
RUN ls -d /run/buildkit > /left 2>&1 || true
"""
    )
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    builder.build(
        "ssh:1", BuildContext(str(root)), {"ssh": [f"default={ssh_agent.socket}"], "nocache": True}
    )

    listed = read_file(buildkit_engine, "ssh:1", "/keys").content.decode()
    assert listed.splitlines() == lines
    signature = read_file(buildkit_engine, "ssh:1", "/message.sig").content.decode()
    assert ssh_agent.signed(b"message", signature, lines[3])
    assert not ssh_agent.signed(b"another", signature, lines[3])


def test_agents_by_name(
    buildkit_engine: Engine, ssh_agent: SSHAgent, ssh_programs: bytes, root: Path
) -> None:
    """Each mount gets the agent of its id; the default is that of `SSH_AUTH_SOCK`."""
    line = ssh_agent.add_key("one")
    (root / "ssh.tar").write_bytes(ssh_programs)
    (root / "Dockerfile").write_text(
        f"""\
FROM {buildkit_engine.busybox}
ADD ssh.tar /
RUN --mount=type=ssh,id=mine,mode=0600 ssh-add -L > /keys
RUN --mount=type=ssh,required ssh-add -L
"""
    )
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    seen: list[Event] = []
    with pytest.MonkeyPatch.context() as patch, listen(seen.append):
        patch.setenv("SSH_AUTH_SOCK", ssh_agent.socket)
        builder.build(
            "ssh:2",
            BuildContext(str(root)),
            {"ssh": ["default", f"mine={ssh_agent.socket}"], "nocache": True},
        )
    assert read_file(buildkit_engine, "ssh:2", "/keys").content.decode().strip() == line
    assert line in [event.line for event in seen if isinstance(event, StepOutput)]


def test_required_agent_is_missing(engine: Engine) -> None:
    """The error names the step."""
    context = BuildContext()
    context.add_file(f"FROM {engine.busybox}\nRUN --mount=type=ssh,required true\n", "Dockerfile")
    builder = LocalImageBuilder(docker_client=engine.client, builder="buildkit")
    with pytest.raises(BuildError, match="ssh"):
        builder.build("ssh:3", context)
