"""Docker's configuration file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagebuilders.auth.config_file import DockerConfigFile
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
    assert config.auths == {"r": {"auth": "c2VjcmV0OnB3"}}
    assert "c2VjcmV0OnB3" not in repr(config)


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
    assert DockerConfigFile(tmp_path).proxy_build_arguments() == {}
