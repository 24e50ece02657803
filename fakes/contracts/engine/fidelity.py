"""What is verified, what differs and what is missing, by engine version."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ...engine.versions import VERSIONS


class Divergence(NamedTuple):
    """A scenario of the contract that comes out differently.

    Attributes:
        scenario: its name.
        since: the version from which on.
        reason: why.
    """

    scenario: str
    since: str
    reason: str


_DIVERGENCES = (
    Divergence(
        "failures.here_document_in_run",
        "23.0",
        "commands are not executed, so a shell that is not in the image is not missed",
    ),
)


def known_divergences(version: str) -> dict[str, str]:
    """Return the scenarios that come out differently for a version, each with the reason."""
    return {d.scenario: d.reason for d in _DIVERGENCES if VERSIONS[version] >= d.since}


BEGIN, END = "<!-- begin: generated -->", "<!-- end: generated -->"


def page() -> str:
    """The part of the fidelity page that comes from the contract, in Markdown."""
    from ...engine.routes.missing import ROUTES
    from .registry import scenarios
    from .transcripts import recorded_engine

    names = list(scenarios())
    groups = Counter(name.partition(".")[0] for name in names)
    lines = ["| scenarios | " + " | ".join(VERSIONS) + " |", "|---|" + "---|" * len(VERSIONS)]
    lines.append("| recorded from | " + " | ".join(map(recorded_engine, VERSIONS)) + " |")
    for group in sorted(groups):
        cells = []
        for version in VERSIONS:
            different = sum(n.startswith(f"{group}.") for n in known_divergences(version))
            cells.append(f"{groups[group] - different} of {groups[group]}")
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    lines.append("")
    lines.append("Known to differ:")
    lines.append("")
    for version in VERSIONS:
        lines.extend(
            f"- {version}, `{name}`: {reason}."
            for name, reason in sorted(known_divergences(version).items())
        )
    lines.append("")
    lines.append("These answer 501 and name the route:")
    lines.append("")
    paths = sorted({path.partition("{rest")[0] for _, path in ROUTES})
    lines.append(", ".join(f"`{path}`" for path in paths) + ".")
    return "\n".join(lines)


def replace_generated(text: str) -> str:
    """A document with its generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{page()}\n\n{END}{after}"


if __name__ == "__main__":
    import sys
    from pathlib import Path

    document = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/fake-docker-engine.md")
    document.write_text(replace_generated(document.read_text(encoding="utf-8")), encoding="utf-8")
