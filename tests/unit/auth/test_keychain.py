"""A user's credentials during one build."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from docker_logins import InstallHelper, answer, auth
from pytest_mock import MockerFixture

from imagebuilders.auth import keychain as module
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.auth.credentials import DOCKER_HUB_KEY as HUB
from imagebuilders.auth.credentials import Credentials
from imagebuilders.auth.keychain import Keychain, shared_keychain
from imagebuilders.exceptions import ConfigurationError, RegistryError

MakeKeychain = Callable[..., Keychain]


@pytest.fixture
def make(tmp_path: Path) -> MakeKeychain:
    """Make a keychain of a config.json with these sections."""

    def make(variable: object = None, **sections: object) -> Keychain:
        (tmp_path / "config.json").write_text(json.dumps(sections))
        environ = {"DOCKER_CONFIG": str(tmp_path)}
        if variable is not None:
            environ["DOCKER_AUTH_CONFIG"] = json.dumps(variable)
        return Keychain(environ)

    return make


@pytest.mark.parametrize("name", ["r", "https://r", "https://r/v2/", "r/team"])
def test_an_entry_of_the_file_is_found_by_its_domain(make: MakeKeychain, name: str) -> None:
    """Old entries are URLs."""
    keychain = make(auths={"other": auth("a:b"), name: auth("u:p")})
    assert keychain.credentials_for("r") == Credentials("u", "p")
    assert keychain.credentials_for("nowhere") is None


@pytest.mark.parametrize("name", [HUB, "docker.io", "index.docker.io"])
def test_docker_hub_has_several_names(make: MakeKeychain, name: str) -> None:
    """Its credentials are kept under a URL."""
    assert make(auths={name: auth("u:p")}).credentials_for("docker.io") == Credentials("u", "p")


def test_the_entry_of_the_very_name_counts_first(make: MakeKeychain) -> None:
    """An old entry of the same domain, as a URL, does not come before it."""
    keychain = make(auths={"https://r/v1/": auth("old:x"), "r": auth("new:y")})
    assert keychain.credentials_for("r") == Credentials("new", "y")


def test_a_malformed_entry_matters_to_its_registry_alone(make: MakeKeychain) -> None:
    """The error names file, entry, and what to run."""
    keychain = make(auths={"r": {"auth": "?"}, "g": auth("u:p")})
    assert keychain.credentials_for("g") == Credentials("u", "p")
    with pytest.raises(RegistryError, match=r"config\.json: the entry 'r' under 'auths'") as caught:
        keychain.credentials_for("r")
    assert "docker login r" in str(caught.value)
    found = list(keychain.all_credentials())
    assert found[0] == ("g", Credentials("u", "p"))
    assert isinstance(found[1], RegistryError)


def test_a_helper_of_the_registry_wins(make: MakeKeychain, install_helper: InstallHelper) -> None:
    """`credHelpers` counts before `credsStore`, which counts before the file."""
    install_helper("own", answer("own", "1"))
    install_helper("general", answer("general", "2"))
    keychain = make(
        auths={name: auth("file:3") for name in "abc"},
        credsStore="general",
        credHelpers={"a": "own", "c": ""},
    )
    assert keychain.credentials_for("a") == Credentials("own", "1")
    assert keychain.credentials_for("b") == Credentials("general", "2")
    assert keychain.credentials_for("c") == Credentials("file", "3")  # empty: the file


def test_a_helper_without_an_entry_leaves_it_to_the_file(
    make: MakeKeychain, install_helper: InstallHelper
) -> None:
    """A login of before the helper was set up still counts."""
    install_helper("h", "echo credentials not found in native keychain; exit 1")
    keychain = make(auths={"r": auth("u:p")}, credsStore="h")
    assert keychain.credentials_for("r") == Credentials("u", "p")


def test_the_variable_counts_before_helpers_and_file(
    make: MakeKeychain, mocker: MockerFixture
) -> None:
    """`DOCKER_AUTH_CONFIG` is the word of this process; no helper is started for it."""
    ask = mocker.spy(module, "ask_helper")
    keychain = make(
        {"auths": {"r": auth("v:q")}}, auths={"r": auth("u:p")}, credHelpers={"r": "none-such"}
    )
    assert keychain.credentials_for("r") == Credentials("v", "q")
    assert list(keychain.all_credentials()) == [("r", Credentials("v", "q"))]
    assert keychain.problem() is None
    ask.assert_not_called()


def test_a_variable_that_cannot_be_used_is_told_and_passed(make: MakeKeychain) -> None:
    """As `docker` does."""
    keychain = make({"credsStore": "x"}, auths={"r": auth("u:p")})
    assert keychain.credentials_for("r") == Credentials("u", "p")
    assert "DOCKER_AUTH_CONFIG cannot be used" in str(keychain.problem())


def test_given_credentials_count_first(make: MakeKeychain, mocker: MockerFixture) -> None:
    """They need neither file nor helper; the keychain they were given to is another."""
    ask = mocker.spy(module, "ask_helper")
    plain = make(auths={}, credHelpers={"docker.io": "none-such"})
    keychain = plain.with_credentials("index.docker.io", Credentials("given", "g"))
    assert keychain.credentials_for("docker.io") == Credentials("given", "g")
    assert list(keychain.all_credentials()) == [("docker.io", Credentials("given", "g"))]
    ask.assert_not_called()
    with pytest.raises(RegistryError, match="none-such"):
        plain.credentials_for("docker.io")


def test_a_build_gets_every_credential(make: MakeKeychain, install_helper: InstallHelper) -> None:
    """Base images may come from any registry."""
    install_helper(
        "store",
        f'if [ "$1" = list ]; then echo \'{{"{HUB}":"u"}}\'; exit; fi;' + answer("hub", "1"),
    )
    install_helper("own", answer("own", "2"))
    keychain = make(
        auths={"https://r/v2/": auth("u:p"), "empty": {}},
        credHelpers={"gcr.io": "own"},
        credsStore="store",
    )
    assert list(keychain.all_credentials()) == [
        ("r", Credentials("u", "p")),
        ("docker.io", Credentials("hub", "1")),
        ("gcr.io", Credentials("own", "2")),
    ]


def test_a_broken_helper_does_not_hide_other_credentials(
    make: MakeKeychain, install_helper: InstallHelper
) -> None:
    """Its error is returned once for the store and once for each of its registries."""
    install_helper("store", "exit 1")
    install_helper("own", "exit 2")
    keychain = make(auths={"r": auth("u:p")}, credsStore="store", credHelpers={"g": "own"})
    found = list(keychain.all_credentials())
    assert [item[0] for item in found if isinstance(item, tuple)] == ["r"]
    assert [str(item).split()[3] for item in found if isinstance(item, RegistryError)] == [
        "docker-credential-store",
        "docker-credential-own",
    ]


@pytest.mark.parametrize("keys", [(HUB, f"{HUB}access-token"), (f"{HUB}access-token", HUB)])
def test_the_key_of_a_registry_itself_counts(
    make: MakeKeychain, install_helper: InstallHelper, keys: tuple[str, str]
) -> None:
    """Whatever the order in which a store names its keys of one registry."""
    listed = ",".join(f'"{key}":"u"' for key in keys)
    install_helper(
        "store",
        f"if [ \"$1\" = list ]; then echo '{{{listed}}}'; exit; fi; read key;"
        f'[ "$key" = {HUB} ] || exit 1;' + answer("hub", "1"),
    )
    found = list(make(credsStore="store").all_credentials())
    assert found == [("docker.io", Credentials("hub", "1"))]


def test_a_registry_of_several_keys_is_asked_for_once(
    make: MakeKeychain, install_helper: InstallHelper, tmp_path: Path
) -> None:
    """A store keeps Docker Hub's tokens beside its password."""
    asked = tmp_path / "asked"
    install_helper(
        "s",
        f"""if [ $1 = list ]; then echo '{{"{HUB}refresh-token": "u", "{HUB}": "u"}}'; exit; fi
        read key; echo "$key" >> {asked}; echo '{{"Username":"u","Secret":"p"}}'""",
    )
    keychain = make(auths={"r": {}}, credsStore="s")
    assert list(keychain.all_credentials()) == [("docker.io", Credentials("u", "p"))]
    assert asked.read_text() == f"{HUB}\n"


def test_each_source_is_asked_once(make: MakeKeychain, mocker: MockerFixture) -> None:
    """Also one that fails: its error is raised again, each time anew."""
    read = mocker.spy(DockerConfigFile, "load")
    ask = mocker.patch.object(
        module, "ask_helper", side_effect=[Credentials("u", "p"), RegistryError("no", registry="g")]
    )
    list_ = mocker.patch.object(module, "list_helper", return_value=["r", "g"])
    keychain = make(credsStore="s")
    errors = []
    for each in (keychain, keychain.with_credentials("x", Credentials("x", "x"))):
        for _ in range(2):
            assert each.credentials_for("r") == Credentials("u", "p")
            with pytest.raises(RegistryError, match="no") as caught:
                each.credentials_for("g")
            errors.append(caught.value)
            assert ("r", Credentials("u", "p")) in list(each.all_credentials())
    assert len({id(error) for error in errors}) == len(errors)
    assert all(error.registry == "g" for error in errors)
    assert read.call_count == 1
    assert ask.call_args_list == [mocker.call("s", "r"), mocker.call("s", "g")]
    assert list_.call_args_list == [mocker.call("s")]


def test_threads_that_ask_together_are_answered_by_one_question(
    make: MakeKeychain, mocker: MockerFixture
) -> None:
    """The others wait for it."""
    started, answered = threading.Barrier(4), []

    def ask(helper: str, key: str) -> Credentials:
        return Credentials(helper, key)

    ask_helper = mocker.patch.object(module, "ask_helper", side_effect=ask)
    keychain = make(credsStore="s")

    def run() -> None:
        started.wait(10)
        answered.append(keychain.credentials_for("r"))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answered == [Credentials("s", "r")] * 4
    assert ask_helper.call_count == 1


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """It is the caller's to decide whether the build can go on."""
    (tmp_path / "config.json").write_text("{")
    keychain = Keychain({"DOCKER_CONFIG": str(tmp_path)})
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="not valid JSON"):
            keychain.credentials_for("r")


def test_all_within_a_block_share_one_keychain() -> None:
    """A block inside another has the outer one's; the next block has one of its own."""
    with shared_keychain() as outer, shared_keychain() as inner:
        assert inner is outer
    with shared_keychain() as later:
        assert later is not outer
