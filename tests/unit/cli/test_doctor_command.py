"""`imagebuilders doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from imagebuilders.diagnosis import Area, Finding, Severity

if TYPE_CHECKING:
    from command_line import Run
    from pytest_mock import MockerFixture

_FINE = Finding(Area.ENGINE, Severity.FINE, "An engine answers.")
_NOTE = Finding(Area.ENGINE, Severity.NOTE, "It is old.", "Renew it.")
_WARNING = Finding(Area.FOLDERS, Severity.WARNING, "Little\nroom.", "Make room.", "rm -r junk")
_ERROR = Finding(Area.FOLDERS, Severity.ERROR, "A bell \x07 rings.", "Stop it.")


def _found(mocker: MockerFixture, *findings: Finding) -> object:
    def diagnose(registries: object, *, platform: object) -> Iterator[Finding]:
        yield from findings

    return mocker.patch("imagebuilders.diagnosis.diagnose", side_effect=diagnose)


@pytest.mark.parametrize(
    ("findings", "code", "verdict"),
    [
        ((_FINE, _NOTE), 0, "Nothing is wrong."),
        ((_FINE, _WARNING), 3, "1 warning."),
        ((_ERROR, _WARNING, _WARNING), 1, "1 error and 2 warnings."),
    ],
    ids=["fine", "warnings", "errors"],
)
def test_the_exit_code_is_that_of_the_worst(
    run: Run, mocker: MockerFixture, findings: tuple[Finding, ...], code: int, verdict: str
) -> None:
    """0 when nothing is wrong, 3 for warnings alone, 1 for an error; the last line says it."""
    _found(mocker, *findings)
    result = run("doctor")
    assert result.code == code
    assert result.out.splitlines()[-1] == verdict


def test_each_area_has_a_heading(run: Run, mocker: MockerFixture) -> None:
    """Findings stand below their area, with the cure and the command; control codes are spelled."""
    _found(mocker, _FINE, _NOTE, _WARNING, _ERROR)
    assert run("doctor").out.splitlines() == [
        "engine:",
        "     fine An engine answers.",
        "     note It is old.",
        "          Renew it.",
        "folders:",
        "  warning Little",
        "          room.",
        "          Make room.",
        "          $ rm -r junk",
        "    error A bell \\x07 rings.",
        "          Stop it.",
        "",
        "1 error and 1 warning.",
    ]


def test_findings_as_json(run: Run, mocker: MockerFixture) -> None:
    """One object for each finding, with all of it."""
    _found(mocker, _WARNING)
    assert run("doctor", "--json").records == [
        {
            "event": "finding",
            "area": "folders",
            "severity": "warning",
            "summary": "Little\nroom.",
            "cure": "Make room.",
            "command": "rm -r junk",
        }
    ]


def test_what_is_asked_for_is_passed_on(run: Run, mocker: MockerFixture) -> None:
    """Registries and the platform reach the look."""
    diagnose = _found(mocker)
    run("doctor", "--registry", "a.example", "--registry", "b.example", "--platform", "linux/arm")
    diagnose.assert_called_once_with(  # type: ignore[attr-defined]
        ("a.example", "b.example"), platform="linux/arm"
    )


def test_colours_on_a_terminal(
    run: Run, mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a terminal, the severity has its colour."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    mocker.patch("imagebuilders.cli.output.supports_cursor", return_value=True)
    _found(mocker, _ERROR)
    assert "\x1b[1;31m    error\x1b[0m" in run("doctor").out


def test_a_terminal_breaks_no_word(
    run: Run, mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a terminal, texts go on below where they began; commands stay whole."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    mocker.patch("imagebuilders.cli.output.supports_cursor", return_value=True)
    command = "sudo usermod --append --groups docker somebody"
    summary = (
        "No Docker Engine answers at unix:///a/very/long/path/of/a/socket.sock, which is a pity."
    )
    _found(mocker, Finding(Area.ENGINE, Severity.ERROR, summary, "Start it.", command))
    assert run("doctor").out.splitlines()[:6] == [
        "engine:",
        "    error No Docker Engine answers at",
        "          unix:///a/very/long/path/of/a/socket.sock,",
        "          which is a pity.",
        "          Start it.",
        f"          $ {command}",
    ]
