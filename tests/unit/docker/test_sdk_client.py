"""The Docker SDK's client, made without the SDK's own reading of `config.json`."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, InvalidVersion

from fakes import FakeDockerEngine
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.auth.credentials import Credentials
from imagebuilders.docker.sdk_client import EngineAPIClient, EngineClient, engine_addresses


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_it_is_the_sdks_own_client(tmp_path: Path) -> None:
    """All of its calls work."""
    engine = FakeDockerEngine("20.10")
    engine.seed_image("base:1")
    with engine.serve(f"unix://{tmp_path}/d.sock") as address:
        api = EngineAPIClient(address, version="1.41", timeout=10)
        client = EngineClient(api, address, {})
        assert isinstance(client, docker.DockerClient)
        assert client.ping()
        assert client.images.get("base:1").tags == ["base:1"]
        client.close()


def test_no_file_is_read(docker_config: Path) -> None:
    """What stands in config.json would be the SDK's error."""
    docker_config.write_text('{"auths": {"r": 5}}')
    EngineAPIClient("tcp://e:1", version="1.41", timeout=10).close()


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("unix:///run/d.sock", "http+docker://localhost"),
        ("tcp://e:2375", "http://e:2375"),
        ("http://e:2375", "http://e:2375"),
    ],
)
def test_it_is_set_up_as_the_sdk_does(address: str, base_url: str) -> None:
    """The same address, headers and adapters, so that the SDK's own code finds what it needs."""
    api = EngineAPIClient(address, version="1.41", timeout=10)
    own = docker.APIClient(address, version="1.41", timeout=10)
    assert api.base_url == own.base_url == base_url
    assert api.headers == own.headers
    assert api.api_version == own.api_version
    assert {name: type(one) for name, one in api.adapters.items() if "docker" in name} == {
        name: type(one) for name, one in own.adapters.items() if "docker" in name
    }
    missing = vars(own).keys() - vars(api).keys()
    assert missing <= {"_custom_adapter"}
    api.close()
    own.close()


@pytest.mark.parametrize("address", ["npipe:////./pipe/docker", "ftp://e"])
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    """By the SDK's own error, which the search for an engine expects."""
    with pytest.raises(DockerException):
        EngineAPIClient(address, version="1.41", timeout=10)


def test_an_engine_that_is_too_old_is_refused() -> None:
    """The SDK speaks no older version of the API."""
    with pytest.raises(InvalidVersion, match=r"it speaks version 1\.12 of the API"):
        EngineAPIClient("tcp://e:1", version="1.12", timeout=10)


def test_the_users_settings_are_the_sdks_own() -> None:
    """Pulls that a user makes by this client log in, and go through the proxies, as always."""
    config = DockerConfigFile(
        auths={
            "r": Credentials("u", "p"),
            "t": Credentials(identity_token="i"),
            "empty": Credentials(),
        },
        credential_helpers={"h": "helper"},
        http_headers={"X-Meta": "a", "X-Utf": "é"},
        proxies={"tcp://e:1": {"httpProxy": "http://p"}, "default": {"httpProxy": "http://d"}},
    )
    api = EngineAPIClient("tcp://e:1", version="1.41", timeout=10, config=config)
    kept = vars(api)["_auth_configs"]
    assert kept.resolve_authconfig("r") == {
        "username": "u",
        "password": "p",
        "email": None,
        "serveraddress": "r",
    }
    assert kept.resolve_authconfig("t") == {"IdentityToken": "i"}
    assert kept.get_credential_store("h") == "helper"
    assert kept.get_credential_store("r") is None
    assert vars(api)["_proxy_configs"].http == "http://p"
    assert api.headers["X-Meta"] == "a"
    assert str(api.headers["X-Utf"]).encode("latin-1") == "é".encode()
    api.close()


def test_an_engine_has_the_address_that_config_json_knows_it_by(tmp_path: Path) -> None:
    """However its client was made."""
    api = EngineAPIClient("tcp://e:2375", version="1.41", timeout=10)
    assert engine_addresses(EngineClient(api, "tcp://e:2375", {})) == ("tcp://e:2375",)
    given = docker.DockerClient("tcp://e:2375", version="1.41")
    assert engine_addresses(given) == ("tcp://e:2375", "http://e:2375")
    local = docker.DockerClient(f"unix://{tmp_path}/d.sock", version="1.41")
    assert engine_addresses(local) == (f"unix://{tmp_path}/d.sock",)
    for client in (api, given, local):
        client.close()
