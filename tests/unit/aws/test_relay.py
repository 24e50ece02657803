"""The small program by which commands of builds reach the process that runs the double."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fakes.code_build.programs.relay import main


def _relay(
    monkeypatch: pytest.MonkeyPatch, folder: Path, answer: bytes, data: bytes = b""
) -> tuple[int, dict[str, Any], bytes]:
    """Run it beside a listener that answers; its exit code, what it asked for, and the input."""
    path = str(folder / "s")
    asked: list[dict[str, Any]] = []
    sent: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()

        def serve() -> None:
            connected, _ = listening.accept()
            with connected, connected.makefile("rb") as file:
                asked.append(json.loads(file.readline()))
                sent.append(file.read(asked[0]["input"]))
                connected.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setattr(sys, "argv", ["relay.py", path, "docker", "buildx", "build"])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main()
        thread.join()
    return code, asked[0], sent[0]


def test_a_command_is_handed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """With folder, variables and input; both outputs come back, and the exit code."""
    monkeypatch.setenv("OF_THE_BUILD", "1")
    answer = b"out 3\na\nberr 4\noopsout 1\ncexit 7\n"
    code, asked, data = _relay(monkeypatch, tmp_path, answer, b"in\xff")
    assert (code, data) == (7, b"in\xff")
    assert (asked["program"], asked["arguments"]) == ("docker", ["buildx", "build"])
    assert (asked["folder"], asked["environment"]["OF_THE_BUILD"]) == (os.getcwd(), "1")
    assert capsysbinary.readouterr() == (b"a\nbc", b"oops")


@pytest.mark.parametrize(("answer", "code"), [(b"exit 0\n", 0), (b"out 0\n", 255), (b"", 255)])
def test_how_a_command_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: bytes, code: int
) -> None:
    """Without an exit code the double went away in the midst of it."""
    assert _relay(monkeypatch, tmp_path, answer)[0] == code
