"""Write `docs/benchmarks.md` and its plot from the results of the last runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import RESULTS

DOCS = Path(__file__).parents[1] / "docs"
PLOT = Path("_static") / "benchmarks.svg"
GOALS = {
    ("select 28,000 of 100,000 files", "Go walker"): "1",
    ("select and tar.gz", "Docker SDK"): "8",
    ("digest, nothing changed", "Docker SDK, select and tar.gz"): "15",
    ("digest, nothing changed", "git status"): "1",
    ("505 MB: digest and tar.gz", "Docker SDK"): "10",
    ("505 MB: plain tar, written to a file", "GNU tar"): "1 / 1.3",
    **{
        (build, f"Docker {version} in Docker"): goal
        for version in ("20.10", "26.1", "28.5")
        for build, goal in (
            ("five-step build, three of them RUN", "100"),
            ("five-step build without RUN", "100"),
            ("build with a context of 10,000 files", "1"),
        )
    },
}
HEAD = """\
# Benchmarks

How fast a build context is selected, archived and digested. Each row compares two sides that took
turns in one process, best of some rounds; *ratio* is how many times longer the other side took than
imagebuilders, so more than 1 means that imagebuilders is faster.

Measured on {machine}.
Other work went on there meanwhile, so read the ratios rather than the seconds, and the processor's
seconds rather than those on the clock.
"""
ENGINE_HEAD = """\
## The engine double

The same builds through the Docker SDK, with the double and with real engines in Docker-in-Docker
in turn. Here *ratio* is how many times longer the real engine took; the processor's time is that
of this process alone. Without a RUN a real engine answers in less than 0.1 s, and with either the
SDK itself needs about 4 ms of processor for the requests of a build; the double's own part is less
than 1 ms. Measured on {machine}.
"""
ENGINE_MEMORY = """\
A process that has made 100 engines, each with a client and a build, holds {:.1f} MiB; after 1,000
more {:.1f} MiB.
"""
SOAK = """\
{rounds:,} rounds of build, push, run, logs and remove, with `keep_records=100` in engine and
registry, let the process grow by {growth:.1f} MiB (goal: 5 at most), from {first:.1f} MiB. Python
itself needs {python:.0f} ms of processor to start and end, and with `import fakes` {fakes:.0f}
ms; the import of `FakeDockerEngine` makes that {engine:.0f} ms, of `FakeRegistry` {registry:.0f}
ms, of `docker` alone {docker:.0f} ms. Measured on {machine}.
"""
BUILDKIT_HEAD = """\
## Builds with BuildKit

Whole builds on one daemon (Docker {engine}, BuildKit of its own), in turns with
`docker buildx build` {buildx} as processes, and with the Docker SDK's classic builder as library
calls: medians of five. *Ratio* is how many times longer the other side took.
Measured on {machine}.
"""
BUILDKIT_MEMORY = """\
The process that builds holds at most {:.0f} MiB with a file of 1 MB, and {:.0f} MiB with one of
2 GB.
"""
DAEMONLESS_HEAD = """\
## Builds without a daemon

Code put on a base in a registry of the same machine: whole processes, `--builder daemonless`, in
turns with `docker buildx build --push` {buildx} (Docker {engine}) and with `tar` and
`crane append`: medians of five. *Ratio* is how many times longer the other side took.
Measured on {machine}.
"""
TAIL = """\
## Repeat it

```console
$ nox -s bench
```

or one program of `benchmarks/`, as in `nox -s bench -- context_small_files`; `report` writes this
page from the results. The trees are made in `$IMAGEBUILDERS_BENCH_DIR`, by default
`/tmp/imagebuilders-benchmarks`, and need 12 GB of disk in all (the file of 10 GB is sparse).

- The Docker SDK's side is `docker.utils.build.exclude_paths` and `create_archive`.
- The Go walker is any program that walks the folder that is its last argument:
  `IMAGEBUILDERS_BENCH_WALKER=/path/to/program`. The one measured here goes through the folder with
  `filepath.WalkDir`, asks moby/patternmatcher about each path and skips folders as BuildKit's
  `fsutil` does, without the `lstat` that `fsutil` makes of each kept file.
- `git status --porcelain` runs in a work tree of the same files, all of them in the index. It uses
  several processors; what the digest does, it does on one.
"""


def main() -> None:
    """Write the page and the plot."""
    parts = []
    machine = ""
    for name in ("context_small_files", "context_large_files"):
        result = _load(name)
        if result:
            machine = result["machine"]
            parts.append(_table(result["rows"]))
    growth = _load("context_growth")
    if growth:
        machine = machine or growth["machine"]
        parts.append(_growth(growth["points"]))
        parts.append(_memory(growth["memory"]))
        (DOCS / PLOT).write_text(_plot(growth["points"]))
    buildkit = _load("buildkit")
    if buildkit:
        parts.append(BUILDKIT_HEAD.format_map(buildkit))
        parts.append(_medians(buildkit["medians"]))
        parts.append(_wire(buildkit["wire"]))
        parts.append(BUILDKIT_MEMORY.format(*buildkit["memory"].values()))
    daemonless = _load("daemonless")
    if daemonless:
        parts.append(DAEMONLESS_HEAD.format_map(daemonless))
        parts.append(_medians(daemonless["medians"]))
        parts.append(_peaks(daemonless["memory"]))
    engine = _load("engine")
    if engine:
        parts.append(ENGINE_HEAD.format(machine=engine["machine"]))
        parts.append(_table(engine["rows"]))
        parts.append(ENGINE_MEMORY.format(*engine["memory"].values()))
    soak = _load("engine_soak")
    if soak:
        names = ("fakes.FakeDockerEngine", "fakes.FakeRegistry", "python alone")
        engine_time, registry_time, python = (soak["imports"][name] for name in names)
        parts.append(
            SOAK.format(
                **{key: soak[key] for key in ("rounds", "growth", "machine")},
                first=soak["memory"][0],
                **{name: soak["imports"][name] for name in ("fakes", "docker")},
                engine=engine_time,
                registry=registry_time,
                python=python,
            )
        )
    page = [HEAD.format(machine=machine), *parts, TAIL]
    (DOCS / "benchmarks.md").write_text("\n".join(page))
    print(f"wrote {DOCS / 'benchmarks.md'}")


def _load(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| what | side | clock, s | processor, s | ratio | by processor | goal |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        goal = GOALS.get((row["what"], row["side"]), "")
        lines.append(
            f"| {row['what']} | {row['side']} | {_seconds(row['wall'])} | {_seconds(row['cpu'])} "
            f"| {row['ratio']:.2f} | {row['cpu_ratio']:.2f} | {goal} |"
        )
    return "\n".join(lines) + "\n"


def _medians(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["| what | side | clock, s | ratio |", "|---|---|---:|---:|"]
    lines += [
        f"| {row['what']} | {row['side']} | {_seconds(row['seconds'])} "
        f"| {row['to_ours'] if 'to_ours' in row else 1 / row['ours_to_it']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _peaks(memory: dict[str, float]) -> str:
    """Return the most memory of each build, in MiB."""
    lines = ["| what | memory at most, MiB |", "|---|---:|"]
    lines += [f"| {what} | {peak:.0f} |" for what, peak in memory.items()]
    return "\n".join(lines) + "\n"


def _wire(sent: dict[str, dict[str, int]]) -> str:
    lines = ["| what | side | bytes sent |", "|---|---|---:|"]
    lines += [
        f"| {what} | {side} | {count:,} |"
        for what, sides in sent.items()
        for side, count in sides.items()
    ]
    return "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value >= 0.01 else f"{value:.4f}"


def _growth(points: Sequence[dict[str, float]]) -> str:
    sides = [side for side in points[0] if side != "files"]
    lines = [
        "## Growth",
        "",
        f"![Seconds against the number of files]({PLOT})",
        "",
        "Processor seconds, and in brackets microseconds for each file of the folder.",
        "",
        "| files | " + " | ".join(sides) + " |",
        "|---:|" + "---:|" * len(sides),
    ]
    for point in points:
        cells = [
            f"{point[side]:.3f} ({point[side] / point['files'] * 1e6:.2f})"
            if side in point
            else "not measured"
            for side in sides
        ]
        lines.append(f"| {point['files']:,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _memory(memory: Sequence[Sequence[Any]]) -> str:
    lines = ["## Memory", "", "| what | MiB at most | goal |", "|---|---:|---:|"]
    lines += [f"| {what} | {peak:.0f} | 150 |" for what, (peak, _) in memory]
    return "\n".join(lines) + "\n"


# They can be told from a light page and from a dark one.
_COLOURS = ("#16976b", "#3b8ede", "#e0585b", "#d9851e", "#8f6ce0")
_TEXT, _GRID = "#7c8794", "#80808040"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 800, 420, 70, 50, 20, 270


def _plot(points: Sequence[dict[str, float]]) -> str:
    sides = [side for side in points[0] if side != "files"]
    values = [point[side] for point in points for side in sides if side in point]
    low_x, high_x = math.log10(points[0]["files"]), math.log10(points[-1]["files"])
    low_y, high_y = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def across(files: float) -> float:
        share = (math.log10(files) - low_x) / (high_x - low_x)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def up(seconds: float) -> float:
        share = (math.log10(seconds) - low_y) / (high_y - low_y)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)

    right = _WIDTH - _RIGHT
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="13" fill="{_TEXT}">',
        "<title>Processor seconds against the number of files</title>",
    ]
    for power in range(low_y, high_y + 1):
        y = up(10**power)
        drawn.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{_GRID}"/>')
        label = f"{10**power:g} s"
        drawn.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for point in points:
        x = across(point["files"])
        drawn.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="{_GRID}"/>')
        drawn.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">'
            f"{point['files']:,.0f}</text>"
        )
    middle = (_LEFT + right) / 2
    drawn.append(
        f'<text x="{middle:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">files in the folder</text>'
    )
    ends: list[tuple[float, str, str]] = []
    for side, colour in zip(sides, _COLOURS, strict=False):
        places = [(across(p["files"]), up(p[side])) for p in points if side in p]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        ends.append((places[-1][1], side, colour))
    y = 0.0
    for wanted, side, colour in sorted(ends):
        y = max(wanted + 4, y + 18)
        drawn.append(f'<text x="{right + 10}" y="{y:.1f}" fill="{colour}">{side}</text>')
    drawn.append("</svg>")
    return "\n".join(drawn) + "\n"


if __name__ == "__main__":
    main()
