"""What `imagebuilders build` asks a daemon for, compared with what `docker buildx build` asks for.

Recorded are the requests of buildx for 664 command lines, to three kinds of builders each: a remote
BuildKit, and engines with either image store. Every one of them is run through the command line;
what differs is listed here with its reason, and is seen to differ.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import buildx_comparison as comparison
import pytest

from imagebuilders.cli.build_flags import BUILDX_FLAGS, HIDDEN_FLAGS

DATA = Path(__file__).parents[2] / "data" / "buildx_requests.json.gz"
RECORDED = json.loads(gzip.decompress(DATA.read_bytes()))
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in RECORDED["cases"]}


def _each(reason: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, reason)


DIFFERENT = {
    **_each("the query of a git address is the daemon's to read", "context-30"),
    **_each("an inline cache is asked for once", "build-arg-22"),
    **_each("both spellings of a proxy are set, as in classic builds", "build-arg-23"),
    **_each("a name that is given twice is one name", "tag-11@engine"),
    **_each("no stage is no stage", "no-cache-08"),
    **_each("whether a digest is there is the daemon's to find out", "cache-from-06"),
    **_each("an image is stored once, however often it is asked for",
            "output-46@engine", "conflict-01@engine", "conflict-06@engine", "conflict-10@engine",
            "conflict-28@engine"),
    **_each("an image is asked for, so it is kept", "env-29@engine"),
    **_each("buildx's own variable", "env-30@containerd", "env-31@containerd", "env-31@remote"),
    **_each("a daemon of its own has the exporter 'image'", "output-37@remote"),
    **_each("an annotation is never lost: an engine's own image has it too",
            "annotation-01@engine", "annotation-02@engine", "annotation-03@containerd",
            "annotation-04@engine", "annotation-05@containerd", "annotation-06@engine",
            "annotation-07@containerd", "annotation-10@containerd", "annotation-11@engine",
            "random-03@containerd", "random-22@engine", "random-29@containerd",
            "random-32@engine", "random-42@containerd", "random-45@containerd",
            "random-48@containerd", "random-51@engine"),
    **_each("an image that is pushed is the engine's image of other builders",
            "conflict-06@remote"),
    **_each("addresses go before the environment", "env-18@remote"),
    **_each("a question has no results, which nobody would take",
            "conflict-21", "conflict-22", "conflict-23@engine", "conflict-24@containerd",
            "conflict-24@remote", "conflict-23@remote", "random-12@containerd",
            "random-12@remote", "random-27@containerd", "random-27@remote",
            "random-39@containerd"),
    **_each("a call without a name is a build", "call-15"),
    **_each("a call has one name, with or without 'frontend.'", "call-12"),
}  # fmt: skip
"""Requests that differ, and why; behind an @ the kind of builder."""

REFUSED = {
    **_each("a Dockerfile that is not there is told before the build",
            "context-02", "context-05", "file-02", "file-05", "file-07", "file-12"),
    **_each("nothing on standard input is a mistake", "context-12"),
    **_each("a Dockerfile at an address would be read in a build of its own", "file-09"),
    **_each("an image's digest is not known before the build", "tag-08"),
    **_each("the image store of a graph driver passes over a push in the outputs",
            "output-23@graph", "output-27@graph", "output-50@graph", "conflict-11@graph"),
    **_each("a cache that the image store cannot export is refused, with a token or without",
            "cache-to-08@graph"),
    **_each("an unknown type of output is told before the build", "output-30"),
    **_each("mode=delete is not supported", "output-07@remote", "delete-03@remote",
            "delete-07@remote", "delete-06"),
    **_each("a daemon of its own has no engine to load an image into",
            "output-15@remote", "output-18@remote", "output-46@remote", "load-01@remote",
            "load-02@remote", "load-04@remote", "load-06@remote", "load-09@remote",
            "conflict-01@remote", "conflict-28@remote", "conflict-07@remote",
            "conflict-08@remote", "conflict-10@remote",
            "conflict-11@remote", "conflict-12@remote", "annotation-18@remote",
            "random-02@remote", "random-18@remote", "random-31@remote", "random-37@remote",
            "random-46@remote",
            "iidfile-02@remote", "metadata-file-02@remote", "quiet-02@remote",
            "quiet-04@remote"),
    **_each("the daemon's own platform is asked for by leaving the option out", "platform-07"),
    **_each("an empty value is a mistake", "secret-16", "ssh-09", "add-host-10"),
    **_each("a secret that cannot be read is told before the build", "secret-17", "secret-19"),
    **_each("BuildKit has no meaning for it; the classic builder has",
            "legacy-11", "legacy-13", "legacy-19"),
    **_each("what would be passed over is unknown", "legacy-12"),
    **_each("the calls that have answers are known", "call-06", "call-11"),
    **_each("there is no builder of that name here; instances have tests of their own",
            "builder-01@remote", "builder-06@remote", "builder-07@remote",
            "builder-08@remote", "builder-09@remote", "builder-10@remote", "env-21@remote"),
    **_each("there is no engine here", "builder-02@remote", "env-20@remote"),
    **_each("policies are programs that buildx itself evaluates",
            "policy-05", "policy-08", "policy-17", "policy-18@remote"),
    **_each("what is no time is no build argument", "env-04"),
}  # fmt: skip
"""What buildx builds and the client refuses, and why."""

ACCEPTED = {
    **_each("an image always has a name, to push it by",
            *(f"output-{n}@{kind}" for n in (24, 26, 28) for kind in ("containerd", "remote"))),
    **_each("the daemon tells what its exporter does not know", "output-25@containerd"),
    **_each("a folder may have several platforms whatever the image store", "output-54@graph",
            "random-20@graph"),
    **_each("a question makes no image", "call-19@graph", "conflict-24@graph", "random-12@graph",
            "random-27@graph", "random-39@graph"),
    **_each("no platform is the daemon's own", "platform-11"),
    **_each("what is no address is the daemon's to refuse", "add-host-08"),
    **_each("the daemon knows the limits that its system has", "ulimit-04", "ulimit-09"),
    **_each("buildx's own variable", "policy-16",
            *(f"env-{n}@{kind}" for n in (15, 17) for kind in ("containerd", "remote"))),
    **_each("buildx's own variable, heeded for builders alone", "env-19"),
}  # fmt: skip
"""What buildx refuses and the client does not, and why."""

_ENGINES = ("containerd", "graph")
_VARIABLES = ("DOCKER_", "BUILDX_", "BUILDKIT_", "SSH_AUTH_", "SOURCE_DATE_", "ACTIONS_", "AWS_")


def _is_among(name: str, driver: str, listed: Mapping[str, str]) -> bool:
    """Tell whether a command line is listed, for all kinds of builders or for this one."""
    kinds = (driver, "engine") if driver in _ENGINES else (driver,)
    return name in listed or any(f"{name}@{kind}" in listed for kind in kinds)


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with the files, keys and socket that the command lines name."""
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder = tmp_path_factory.mktemp("work")
    _write(folder, RECORDED["files"])
    for name in ("key", "key2"):
        key = Ed25519PrivateKey.generate()
        form = (Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        (folder / name).write_bytes(key.private_bytes(*form))
        (folder / name).chmod(0o600)
    with socket.socket(socket.AF_UNIX) as agent:
        before = os.getcwd()
        os.chdir(folder.parent)  # the path of a socket is short
        try:
            agent.bind("agent.sock")
        finally:
            os.chdir(before)
        yield folder


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the user's in the environment."""
    for name in [name for name in os.environ if name.upper().startswith(_VARIABLES)]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache-dir"))
    monkeypatch.setenv("HOME", "HOME")


STDIN = {
    "tar": comparison.archive(gzip=False),
    "targz": comparison.archive(gzip=True),
    "dockerfile": b"FROM scratch\n",
}


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("name", CASES)
def test_a_command_line_asks_for_the_same(
    name: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request, a refusal where buildx refuses, or a difference that is listed."""
    case = CASES[name]
    work = files
    if "files" in case:
        work = tmp_path / "work"
        shutil.copytree(files, work)
        _write(work, case["files"])
    monkeypatch.chdir(work)
    (tmp_path / "config.json").write_text(json.dumps(case.get("config", {})))

    def real(text: str) -> str:
        return text.replace("WORK", str(work)).replace("ROOT", str(files.parent))

    for variable, value in case.get("env", {}).items():
        monkeypatch.setenv(variable, real(value))
    words = [real(word) for word in case["argv"]]
    stdin = STDIN.get(case.get("stdin", ""), b"")
    for driver, recorded in case["drivers"].items():
        outcome = comparison.run(driver, words, monkeypatch, stdin=stdin)
        if outcome.code:
            assert _says_what_is_wrong(outcome.output, words), (driver, outcome.output)
        _compare(name, driver, recorded, outcome, engine_pushes=_engine_pushes(driver, words))


def _says_what_is_wrong(output: str, words: list[str]) -> bool:
    """Tell whether a refusal names a flag, its option, or a value of the command line."""
    message = output.rpartition("error: ")[2]
    parts = {part for word in words for part in (word, *re.split("[=,]", word))}
    flags = [flag for flag in _FLAGS if not parts.isdisjoint(flag.spellings)]
    named = {name for flag in flags for name in (flag.name, f"'{flag.option}'")}
    # Click 8.1 names an unknown option without quotes.
    message = re.sub(r"(?<=No such option: )(\S+)", r"'\1'", message)
    values = {part if len(part) > 2 else f"'{part}'" for part in parts if part}
    return any(name in message for name in {*named, *values, *_TOLD_OF})


_FLAGS = (*BUILDX_FLAGS, *HIDDEN_FLAGS)
_TOLD_OF = (
    *("'PATH'", "standard input", "extra argument", "The image name", "at ./Dockerfile"),
    *("BuildKit's own daemon", "Docker Engine", "'platform'", "--platform"),
    *("SSH_AUTH_SOCK", "SOURCE_DATE_EPOCH", "BUILDKIT_PROGRESS"),
)


def _engine_pushes(driver: str, words: list[str]) -> bool:
    return driver in _ENGINES and "--push" in words


def _compare(
    name: str,
    driver: str,
    recorded: Mapping[str, Any],
    outcome: comparison.Outcome,
    *,
    engine_pushes: bool,
) -> None:
    is_refused = _is_among(name, driver, REFUSED)
    is_accepted = _is_among(name, driver, ACCEPTED)
    if "error" in recorded:
        assert not is_refused
        assert (outcome.request is None) is not is_accepted, (driver, outcome.output)
        assert bool(outcome.code) is not is_accepted
        assert is_accepted or "error: " in outcome.output
    elif recorded["request"] is None:  # `--help`
        assert (outcome.code, outcome.request) == (0, None)
    elif is_refused:
        assert outcome.code
        assert outcome.request is None, driver
        assert "error: " in outcome.output
    else:
        assert outcome.request is not None, (driver, outcome.output)
        assert not is_accepted
        expected = comparison.expected(recorded["request"], engine_pushes=engine_pushes)
        if _is_among(name, driver, DIFFERENT):
            assert comparison.sent(outcome.request) != expected, driver
        else:
            assert comparison.sent(outcome.request) == expected, driver


def test_every_difference_is_met() -> None:
    """What is listed as different is among what was recorded."""
    listed = {name.partition("@")[0] for name in (*DIFFERENT, *REFUSED, *ACCEPTED)}
    assert listed <= CASES.keys()
    recorded = json.dumps(RECORDED["cases"])
    names = {name.partition("=")[0] for name in comparison.NOT_SENT}
    assert [name for name in names if f'"{name}' not in recorded] == []
    runs = [driver for case in CASES.values() for driver in case["drivers"]]
    assert (len(CASES), len(runs)) == (664, 1970)
