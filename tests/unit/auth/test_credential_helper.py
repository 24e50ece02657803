"""Credential helpers."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker_logins import InstallHelper, answer

from imagebuilders.auth import credential_helper
from imagebuilders.auth.credential_helper import ask_helper, list_helper
from imagebuilders.auth.credentials import Credentials
from imagebuilders.exceptions import RegistryError


def test_a_helper_is_asked_with_the_key_on_its_input(
    install_helper: InstallHelper, tmp_path: Path
) -> None:
    """Its answer's names are compared as Go does, without case."""
    install_helper("h", f"""cat > {tmp_path}/asked; echo '{{"username":"u","SECRET":"p"}} x'""")
    assert ask_helper("h", "ghcr.io") == Credentials("u", "p")
    assert (tmp_path / "asked").read_text() == "ghcr.io"


def test_an_identity_token_has_a_username_of_its_own(install_helper: InstallHelper) -> None:
    """`<token>` says that the secret is one."""
    install_helper("h", answer("<token>", "tok"))
    assert ask_helper("h", "r") == Credentials(identity_token="tok")


def test_a_helper_lists_its_keys(install_helper: InstallHelper) -> None:
    """Their usernames are of no interest; an empty list may be `null`."""
    install_helper("h", """echo '{"r": "u", "https://index.docker.io/v1/": "v"}'""")
    install_helper("empty", "echo null")
    assert list_helper("h") == ["r", "https://index.docker.io/v1/"]
    assert list_helper("empty") == []


@pytest.mark.parametrize(
    "script",
    ["echo credentials not found in native keychain; exit 1", answer("", "")],
)
def test_a_helper_without_an_entry_has_none(install_helper: InstallHelper, script: str) -> None:
    """Helpers say in two ways that they know nothing."""
    install_helper("h", script)
    assert ask_helper("h", "r") is None


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo the keychain is locked; exit 7", "exit code 7: the keychain is locked"),
        ("echo on stderr >&2; exit 1", "exit code 1: on stderr"),
        ("printf 'two\\nlines \\033[31mred'; exit 1", r"exit code 1: two lines \[31mred\."),
        ("exit 3", r"failed with exit code 3\."),
        ("kill -9 $$", r"failed with signal 9\."),
        ('echo \'{"Username":"u","Secret":"hunter2"}\'; exit 1', "beside an answer"),
        ("echo nonsense hunter2", "its answer is not JSON"),
        ("echo '[1]'", "its answer is not a JSON object"),
        ('echo \'{"Username":1,"Secret":"p"}\'', "has no username and secret"),
        ("echo '{\"Username\":NaN}'", "its answer is not JSON"),
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
    with pytest.raises(RegistryError, match="no such program on the PATH"):
        ask_helper("a\0b", "r")


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
    monkeypatch.setattr(credential_helper, "TIMEOUT_SECONDS", 0.01)
    install_helper("h", "exec sleep 20")
    with pytest.raises(RegistryError, match="did not finish within"):
        ask_helper("h", "r")


@pytest.mark.parametrize("where", ["", ">&2"])
def test_a_helper_that_prints_without_end_is_given_up(
    install_helper: InstallHelper, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """It takes a bounded amount of memory."""
    monkeypatch.setattr(credential_helper, "MAX_OUTPUT_BYTES", 100_000)
    install_helper("h", f"exec cat /dev/zero {where}")
    with pytest.raises(RegistryError, match="it printed more than 100000 bytes"):
        ask_helper("h", "r")


@pytest.mark.parametrize("script", ["cat", "exec 0<&-; echo null; exec sleep 0"])
def test_a_key_of_any_length(install_helper: InstallHelper, script: str) -> None:
    """More than a pipe holds is written while the helper reads; or lost, if it does not."""
    install_helper("h", script)
    with pytest.raises(RegistryError, match="its answer is not"):
        ask_helper("h", "r" * 1_000_000)


def test_a_helper_that_closes_its_outputs_and_stays_is_given_up(
    install_helper: InstallHelper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit holds to the program's end."""
    monkeypatch.setattr(credential_helper, "TIMEOUT_SECONDS", 0.05)
    install_helper("h", "exec >&- 2>&- sleep 20")
    with pytest.raises(RegistryError, match="did not finish within"):
        ask_helper("h", "r")
