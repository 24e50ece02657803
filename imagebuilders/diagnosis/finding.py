"""What a look at this machine's set-up found."""

from __future__ import annotations

import enum

from imagebuilders.lazy_dataclass import dataclass


class Severity(str, enum.Enum):
    """How much a finding matters."""

    FINE = "fine"
    """It is as it should be."""
    NOTE = "note"
    """Something is not there, which most builds do not need."""
    WARNING = "warning"
    """Builds work, and something will surprise."""
    ERROR = "error"
    """Builds or pushes cannot work."""


class Area(str, enum.Enum):
    """What a finding is about."""

    PROGRAM = "program"
    STACK = "stack"
    ENGINE = "engine"
    BUILDKIT = "buildkit"
    CREDENTIALS = "credentials"
    REGISTRIES = "registries"
    FOLDERS = "folders"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: what it is about.
        severity: how much it matters.
        summary: what was found, in a sentence or a few words.
        cure: what to do about it; empty where there is nothing to do.
        command: what to type for that, as a shell reads it; empty where no command does it.
    """

    area: Area
    severity: Severity
    summary: str
    cure: str = ""
    command: str = ""


def worst(findings: list[Finding]) -> Severity:
    """Return the severity of the worst finding; `FINE` when there is none."""
    order = list(Severity)
    return max((finding.severity for finding in findings), key=order.index, default=Severity.FINE)
