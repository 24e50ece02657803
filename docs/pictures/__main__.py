"""Make all pictures: `python -m docs.pictures [FOLDER]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.pictures.chart import DARK, LIGHT, chart_svg
from docs.pictures.live_build import live_build_svg
from docs.pictures.tree_diff import tree_diff_svg

PICTURES: dict[str, Callable[[], str]] = {
    "live-build": live_build_svg,
    "tree-diff": tree_diff_svg,
    "chart-light": partial(chart_svg, LIGHT),
    "chart-dark": partial(chart_svg, DARK),
}
FOLDER = Path(__file__).parents[1] / "_static"


def main(folder: Path) -> None:
    """Write them."""
    for name, make in PICTURES.items():
        path = folder / f"{name}.svg"
        path.write_text(make())
        print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
