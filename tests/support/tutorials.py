"""Run a tutorial as its reader does: from an empty folder, files and shell lines in their order.

A block whose first line is a comment with a path is that file. Of a block `console` the lines after
`$ ` are typed into one shell, and the other lines are what they print, with `…` for any words.
A line that ends with `&` goes on until the tutorial ends. `<!-- exit code 1 -->` before a block is
how its last line ends; all others succeed.
"""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(
    r"(?:<!-- exit code (?P<code>\d+) -->\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_PATH = re.compile(r"# (?P<path>[\w./-]*[\w-]+)\n")
_SECONDS = 300
_PORTS = ("5000", "1234", "1235")


@dataclass
class Line:
    """A line that is typed, what it prints, and how it ends."""

    typed: str
    printed: list[str] = field(default_factory=list)
    exit_code: int = 0


def steps_of(page: str) -> list[Line | tuple[str, str]]:
    """Return a page's lines to type, and its files as path and content, in their order."""
    steps: list[Line | tuple[str, str]] = []
    for block in _BLOCK.finditer(page):
        if block["kind"] != "console":
            named = _PATH.match(block["text"])
            if named is None:
                raise ValueError(f"a block without a path: {block['text'][:60]}")
            # A first line that names the file is not a part of it.
            steps.append((named["path"], block["text"]))
            continue
        lines: list[Line] = []
        for text in block["text"].splitlines():
            if text.startswith("$ "):
                lines.append(Line(text.removeprefix("$ ")))
            else:
                lines[-1].printed.append(text)
        lines[-1].exit_code = int(block["code"] or 0)
        steps += lines
    return steps


def run(page: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Run a page; return what was other than it says.

    Args:
        page: its text.
        folder: an empty folder.
        environment: the shell's.
    """
    steps = steps_of(page)
    outputs = folder.with_name(f"{folder.name}-outputs")
    outputs.mkdir()
    script = ["trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"]
    lines: dict[int, Line] = {}
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            path, text = step
            script.append(f"mkdir -p {shlex.quote(str(Path(path).parent))}")
            script.append(f"printf %s {shlex.quote(text)} > {shlex.quote(path)}")
            continue
        lines[number] = step
        output = shlex.quote(str(outputs / str(number)))
        if step.typed.endswith("&"):
            script.append(f"{step.typed.removesuffix('&')} > {output} 2>&1 &")
            script.append(f"for _ in {{1..1000}}; do [ -s {output} ] && break; sleep 0.05; done")
        else:
            script.append(f"{{ {step.typed}\n}} > {output} 2>&1")
        script.append(f"echo $? > {output}.code")
    told = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    wrong = [told.stderr] if told.stderr else []
    for number, line in lines.items():
        text = (outputs / str(number)).read_text()
        code = int((outputs / f"{number}.code").read_text())
        if code != line.exit_code or not _is_printed(line.printed, text):
            wrong.append(f"$ {line.typed}\nexit code {code}\n{text}")
    return wrong


def _is_printed(expected: list[str], text: str) -> bool:
    """Whether lines of the text are these, in this order, maybe with others between them."""
    lines = iter(text.splitlines())
    return all(any(_pattern(each).fullmatch(line) for line in lines) for each in expected)


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, line.split("…"))))


def with_free_ports(text: str) -> str:
    """Put ports that are free in the place of the page's."""
    with ExitStack() as opened:
        listeners = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in _PORTS]
        ports = [str(listener.getsockname()[1]) for listener in listeners]
    text = text.replace("fakes registry", "fakes registry --listen 127.0.0.1:5000")
    text = text.replace("localhost:5000", "127.0.0.1:5000")
    for port, free in zip(_PORTS, ports, strict=True):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
    return text
