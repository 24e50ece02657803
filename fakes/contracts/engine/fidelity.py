"""What is verified, what differs and what is missing, by engine version."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ...engine.versions import LOOKS


class Divergence(NamedTuple):
    """A scenario of the contract that comes out differently.

    Attributes:
        scenario: its name.
        since: the version from which on.
        reason: why.
        look: the only look where it does, if there is one.
    """

    scenario: str
    since: str
    reason: str
    look: str = ""


_DIVERGENCES: tuple[Divergence, ...] = ()
"""Every scenario that differs; all others are to come out as they were recorded."""


def known_divergences(look: str) -> dict[str, str]:
    """Return the scenarios that come out differently for a look, each with the reason."""
    return {
        d.scenario: d.reason
        for d in _DIVERGENCES
        if LOOKS[look] >= d.since and d.look in ("", look)
    }


def _group(scenario: str) -> str:
    return scenario.partition(".")[0]


BEGIN, END = "<!-- begin: generated -->", "<!-- end: generated -->"
_STEPS = (
    ("20.10", "26.1"),
    ("26.1", "28.5"),
    ("28.5", "28.5-containerd"),
    ("28.5", "29.7-overlay2"),
    ("28.5-containerd", "29.7"),
    ("29.7-overlay2", "29.7"),
)
"""Looks that are compared with each other."""


def page() -> str:
    """The part of the fidelity page that comes from the contract, in Markdown."""
    from ...engine.routes.missing import ROUTES
    from .registry import scenarios
    from .transcripts import not_recorded, recorded_engine

    names = list(scenarios())
    groups = Counter(map(_group, names))
    lines = ["| scenarios | " + " | ".join(LOOKS) + " |", "|---|" + "---|" * len(LOOKS)]
    lines.append("| recorded from | " + " | ".join(map(recorded_engine, LOOKS)) + " |")
    missing = {look: Counter(map(_group, not_recorded(look, names))) for look in LOOKS}
    for group in sorted(groups):
        cells = []
        for look in LOOKS:
            recorded = groups[group] - missing[look][group]
            different = sum(_group(name) == group for name in known_divergences(look))
            cells.append(f"{recorded - different} of {recorded}")
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    for look in LOOKS:
        reasons = Counter(not_recorded(look, names).values())
        for reason, count in sorted(reasons.items()):
            lines.append("")
            lines.append(f"Not recorded on {look}, {count} of {len(names)} scenarios: {reason}.")
    lines.append("")
    divergent = [
        f"- {look}, `{name}`: {reason}."
        for look in LOOKS
        for name, reason in sorted(known_divergences(look).items())
    ]
    if divergent:
        lines += ["Known to differ:", "", *divergent]
    else:
        lines.append("No scenario that was recorded is known to differ.")
    lines.append("")
    lines.append("These answer 501 and name the route:")
    lines.append("")
    paths = sorted({path.partition("{rest")[0] for _, path in ROUTES})
    lines.append(", ".join(f"`{path}`" for path in paths) + ".")
    return "\n".join(lines)


def steps() -> str:
    """In how many scenarios looks show other things, in Markdown."""
    from .registry import scenarios
    from .transcripts import not_recorded, transcript

    names = list(scenarios())
    missing = {look: not_recorded(look, names) for look in LOOKS}
    different: dict[tuple[str, str], Counter[str]] = {}
    totals = []
    for old, new in _STEPS:
        both = [name for name in names if name not in missing[old] and name not in missing[new]]
        other = [name for name in both if transcript(old, name) != transcript(new, name)]
        different[old, new] = Counter(map(_group, other))
        totals.append(f"{len(other)} of {len(both)}")
    titles = [f"{old} → {new}" for old, new in _STEPS]
    lines = ["| scenarios | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles)]
    for group in sorted({group for counts in different.values() for group in counts}):
        cells = [str(different[step][group] or "") for step in _STEPS]
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    lines.append("| all | " + " | ".join(totals) + " |")
    return "\n".join(lines)


PAGES = {"docs/fake-docker-engine.md": page, "docs/which-docker.md": steps}
"""The documents that have a generated part, and what makes it."""


def replace_generated(document: str, text: str) -> str:
    """The text of one of the documents with its generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{PAGES[document]()}\n\n{END}{after}"


if __name__ == "__main__":
    from pathlib import Path

    for name in PAGES:
        file = Path(name)
        file.write_text(replace_generated(name, file.read_text(encoding="utf-8")), encoding="utf-8")
