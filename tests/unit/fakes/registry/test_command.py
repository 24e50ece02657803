"""`python -m fakes registry`."""

from __future__ import annotations

import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import requests
from click.testing import CliRunner

from fakes.__main__ import main
from fakes.registry import FakeRegistry


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[requests.Response]]:
    """What the registry answers to GET /v2/_catalog while the command runs.

    Where the command would wait to be stopped, it is visited and then gets a signal.
    """
    answers: list[requests.Response] = []
    listening: list[FakeRegistry] = []
    start = FakeRegistry.start

    def remember(registry: FakeRegistry) -> FakeRegistry:
        listening.append(registry)
        return start(registry)

    class Visit(Event):
        def wait(self, timeout: float | None = None) -> bool:
            registry = listening[0]
            url = f"{registry.url}/v2/_catalog"
            answers.append(requests.get(url, auth=("alice", "s3cret"), verify=False, timeout=5))
            os.kill(os.getpid(), signal.SIGTERM)
            return super().wait(timeout=5)

    monkeypatch.setattr(FakeRegistry, "start", remember)
    monkeypatch.setattr("fakes.registry.command.Event", Visit)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield answers
    for number, handler in before.items():
        signal.signal(number, handler)


def test_it_runs_until_it_is_told_to_stop(visits: list[requests.Response]) -> None:
    """The address is printed, and a signal is a wish, not an error."""
    result = CliRunner().invoke(main, ["registry", "--listen", "127.0.0.1:0"])
    assert (result.exit_code, result.exception) == (0, None)
    assert result.output.startswith("registry: http://127.0.0.1:")
    assert visits[0].json() == {"repositories": []}


def test_it_takes_users_and_images(visits: list[requests.Response], tmp_path: Path) -> None:
    """With users it asks for passwords; images are there from the beginning."""
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "manifest.json").write_text('[{"Config": "a.json", "Layers": []}]')
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        for name in ("a.json", "manifest.json"):
            archive.add(tmp_path / name, name)
    result = CliRunner().invoke(
        main,
        ["registry", "--listen", "127.0.0.1:0", "--user", "alice:s3cret",
         "--seed", f"team/app:1={tmp_path / 'image.tar'}"],
    )  # fmt: skip
    assert result.exception is None
    assert visits[0].json() == {"repositories": ["team/app"]}
    assert requests.codes.ok == visits[0].status_code


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_it_writes_its_certificate(visits: list[requests.Response], tmp_path: Path) -> None:
    """For clients to trust."""
    pytest.importorskip("cryptography")
    path = tmp_path / "ca.crt"
    result = CliRunner().invoke(
        main, ["registry", "--listen", "127.0.0.1:0", "--tls", "--certificate", str(path)]
    )
    assert result.exception is None
    assert result.output.startswith("registry: https://")
    assert path.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
    assert visits[0].status_code == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen", "5000"], "expected HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "with a port up to 65535, not '127.0.0.1:99999'"),
        (["--user", "alice"], "alice… has no ':'"),
        (["--seed", "app:1"], "app:1… has no '='"),
        (["--seed", "app:1=/nowhere.tar"], "cannot seed from /nowhere.tar"),
        (["--auth", "bearer"], "needs users"),
        (["--auth", "telepathy"], "telepathy"),
    ],
)
def test_mistakes_are_told(arguments: list[str], message: str) -> None:
    """Without a traceback; the port is not opened."""
    result = CliRunner().invoke(main, ["registry", *arguments])
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert message in result.output


def test_the_doubles_are_listed() -> None:
    """And an unknown one is an error."""
    result = CliRunner().invoke(main, ["--help"])
    assert "Serve a registry double" in result.output
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2
