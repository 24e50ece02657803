"""Terminal screens as SVG: one that stands still, or several that follow each other.

Every line of text is drawn once and used by all screens that show it. A moving picture is a strip
of screens that CSS pushes along; who asks for less motion, and a viewer without CSS, sees the last
screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

_CELL, _LINE, _SIZE = 8.4, 19, 14
_SIDE, _TOP, _BOTTOM = 18, 44, 14
_THEME = TerminalTheme(
    (22, 27, 34),
    (215, 222, 230),
    [
        (72, 79, 88),
        (255, 123, 114),
        (99, 210, 130),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (215, 222, 230),
    ],
)
_BACKGROUND = _THEME.background_color.hex
_FOREGROUND = _THEME.foreground_color.hex


@dataclass(frozen=True)
class Screen:
    """What a terminal shows from a moment on.

    Attributes:
        lines: its lines, as a program wrote them, with escape sequences for colours.
        at: the moment, in seconds from the beginning.
    """

    lines: tuple[str, ...]
    at: float = 0.0


def terminal_svg(
    screens: Sequence[Screen], *, title: str, description: str, columns: int, hold: float = 4.0
) -> str:
    """Return a picture of a terminal.

    Args:
        screens: what it shows, in the order of time.
        title: stands in the window's bar.
        description: tells those who do not see the picture what it shows.
        columns: how wide it is.
        hold: how many seconds the last screen stands before all begins again.
    """
    rows = max(len(screen.lines) for screen in screens)
    width = round(2 * _SIDE + columns * _CELL)
    height = _TOP + rows * _LINE + _BOTTOM
    numbers: dict[str, int] = {}
    for screen in screens:
        for line in screen.lines:
            if _plain(line):
                numbers.setdefault(line, len(numbers))
    strip = [
        f'<use href="#l{numbers[line]}" x="{place * width}" y="{_TOP + row * _LINE}"/>'
        for place, screen in enumerate(screens)
        for row, line in enumerate(screen.lines)
        if line in numbers
    ]
    last = -(len(screens) - 1) * width
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{escape(description)}">',
            f"<title>{escape(description)}</title>",
            f"<style>{_style(screens, width, hold)}</style>",
            "<defs>",
            *(f'<g id="l{number}">{_drawn(line)}</g>' for line, number in numbers.items()),
            "</defs>",
            f'<rect width="{width}" height="{height}" rx="9" fill="{_BACKGROUND}"/>',
            *(
                f'<circle cx="{22 + 18 * place}" cy="21" r="5.5" fill="{colour}"/>'
                for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
            ),
            f'<text x="{width / 2:g}" y="25" text-anchor="middle" opacity=".6">'
            f"{escape(title)}</text>",
            f'<svg width="{width}" height="{height}"><g class="strip" '
            f'transform="translate({last} 0)">',
            *strip,
            "</g></svg>",
            "</svg>",
            "",
        ]
    )


def _style(screens: Sequence[Screen], width: int, hold: float) -> str:
    style = (
        "text{font:" + f"{_SIZE}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        f"fill:{_FOREGROUND};white-space:pre}}.b{{font-weight:700}}.d{{opacity:.62}}"
    )
    if len(screens) < 2:
        return style
    whole = screens[-1].at + hold
    steps = "".join(
        f"{screen.at / whole * 100:.2f}%{{transform:translateX({-place * width}px)}}"
        for place, screen in enumerate(screens)
    )
    steps += f"100%{{transform:translateX({-(len(screens) - 1) * width}px)}}"
    return (
        f"{style}@keyframes play{{{steps}}}"
        "@media (prefers-reduced-motion:no-preference)"
        f"{{.strip{{animation:play {whole:.1f}s step-end infinite}}}}"
    )


def _plain(line: str) -> str:
    return Text.from_ansi(line).plain.rstrip()


def _drawn(line: str) -> str:
    """Return a line, each piece of one style at its own column."""
    text = Text.from_ansi(line)
    cuts = sorted({0, len(text), *(end for span in text.spans for end in (span.start, span.end))})
    drawn = []
    for start, end in pairwise(cuts):
        piece = text.plain[start:end]
        words = piece.strip(" ")
        if not words:
            continue
        left = start + len(piece) - len(piece.lstrip(" "))
        column = cell_len(text.plain[:left])
        style = Style.null()
        for span in text.spans:
            if span.start <= start < span.end:
                style += Style.parse(span.style) if isinstance(span.style, str) else span.style
        drawn.append(
            f'<text x="{_SIDE + column * _CELL:.1f}" y="{_SIZE}" '
            f'textLength="{cell_len(words) * _CELL:.1f}" lengthAdjust="spacingAndGlyphs"'
            f"{_attributes(style)}>{escape(words, quote=False)}</text>"
        )
    return "".join(drawn)


def _attributes(style: Style) -> str:
    classes = " ".join(name for name, on in (("b", style.bold), ("d", style.dim)) if on)
    told = f' class="{classes}"' if classes else ""
    if style.color is not None and not style.color.is_default:
        told += f' style="fill:{_hex(style.color)}"'
    return told


def _hex(colour: Color) -> str:
    return colour.get_truecolor(_THEME).hex
