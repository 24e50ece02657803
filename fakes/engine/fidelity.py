"""What is verified, what differs and what is missing, by engine version."""

from __future__ import annotations

from collections import Counter

_NOTHING_RUNS = "commands are not executed, so a shell that is not in the image is not missed"

_NO_BUILDKIT = "there is no BuildKit, so the classic builder is the one to take"

KNOWN_DIVERGENCES: dict[str, dict[str, str]] = {
    "20.10": {},
    "26.1": {
        "failures.here_document_in_run": _NOTHING_RUNS,
        "system.builder": _NO_BUILDKIT,
    },
    "28.5": {
        "failures.here_document_in_run": _NOTHING_RUNS,
        "system.builder": _NO_BUILDKIT,
    },
}
"""Scenarios of the contract that come out differently, each with the reason."""

BEGIN, END = "<!-- begin: generated -->", "<!-- end: generated -->"


def page() -> str:
    """The part of the fidelity page that comes from the contract, in Markdown."""
    from fakes.contracts.engine.registry import scenarios
    from fakes.contracts.engine.transcripts import VERSIONS, recorded_engine
    from fakes.engine.routes.missing import ROUTES

    names = list(scenarios())
    groups = Counter(name.partition(".")[0] for name in names)
    lines = ["| scenarios | " + " | ".join(VERSIONS) + " |", "|---|" + "---|" * len(VERSIONS)]
    lines.append("| recorded from | " + " | ".join(map(recorded_engine, VERSIONS)) + " |")
    for group in sorted(groups):
        cells = []
        for version in VERSIONS:
            different = sum(n.startswith(f"{group}.") for n in KNOWN_DIVERGENCES[version])
            cells.append(f"{groups[group] - different} of {groups[group]}")
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    lines.append("")
    lines.append("Known to differ:")
    lines.append("")
    for version in VERSIONS:
        lines.extend(
            f"- {version}, `{name}`: {reason}."
            for name, reason in sorted(KNOWN_DIVERGENCES[version].items())
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
