"""Docker contexts on disk."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from imagebuilders.connections.cli_contexts import DockerContext, load_context
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.control_files import MAX_SIZE
from imagebuilders.exceptions import ConfigurationError


def _write(config: Path, name: str, content: object) -> Path:
    key = hashlib.sha256(name.encode()).hexdigest()
    folder = config / "contexts/meta" / key
    folder.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "meta.json").write_text(text)
    return config / "contexts/tls" / key / "docker"


def test_a_context_gives_its_address(tmp_path: Path) -> None:
    """The address stands under `Endpoints.docker.Host`."""
    _write(tmp_path, "colima", {"Endpoints": {"docker": {"Host": "unix:///c.sock"}}})
    assert load_context("colima", tmp_path) == DockerContext("colima", "unix:///c.sock")


@pytest.mark.parametrize("skip", [True, False])
def test_a_context_gives_its_tls_files(tmp_path: Path, skip: bool) -> None:
    """Those files count that are there; `SkipTLSVerify` is honoured."""
    endpoint = {"Host": "tcp://e:2376", "SkipTLSVerify": skip}
    tls = _write(tmp_path, "far", {"Endpoints": {"docker": endpoint}})
    tls.mkdir(parents=True)
    (tls / "ca.pem").write_text("")
    context = load_context("far", tmp_path)
    assert context.tls == TLSFiles(ca=tls / "ca.pem", verify=not skip)


def test_a_context_may_skip_the_check_without_any_file(tmp_path: Path) -> None:
    """`docker context create --docker host=…,skip-tls-verify=true` writes no TLS folder."""
    endpoint = {"Host": "tcp://e:2376", "SkipTLSVerify": True}
    _write(tmp_path, "far", {"Endpoints": {"docker": endpoint}})
    assert load_context("far", tmp_path).tls == TLSFiles(verify=False)


def test_a_context_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The error says where it was looked for."""
    with pytest.raises(ConfigurationError, match=f"no Docker context 'x' in {tmp_path}"):
        load_context("x", tmp_path)


@pytest.mark.parametrize(
    "content", [{}, [], {"Endpoints": 1}, {"Endpoints": {"docker": {"Host": ""}}}]
)
def test_a_context_without_an_address_is_an_error(tmp_path: Path, content: object) -> None:
    """The error names the missing key."""
    _write(tmp_path, "x", content)
    with pytest.raises(ConfigurationError, match=r"'Endpoints\.docker\.Host' is missing"):
        load_context("x", tmp_path)


def test_a_malformed_context_is_an_error(tmp_path: Path) -> None:
    """A file that is not JSON is named."""
    _write(tmp_path, "x", "{")
    with pytest.raises(ConfigurationError, match=r"'x' cannot be read from .*meta\.json"):
        load_context("x", tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "device", "large", "nested"])
def test_a_context_of_another_kind_is_an_error(tmp_path: Path, kind: str) -> None:
    """Nothing is waited for, and nothing without a bound is read."""
    _write(tmp_path, "x", "")
    (meta,) = tmp_path.glob("contexts/meta/*/meta.json")
    if kind == "large":
        os.truncate(meta, MAX_SIZE + 1)
    elif kind == "nested":
        meta.write_text("[" * 100_000)
    else:
        meta.unlink()
        os.mkfifo(meta) if kind == "pipe" else meta.symlink_to("/dev/zero")
    with pytest.raises(ConfigurationError, match=r"'x' cannot be read from .*meta\.json"):
        load_context("x", tmp_path)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    """The environment may hold any bytes."""
    with pytest.raises(ConfigurationError, match="no Docker context"):
        load_context("\udcff", tmp_path)
