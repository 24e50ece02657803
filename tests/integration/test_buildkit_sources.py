"""What the engine fetches by itself for a build: files by HTTP, repositories by git."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from testbed.containers import free_port
from testbed.engine import Engine
from testbed.image_reading import read_file

from imagebuilders import BuildContext, LocalImageBuilder, RemoteContext
from imagebuilders.cli.main import main
from imagebuilders.exceptions import BuildError

pytestmark = pytest.mark.usefixtures("docker_config")

CONTENT = b"fetched by the engine\n"
_IDENTITY = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests print nothing."""


@pytest.fixture
def file_server(buildkit_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The address of an HTTP server that has one file, reached by the engine."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file.txt").write_bytes(CONTENT)
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with buildkit_engine.forwarded(server.server_port):
                yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def git_server(buildkit_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The address of a repository with the branches `main` and `other`, reached by the engine."""
    with _served_repository(buildkit_engine, tmp_path) as address:
        yield address


@contextmanager
def _served_repository(engine: Engine, tmp_path: Path) -> Iterator[str]:
    work = tmp_path / "work"
    work.mkdir()
    _git(work, "init", "--quiet", "--initial-branch=main")
    (work / "folder").mkdir()
    (work / "folder" / "file").write_text("of main")
    (work / "Dockerfile").write_text(f"FROM {engine.busybox}\nCOPY folder /all\n")
    (work / "folder" / "Dockerfile").write_text(
        f"FROM {engine.busybox}\nCOPY file /file\nRUN cat file\n"
    )
    _git(work, "add", "--all")
    _git(work, *_IDENTITY, "commit", "--quiet", "--message=one")
    _git(work, "checkout", "--quiet", "-b", "other")
    (work / "folder" / "file").write_text("of other")
    _git(work, *_IDENTITY, "commit", "--quiet", "--all", "--message=two")
    base = tmp_path / "bare"
    _git(tmp_path, "clone", "--quiet", "--bare", str(work), str(base / "repo.git"))
    programs = subprocess.run(
        ["git", "--exec-path"], check=True, capture_output=True, text=True
    ).stdout.strip()
    port = free_port()
    listening = ["--listen=127.0.0.1", f"--port={port}", "--reuseaddr"]
    server = subprocess.Popen(
        [f"{programs}/git-daemon", *listening, "--export-all", f"--base-path={base}", str(base)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"git://127.0.0.1:{port}/repo.git"
        _wait_for(address)
        with engine.forwarded(port):
            yield address
    finally:
        server.terminate()
        server.wait()


def test_add_by_http(buildkit_engine: Engine, file_server: str) -> None:
    """The file has the permissions and the owner that the Dockerfile says."""
    _build(
        buildkit_engine,
        f"FROM {buildkit_engine.busybox}\n"
        f"ADD {file_server}/file.txt /plain\n"
        f"ADD --chown=5:6 {file_server}/file.txt /folder/\n",
    )
    plain = read_file(buildkit_engine, "sources:1", "/plain")
    assert (plain.content, plain.mode) == (CONTENT, 0o600)
    assert read_file(buildkit_engine, "sources:1", "/folder/file.txt").owner == (5, 6)


def test_add_with_a_checksum(buildkit_engine: Engine, file_server: str) -> None:
    """A wrong checksum fails the build; a frontend that knows none says so."""
    right = hashlib.sha256(CONTENT).hexdigest()
    text = f"FROM {buildkit_engine.busybox}\nADD --checksum=sha256:%s {file_server}/file.txt /f\n"
    if buildkit_engine.series == "20.10":
        with pytest.raises(BuildError, match="Unknown flag: checksum"):
            _build(buildkit_engine, text % right)
        return
    _build(buildkit_engine, text % right)
    assert read_file(buildkit_engine, "sources:1", "/f").content == CONTENT
    with pytest.raises(BuildError, match="digest mismatch"):
        _build(buildkit_engine, text % ("0" * 64))


def test_add_of_a_repository(buildkit_engine: Engine, git_server: str) -> None:
    """A branch's files are there, without `.git`; a frontend that knows no git says so."""
    text = f"FROM {buildkit_engine.busybox}\nADD {git_server}#other /repo\n"
    if buildkit_engine.series == "20.10":
        with pytest.raises(BuildError):
            _build(buildkit_engine, text)
        return
    _build(buildkit_engine, text + "RUN [ ! -e /repo/.git ]\n")
    assert read_file(buildkit_engine, "sources:1", "/repo/folder/file").content == b"of other"


def test_repository_as_a_named_context(buildkit_engine: Engine, git_server: str) -> None:
    """A folder of a repository's branch stands for a stage."""
    if buildkit_engine.series == "20.10":
        pytest.skip("its frontend knows no named contexts")
    _build(
        buildkit_engine,
        f"FROM {buildkit_engine.busybox}\nCOPY --from=sources file /file\n",
        {"build_contexts": {"sources": f"{git_server}#main:folder"}},
    )
    assert read_file(buildkit_engine, "sources:1", "/file").content == b"of main"


def test_repository_as_the_context(buildkit_engine: Engine, git_server: str) -> None:
    """Its Dockerfile is built with its files: of a branch, of a folder, of one commit."""
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    # Without a branch it is the one of the repository's HEAD; 20.10 takes `master`.
    branch = "#other" if buildkit_engine.series == "20.10" else ""
    builder.build("sources:1", RemoteContext(git_server + branch))
    assert read_file(buildkit_engine, "sources:1", "/all/file").content == b"of other"
    if buildkit_engine.series == "20.10":
        with pytest.raises(BuildError, match="subdir not supported yet"):
            builder.build("sources:1", RemoteContext(f"{git_server}#other:folder"))
        return
    builder.build("sources:1", RemoteContext(f"{git_server}#other:folder"))
    assert read_file(buildkit_engine, "sources:1", "/file").content == b"of other"
    told = subprocess.run(
        ["git", "ls-remote", git_server, "main"], check=True, capture_output=True, text=True
    )
    builder.build("sources:1", RemoteContext(f"{git_server}#{told.stdout.split()[0]}"))
    assert read_file(buildkit_engine, "sources:1", "/all/file").content == b"of main"
    with pytest.raises(BuildError, match="no-such-branch"):
        builder.build("sources:1", RemoteContext(f"{git_server}#no-such-branch"))


def test_repository_on_the_command_line(
    engine_28_5: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """PATH may be a repository's address; the Dockerfile may come from this machine."""
    monkeypatch.setenv("DOCKER_HOST", engine_28_5.docker_host)
    with _served_repository(engine_28_5, tmp_path) as address:
        assert main(["build", f"{address}#main:folder", "-t", "sources:2"]) == 0
        assert read_file(engine_28_5, "sources:2", "/file").content == b"of main"
        own = tmp_path / "own.Dockerfile"
        own.write_text(f"FROM {engine_28_5.busybox}\nCOPY folder/file /own\n")
        assert main(["build", f"{address}#other", "-t", "sources:2", "-f", str(own)]) == 0
        assert read_file(engine_28_5, "sources:2", "/own").content == b"of other"
    assert capsys.readouterr().out == "sources:2\nsources:2\n"


def _build(engine: Engine, dockerfile: str, options: dict[str, object] | None = None) -> None:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    builder = LocalImageBuilder(docker_client=engine.client, builder="buildkit")
    builder.build("sources:1", context, options)


def _git(folder: Path, *arguments: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True
    )


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 20
    while subprocess.run(["git", "ls-remote", address], capture_output=True).returncode:
        assert time.monotonic() < deadline, "git's server did not start"
        time.sleep(0.05)
