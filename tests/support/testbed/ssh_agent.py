"""A real SSH agent of the test process's machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import apt
from testbed.errors import NoTestbedError
from testbed.settings import TestbedSettings

_START_TIMEOUT = 10.0


@dataclass(frozen=True)
class SSHAgent:
    """An agent that runs."""

    socket: str
    """Where it listens."""
    folder: Path
    """Where the keys are made; removed with the agent."""

    def add_key(self, name: str, comment: str = "") -> str:
        """Make a key and give it to the agent; returns its public line."""
        path = self.folder / name
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment or name]
        _run([*make, "-f", str(path)], self)
        _run(["ssh-add", "-q", str(path)], self)
        path.unlink()
        return path.with_suffix(".pub").read_text().strip()

    def signed(self, message: bytes, signature: str, public_line: str) -> bool:
        """Whether a signature as ``ssh-keygen -Y sign -n test`` writes it is of that key."""
        signers = self.folder / "signers"
        signers.write_text(f"tester {public_line}\n")
        written = self.folder / "signature"
        written.write_text(signature)
        verify = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "tester", "-n", "test"]
        done = subprocess.run(
            [*verify, "-s", str(written)],
            input=message,
            capture_output=True,
        )
        return done.returncode == 0


@contextmanager
def ssh_agent(settings: TestbedSettings) -> Iterator[SSHAgent]:
    """An agent without keys, which lives as long as the block.

    Raises:
        NoTestbedError: there is no OpenSSH and it may not be installed.
    """
    if shutil.which("ssh-agent") is None:
        if not settings.provision or not apt.can_install():
            raise NoTestbedError("openssh-client is not installed")
        apt.install("openssh-client")
    # The path of a socket has 108 bytes at most; pytest's folders can be longer.
    with tempfile.TemporaryDirectory(prefix="ssh-") as folder:
        socket = Path(folder, "agent")
        process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(socket)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + _START_TIMEOUT
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise NoTestbedError("ssh-agent did not start")
                time.sleep(0.01)
            yield SSHAgent(str(socket), Path(folder))
        finally:
            process.terminate()
            process.wait()


def _run(command: list[str], agent: SSHAgent) -> None:
    subprocess.run(
        command, check=True, capture_output=True, env={"SSH_AUTH_SOCK": agent.socket, "PATH": _PATH}
    )


_PATH = "/usr/local/bin:/usr/bin:/bin"
