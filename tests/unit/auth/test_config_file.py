"""Docker's configuration file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.auth.credentials import Credentials
from imagebuilders.exceptions import ConfigurationError


def _write(directory: Path, content: object) -> dict[str, str]:
    text = content if isinstance(content, str) else json.dumps(content)
    (directory / "config.json").write_text(text)
    return {"DOCKER_CONFIG": str(directory)}


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    """Nobody needs a configuration file."""
    config = DockerConfigFile.load({"HOME": str(tmp_path)})
    assert config == DockerConfigFile(path=tmp_path / ".docker/config.json")


def test_the_sections_are_read(tmp_path: Path) -> None:
    """The sections this package needs are there, others are ignored."""
    environ = _write(
        tmp_path,
        {
            "auths": {"r": {"auth": "c2VjcmV0OnB3"}},
            "credsStore": "desktop",
            "credHelpers": {"gcr.io": "gcloud"},
            "currentContext": "colima",
            "HttpHeaders": {"A": "b"},
        },
    )
    config = DockerConfigFile.load(environ)
    assert config.current_context == "colima"
    assert config.credentials_store == "desktop"
    assert config.credential_helpers == {"gcr.io": "gcloud"}
    assert config.auths == {"r": Credentials("secret", "pw")}
    assert config.http_headers == {"A": "b"}
    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"auths": {"r": {"auth": "c2VjcmV0"}', r"is not valid JSON \(line 1\)"),
        ("\udcff", "is not valid JSON"),
        ([], "should hold a JSON object"),
        ({"auths": []}, "'auths' should be an object"),
        ({"currentContext": 1}, "'currentContext' should be a string"),
        ({"credHelpers": {"gcr.io": 1}}, "'credHelpers.gcr.io' should be a string"),
    ],
)
def test_a_malformed_file_is_an_error_without_its_passwords(
    tmp_path: Path, content: object, complaint: str
) -> None:
    """The error names file and key, and repeats no value."""
    if content == "\udcff":
        (tmp_path / "config.json").write_bytes(b"\xff\xfe\xfd")
        environ = {"DOCKER_CONFIG": str(tmp_path)}
    else:
        environ = _write(tmp_path, content)
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        DockerConfigFile.load(environ)
    assert caught.value.file == str(tmp_path / "config.json")
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    """A folder in its place cannot be read."""
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: it is a folder"):
        DockerConfigFile.load({"DOCKER_CONFIG": str(tmp_path)})


def test_proxies_become_build_arguments(tmp_path: Path) -> None:
    """An engine's own proxies count before the default ones, in both spellings."""
    config = DockerConfigFile.load(
        _write(
            tmp_path,
            {
                "proxies": {
                    "default": {"httpProxy": "http://p:1", "noProxy": "a,b", "ftpProxy": ""},
                    "tcp://e:2375": {"httpsProxy": "http://q:2", "allProxy": 3},
                    "broken": 1,
                    "tcp://without:1": {},
                }
            },
        )
    )
    assert config.proxy_build_arguments() == {
        "HTTP_PROXY": "http://p:1",
        "http_proxy": "http://p:1",
        "NO_PROXY": "a,b",
        "no_proxy": "a,b",
    }
    assert config.proxy_build_arguments("tcp://e:2375") == {
        "HTTPS_PROXY": "http://q:2",
        "https_proxy": "http://q:2",
    }
    assert config.proxy_build_arguments("unix:///s", "tcp://e:2375") == (
        config.proxy_build_arguments("tcp://e:2375")
    )
    assert config.proxy_build_arguments("tcp://without:1") == {}
    assert DockerConfigFile(tmp_path).proxy_build_arguments() == {}


@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"null", b'{"auths": null, "credHelpers": null, "HttpHeaders": null}', b"{} x"],
)
def test_what_docker_takes_for_an_empty_file_is_one(tmp_path: Path, content: bytes) -> None:
    """Tools leave such files behind."""
    (tmp_path / "config.json").write_bytes(content)
    config = DockerConfigFile.load({"DOCKER_CONFIG": str(tmp_path)})
    assert config == DockerConfigFile(tmp_path / "config.json")


def test_without_a_home_there_is_no_file(mocker: MockerFixture) -> None:
    """Nobody needs one."""
    mocker.patch("pwd.getpwuid", side_effect=KeyError)
    assert DockerConfigFile.load({}) == DockerConfigFile()


def test_a_path_that_no_file_can_have_is_an_error() -> None:
    """The system's `ValueError` does not come through."""
    with pytest.raises(ConfigurationError, match="a character that no path can have"):
        DockerConfigFile.load({"DOCKER_CONFIG": "a\0b"})


def test_a_malformed_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    """It is told to those who need it."""
    config = DockerConfigFile.load(
        _write(tmp_path, {"auths": {"r": {"auth": "?"}, "g": {"auth": "dTpw"}, "n": None}})
    )
    assert config.auths == {"g": Credentials("u", "p"), "n": Credentials()}
    assert config.malformed == {"r": "its 'auth' is not base64"}


def test_headers_are_those_that_docker_sends(tmp_path: Path) -> None:
    """What the HTTP client makes itself is left out, and spaces around values do not count."""
    headers = {"X-Meta": " a b\t", "Empty": None, "user-agent": "x", "Content-Length": "9"}
    config = DockerConfigFile.load(_write(tmp_path, {"httpheaders": headers}))
    assert config.http_headers == {"X-Meta": "a b", "Empty": ""}
    assert "a b" not in repr(config)


@pytest.mark.parametrize(
    "header", [("X Y", "v"), ("", "v"), ("X:", "v"), ("X", "a\nb"), ("X", "\0")]
)
def test_a_header_that_cannot_be_sent_is_blamed_on_the_file(
    tmp_path: Path, header: tuple[str, str]
) -> None:
    """The error names file and header, and not the value."""
    name, value = header
    environ = _write(tmp_path, {"HttpHeaders": {name: f"s3cret{value}"}})
    with pytest.raises(ConfigurationError, match=f"'HttpHeaders.{name}' cannot be sent") as caught:
        DockerConfigFile.load(environ)
    assert str(tmp_path / "config.json") in str(caught.value)
    assert "s3cret" not in str(caught.value)
