"""`imagebuilders doctor`."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from imagebuilders.cli import output
from imagebuilders.sanitize import printable

if TYPE_CHECKING:
    from imagebuilders.diagnosis import Finding

FINE = 0
ERRORS = 1
WARNINGS = 3

_STYLES = {"fine": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}
_INDENT = " " * 9


@click.command()
@click.option(
    "--registry", "registries", metavar="HOST", multiple=True, help="A registry to look at, too."
)
@click.option("--platform", metavar="PLATFORM", help="A platform that has to be built for.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per line.")
@click.pass_context
def doctor(
    ctx: click.Context, registries: tuple[str, ...], platform: str | None, as_json: bool
) -> None:
    """See whether builds can work here, and what to do about what is missing.

    Looks at the stack, the Docker Engine, BuildKit, credentials, registries and folders. Nothing is
    changed. Ends with 0 when nothing is wrong, with 3 when there are warnings alone, with 1 when
    builds or pushes cannot work.

    \b
    Examples:
      imagebuilders doctor
      imagebuilders doctor --registry ghcr.io --platform linux/arm64
      imagebuilders doctor --json | jq 'select(.severity == "error")'
    """
    from imagebuilders.diagnosis import Severity, diagnose, worst

    found: list[Finding] = []
    with output.log_warnings(output.warning_message):
        for finding in diagnose(registries, platform=platform):
            _tell(finding, is_new=not found or found[-1].area != finding.area, as_json=as_json)
            found.append(finding)
    if not as_json:
        output.result("")
        output.result(_verdict(found))
    code = {Severity.ERROR: ERRORS, Severity.WARNING: WARNINGS}
    ctx.exit(code.get(worst(found), FINE))


def _tell(finding: Finding, *, is_new: bool, as_json: bool) -> None:
    if as_json:
        output.write_json(sys.stdout, {"event": "finding", **asdict(finding)})
        return
    if is_new:
        output.result(f"{finding.area.value}:")
    severity = finding.severity.value
    told = [line.strip() for line in [*finding.summary.splitlines(), finding.cure or ""]]
    lines = [piece for line in told if line for piece in _fitted(printable(line))]
    _write(severity, "".join(lines[:1]))
    for line in lines[1:]:
        output.result(f"{_INDENT} {line}")
    if finding.command:
        output.result(f"{_INDENT} $ {printable(finding.command)}")


def _fitted(text: str) -> list[str]:
    """Break a text between words where a terminal would within one."""
    if not output.supports_cursor(sys.stdout):
        return [text]
    room = shutil.get_terminal_size().columns - len(_INDENT) - 1
    return textwrap.wrap(text, max(room, 1), break_long_words=False, break_on_hyphens=False)


def _write(severity: str, text: str) -> None:
    label = f"{severity:>{len(_INDENT)}}"
    if not output.supports_cursor(sys.stdout):
        output.result(f"{label} {text}")
        return
    from rich.console import Console
    from rich.text import Text

    Console(highlight=False, soft_wrap=True).print(
        Text.assemble((label, _STYLES[severity]), f" {text}")
    )


def _verdict(found: list[Finding]) -> str:
    number = Counter(finding.severity.value for finding in found)
    told = [
        f"{number[severity]} {severity}{'s' if number[severity] > 1 else ''}"
        for severity in ("error", "warning")
        if number[severity]
    ]
    return f"{' and '.join(told)}." if told else "Nothing is wrong."
