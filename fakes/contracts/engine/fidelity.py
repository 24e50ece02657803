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


_DIVERGENCES = (
    Divergence(
        "failures.here_document_in_run",
        "23.0",
        "commands are not executed, so a shell that is not in the image is not missed",
    ),
    Divergence(
        "events.container_auto_remove",
        "29.0",
        "the recording ends before the last event, for which the scenario did not wait",
        look="29.7-overlay2",
    ),
    *(
        Divergence(
            "pulled_manifests.index_by_digest",
            since,
            "the recording has two lines of a list in an order by chance",
            look=look,
        )
        for since, look in (("28.0", "28.5-containerd"), ("29.0", "29.7"))
    ),
)


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
        if count := sum(missing[look].values()):
            lines.append("")
            lines.append(f"Of the {len(names)} scenarios {count} were not recorded on {look}.")
    lines.append("")
    lines.append("Known to differ:")
    lines.append("")
    for look in LOOKS:
        lines.extend(
            f"- {look}, `{name}`: {reason}."
            for name, reason in sorted(known_divergences(look).items())
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
