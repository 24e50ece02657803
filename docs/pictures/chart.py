"""The front page's chart, from the committed results of the benchmarks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

_RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
_BUILD = "5,000 files, 50 MB"
_GROUPS = ("first build", "one file changed", "nothing changed")
_WIDTH, _LEFT, _RIGHT, _BAR, _GAP = 760, 240, 80, 17, 14
_FONT = "ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif"


@dataclass(frozen=True)
class _Colours:
    text: str
    faint: str
    ours: str
    others: str


LIGHT = _Colours(text="#1f2933", faint="#52606d", ours="#0b7a57", others="#b4bec9")
DARK = _Colours(text="#e6edf3", faint="#9aa7b4", ours="#3fbf8f", others="#56616d")


def chart_svg(colours: _Colours) -> str:
    """Return the chart: what builds take from Python, and what a build in a test takes."""
    drawn: list[str] = []
    y = 8
    y = _panel(drawn, y, colours, f"A folder of {_BUILD}, built and changed, seconds", _builds())
    y = _panel(drawn, y + 16, colours, "A build of five steps in a test, seconds", _tests())
    told = "How long builds take: " + "; ".join(
        f"{group}: " + ", ".join(f"{side} {_seconds(value)}" for side, value in sides.items())
        for group, sides in (*_builds().items(), *_tests().items())
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" '
            f'width="{_WIDTH}" height="{y}" role="img" aria-label="{escape(told)}" '
            f'font-family="{_FONT}" font-size="14">',
            f"<title>{escape(told)}</title>",
            *drawn,
            "</svg>",
            "",
        ]
    )


def _panel(
    drawn: list[str],
    y: int,
    colours: _Colours,
    title: str,
    groups: Mapping[str, Mapping[str, float]],
) -> int:
    """Draw bars below a title; return where they end."""
    drawn.append(
        f'<text x="0" y="{y + 14}" fill="{colours.text}" font-weight="600">{escape(title)}</text>'
    )
    y += 32
    most = max(value for sides in groups.values() for value in sides.values())
    for group, sides in groups.items():
        if group:
            drawn.append(f'<text x="0" y="{y + 13}" fill="{colours.text}">{escape(group)}</text>')
        for side, value in sides.items():
            width = max(2.0, value / most * (_WIDTH - _LEFT - _RIGHT))
            colour = colours.ours if side == next(iter(sides)) else colours.others
            drawn += [
                f'<text x="{_LEFT - 10}" y="{y + 13}" text-anchor="end" fill="{colours.faint}" '
                f'font-size="13">{escape(side)}</text>',
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="3" '
                f'fill="{colour}"/>',
                f'<text x="{_LEFT + width + 8:.1f}" y="{y + 13}" fill="{colours.text}" '
                f'font-size="13">{_seconds(value)}</text>',
            ]
            y += _BAR + 4
        y += _GAP
    return y


def _builds() -> dict[str, dict[str, float]]:
    medians = {
        (row["what"], row["side"]): row["seconds"] for row in _results("buildkit")["medians"]
    }
    return {
        group: {
            "imagebuilders": medians[f"{_BUILD}, library calls: {group}", "imagebuilders"],
            "buildx": medians[f"{_BUILD}, processes: {group}", "buildx"],
            "Docker SDK": medians[f"{_BUILD}, library calls: {group}", "Docker SDK, classic"],
        }
        for group in _GROUPS
    }


def _tests() -> dict[str, dict[str, float]]:
    seconds = {(row["what"], row["side"]): row["wall"] for row in _results("engine")["rows"]}
    what = "five-step build, three of them RUN"
    return {
        "": {
            "the double": seconds[what, "engine double"],
            "Docker Engine 28.5": seconds[what, "Docker 28.5 in Docker"],
        }
    }


def _results(name: str) -> dict[str, list[dict[str, str | float]]]:
    found: dict[str, list[dict[str, str | float]]] = json.loads(
        (_RESULTS / f"{name}.json").read_text()
    )
    return found


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
