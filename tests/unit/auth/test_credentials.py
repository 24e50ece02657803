"""The user's registry credentials."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebuilders.auth import credentials
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.auth.credentials import (
    DOCKER_HUB_KEY,
    Credentials,
    all_auth_configs,
    ask_helper,
    encode_auth,
    find_credentials,
)
from imagebuilders.exceptions import RegistryError

HUB = DOCKER_HUB_KEY
InstallHelper = Callable[[str, str], None]


@pytest.fixture
def install_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallHelper:
    """Put a credential helper on the PATH: a name, and the body of its shell script."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def install(name: str, script: str) -> None:
        path = tmp_path / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return install


def _config(**sections: object) -> DockerConfigFile:
    return DockerConfigFile(Path("/c/config.json"), **sections)  # type: ignore[arg-type]


def _auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def _answer(username: str, secret: str) -> str:
    return f"""read key; echo '{{"Username":"{username}","Secret":"{secret}"}}'"""


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        (HUB, "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_an_entry_of_the_file_is_found_by_its_domain(name: str, registry: str) -> None:
    """Old entries are URLs; Docker Hub has a name of its own."""
    config = _config(auths={"other": _auth("a:b"), name: _auth("u:p:w")})
    assert find_credentials(config, registry) == Credentials("u", "p:w")
    assert find_credentials(config, "nowhere") is None


def test_the_entry_of_the_very_name_counts_first() -> None:
    """An old entry of the same domain, as a URL, does not come before it."""
    config = _config(auths={"https://r/v1/": _auth("old:x"), "r": _auth("new:y")})
    assert find_credentials(config, "r") == Credentials("new", "y")


def test_an_identity_token_wins_over_a_password() -> None:
    """It is sent as a token, under the username helpers use for it."""
    config = _config(auths={"r": {"identitytoken": "tok", **_auth("u:p")}})
    found = find_credentials(config, "r")
    assert found == Credentials("<token>", "tok")
    assert found.auth_config("r") == {"identitytoken": "tok", "serveraddress": "r"}


def test_plain_username_and_password_are_taken() -> None:
    """Some tools write them unencoded."""
    config = _config(auths={"r": {"username": "u", "password": "p"}})
    found = find_credentials(config, "r")
    assert found is not None
    assert found.auth_config("docker.io") == {
        "username": "u",
        "password": "p",
        "serveraddress": HUB,
    }


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, {"username": "u"}])
def test_an_empty_entry_is_none(entry: object) -> None:
    """`docker login` leaves such entries beside a credentials store."""
    assert find_credentials(_config(auths={"r": entry}), "r") is None


@pytest.mark.parametrize("entry", [1, {"auth": "?"}, {"auth": "/w=="}, _auth("no-colon")])
def test_a_malformed_entry_is_an_error(entry: object) -> None:
    """The error names file and entry, and what to run, but no password."""
    with pytest.raises(RegistryError, match="entry 'r' under 'auths' is malformed") as caught:
        find_credentials(_config(auths={"r": entry}), "r")
    assert "docker login r" in str(caught.value)
    assert "no-colon" not in str(caught.value)


def test_a_helper_of_the_registry_wins(install_helper: InstallHelper) -> None:
    """`credHelpers` counts before `credsStore`, which counts before the file."""
    install_helper("own", _answer("own", "1"))
    install_helper("general", _answer("general", "2"))
    config = _config(
        auths={"a": _auth("file:3"), "b": _auth("file:3")},
        credentials_store="general",
        credential_helpers={"a": "own"},
    )
    assert find_credentials(config, "a") == Credentials("own", "1")
    assert find_credentials(config, "b") == Credentials("general", "2")


def test_a_helper_is_asked_for_docker_hub_by_its_key(
    install_helper: InstallHelper, tmp_path: Path
) -> None:
    """Docker Hub's credentials are kept under a URL."""
    install_helper("h", f'cat > {tmp_path}/asked; echo \'{{"Username":"u","Secret":"p"}}\'')
    assert find_credentials(_config(credentials_store="h"), "docker.io") == Credentials("u", "p")
    assert (tmp_path / "asked").read_text() == HUB


@pytest.mark.parametrize(
    "script",
    [
        "echo credentials not found in native keychain; exit 1",
        _answer("", ""),
    ],
)
def test_a_helper_without_an_entry_leaves_it_to_the_file(
    install_helper: InstallHelper, script: str
) -> None:
    """Helpers say in two ways that they know nothing."""
    install_helper("h", script)
    config = _config(auths={"r": _auth("u:p")}, credentials_store="h")
    assert find_credentials(config, "r") == Credentials("u", "p")


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo the keychain is locked; exit 7", "exit code 7: the keychain is locked"),
        ("echo on stderr >&2; exit 1", "exit code 1: on stderr"),
        ("echo nonsense hunter2", "its answer is not JSON"),
        ("echo '[1]'", "its answer is not a JSON object"),
        ('echo \'{"Username":"u"}\'', "has no username and secret"),
    ],
)
def test_a_helper_that_fails_is_named(
    install_helper: InstallHelper, script: str, complaint: str
) -> None:
    """The error says which helper, for which registry, and what it said."""
    install_helper("broken", script)
    with pytest.raises(RegistryError, match=complaint) as caught:
        ask_helper("broken", "ghcr.io")
    assert "docker-credential-broken gave no credentials for ghcr.io" in str(caught.value)
    assert caught.value.registry == "ghcr.io"
    assert "hunter2" not in str(caught.value)


def test_a_helper_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A left-over `credsStore` is the most common trouble."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RegistryError, match="no such program on the PATH"):
        ask_helper("desktop", "r")


def test_a_helper_that_cannot_be_run_is_named(
    install_helper: InstallHelper, tmp_path: Path
) -> None:
    """A missing interpreter is the system's error, not the user's traceback."""
    install_helper("h", "")
    (tmp_path / "docker-credential-h").write_text("#!/no/such/interpreter\n")
    with pytest.raises(RegistryError, match="it cannot be run: No such file"):
        ask_helper("h", "r")


def test_a_helper_that_hangs_is_given_up(
    install_helper: InstallHelper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper may wait for a person who is not there."""
    monkeypatch.setattr(credentials, "HELPER_TIMEOUT_SECONDS", 0.01)
    install_helper("h", "exec sleep 20")
    with pytest.raises(RegistryError, match="did not finish within"):
        ask_helper("h", "r")


def test_a_build_gets_every_credential(install_helper: InstallHelper) -> None:
    """Base images may come from any registry; each entry keeps its key."""
    install_helper(
        "store",
        f'if [ "$1" = list ]; then echo \'{{"{HUB}":"u"}}\'; exit; fi;' + _answer("hub", "1"),
    )
    install_helper("own", _answer("own", "2"))
    config = _config(
        auths={"https://r/v2/": _auth("u:p"), "empty": {}},
        credential_helpers={"gcr.io": "own"},
    )
    found = dict(item for item in all_auth_configs(config) if isinstance(item, tuple))
    assert {key: value["username"] for key, value in found.items()} == {"r": "u", "gcr.io": "own"}
    config = _config(credentials_store="store")
    assert list(all_auth_configs(config)) == [
        (HUB, {"username": "hub", "password": "1", "serveraddress": HUB})
    ]


def test_a_broken_helper_does_not_hide_other_credentials(install_helper: InstallHelper) -> None:
    """Its error is given once for the store and once for each of its registries."""
    install_helper("store", "exit 1")
    install_helper("own", "exit 2")
    config = _config(
        auths={"r": _auth("u:p")}, credentials_store="store", credential_helpers={"g": "own"}
    )
    found = list(all_auth_configs(config))
    errors = [str(item) for item in found if isinstance(item, RegistryError)]
    assert [item[0] for item in found if isinstance(item, tuple)] == ["r"]
    assert [error.split()[3] for error in errors] == [
        "docker-credential-store",
        "docker-credential-own",
    ]


def test_a_registry_of_several_keys_is_asked_for_once(
    install_helper: InstallHelper, tmp_path: Path
) -> None:
    """A store keeps Docker Hub's tokens beside its password."""
    asked = tmp_path / "asked"
    install_helper(
        "s",
        f"""if [ $1 = list ]; then echo '{{"{HUB}": "u", "{HUB}refresh-token": "u"}}'; exit; fi
        read key; echo "$key" >> {asked}; echo '{{"Username":"u","Secret":"p"}}'""",
    )
    found = list(all_auth_configs(_config(credentials_store="s")))
    assert found == [(HUB, Credentials("u", "p").auth_config("docker.io"))]
    assert asked.read_text() == f"{HUB}\n"


def test_secrets_are_not_shown() -> None:
    """A credential in a traceback or a log does not tell its secret."""
    assert "pw" not in repr(Credentials("u", "pw"))


def test_the_header_is_url_safe_base64_of_json() -> None:
    """Standard base64 has `/` and `+`, which the engine does not decode."""
    value = {"password": "~~~???>>>"}
    encoded = encode_auth(value)
    assert not set("+/") & set(encoded)
    assert json.loads(base64.urlsafe_b64decode(encoded)) == value
