"""Ctrl-C at any moment of any command: exit code 130, and nothing is left behind."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import sysconfig
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from comparison_size import size

from fakes import FakeDockerEngine

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "imagebuilders")

COMMANDS = [
    ("build", "app", "-t", "shop:1"),
    ("build", "app", "--builder", "classic"),
    ("build", "app", "--report", "page.html"),
    ("build", "app", "-f", "plain", "--builder", "daemonless", "-o", "type=oci,dest=out.tar"),
    ("bake", "-f", "compose.yaml"),
    ("cache", "du"),
    ("cache", "prune", "--force"),
    ("context", "digest", "app"),
    ("context", "ls", "app"),
    ("context", "tar", "app", "-o", "context.tar"),
    ("completion", "bash"),
    ("diff", "first:1", "second:1"),
    ("doctor",),
    ("flavors",),
    ("history",),
    ("inspect", "first:1"),
    ("plan", "app", "--offline"),
    ("push", "localhost:9/first:1"),
    ("report", "build.jsonl", "-o", "page.html"),
    ("split", "app"),
    ("stack", "show"),
]
_MOMENTS = size(1, 20)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A working directory, and the environment that leads to an engine."""
    folder = tmp_path_factory.mktemp("interrupted")
    app = folder / "work" / "app"
    app.mkdir(parents=True)
    (app / "Dockerfile").write_text("FROM scratch\nCOPY . /app\nCOPY --from=first:1 /a /a\n")
    (folder / "work" / "plain").write_text("FROM scratch\nCOPY . /app\n")
    for number in range(300):
        (app / f"file{number}").write_bytes(os.urandom(3000))
    (folder / "work" / "compose.yaml").write_text("services: {web: {build: app}}\n")
    line = '{"event": "notice", "time": "2026-01-01T00:00:00.000Z", "message": "x"}\n'
    (folder / "work" / "build.jsonl").write_text(line * 100)
    engine = FakeDockerEngine("28.5", keep_records=100)
    for name in ("first:1", "second:1", "localhost:9/first:1"):
        engine.seed_image(name, files={"a": name})
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with engine.serve() as host:
        yield (
            folder / "work",
            {
                **kept,
                "HOME": str(folder / "home"),
                "DOCKER_CONFIG": str(folder / "docker"),
                "TMPDIR": str(folder / "tmp"),
                "TERM": "xterm",
                "DOCKER_HOST": host,
            },
        )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_ctrl_c(
    words: tuple[str, ...], place: tuple[Path, dict[str, str]], request: pytest.FixtureRequest
) -> None:
    """The terminal has its cursor and wraps lines, no file is there in part, no process is left."""
    folder, environment = place
    temporary = Path(environment["TMPDIR"])
    temporary.mkdir(exist_ok=True)
    whole = _seconds(words, folder, environment)
    before = {path.name for path in folder.iterdir()}
    # The same moments in every run, and in every process of one.
    moments = random.Random(request.node.nodeid)
    interrupted = 0
    for _ in range(_MOMENTS):
        for name in ("out.tar", "context.tar", "page.html"):
            (folder / name).unlink(missing_ok=True)
        code, screen = _interrupted(words, folder, environment, moments.uniform(0.0, whole))
        if any(words in screen for words in _PYTHON_BEGINS):
            continue  # Python itself was not there yet
        assert code in (0, 130, _NOT_BEGUN, *_FAILS.get(words[0], ())), (code, screen)
        interrupted += code in (130, _NOT_BEGUN)
        # What a library's own machinery swallows, Python tells of.
        assert "Traceback" not in screen or code == _NOT_BEGUN or "Exception ignored" in screen
        assert screen.rfind("\x1b[?25l") <= screen.rfind("\x1b[?25h")
        assert screen.rfind("\x1b[?7l") <= screen.rfind("\x1b[?7h")
        assert list(temporary.iterdir()) == []
        left = {path.name for path in folder.iterdir()} - before
        assert left <= {"out.tar", "context.tar", "page.html"}
        if code == 130 and "page.html" in left:
            assert (folder / "page.html").read_text().endswith("</html>\n")
    # A single moment may lie behind the end: a machine is not always as fast.
    assert interrupted or _MOMENTS == 1


_NOT_BEGUN = -signal.SIGINT
"""How Python ends when Ctrl-C comes before the program itself; shells call it 130, too."""

_PYTHON_BEGINS = ("Fatal Python error: init_", "Failed checking if argv[0]")
"""What Python says of Ctrl-C while it starts, before it runs any program."""

_LOCAL_FLAGS = 3
"""Where a terminal's settings have them."""

_FAILS = {"push": (1,), "doctor": (1, 3)}
"""Exit codes of commands that cannot do what they are asked for here."""


def _seconds(words: tuple[str, ...], folder: Path, environment: dict[str, str]) -> float:
    """Return how long the command takes when it is left alone."""
    began = time.monotonic()
    subprocess.run([PROGRAM, *words], cwd=folder, env=environment, capture_output=True, timeout=60)
    return time.monotonic() - began


def _interrupted(
    words: tuple[str, ...], folder: Path, environment: dict[str, str], seconds: float
) -> tuple[int, str]:
    """Run the command in a terminal of its own, press Ctrl-C, and return code and screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        # Else Ctrl-C drops what was printed and is not read yet.
        settings = termios.tcgetattr(0)
        settings[_LOCAL_FLAGS] |= termios.NOFLSH
        termios.tcsetattr(0, termios.TCSANOW, settings)
        os.chdir(folder)
        os.execve(PROGRAM, [PROGRAM, *words], environment)
    time.sleep(seconds)
    with suppress(OSError):
        os.write(terminal, b"\x03")  # the terminal makes a signal of it
    screen = b""
    with suppress(OSError):  # so a terminal says that nobody is there any more
        while piece := os.read(terminal, 65536):
            screen += piece
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), screen.decode("utf-8", "replace")
