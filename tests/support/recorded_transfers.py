"""Transfers of folders as real daemons and the official client made them."""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "buildkit_transfers.json.gz"

RECORDED_NS = 1_000_000_000_000_000_000
"""The time of files for which none is recorded."""


@cache
def transfers() -> dict[str, list[dict[str, Any]]]:
    """`copies`: folders that a client sent; `sends`: folders that a daemon sent."""
    with gzip.open(DATA) as file:
        found: dict[str, list[dict[str, Any]]] = json.load(file)
    return found


def make_tree(root: Path, files: list[dict[str, Any]]) -> Path:
    """Make a recorded folder."""
    root.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = root / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        match file["type"]:
            case "dir":
                path.mkdir(exist_ok=True)
            case "symlink":
                path.symlink_to(file["target"])
            case "hardlink":
                path.hardlink_to(root / file["target"])
            case _:
                path.write_bytes(file.get("text", "x" * file["size"]).encode())
        if "mode" in file:
            path.chmod(int(file["mode"], 8))
        elif file["type"] in ("dir", "file"):
            path.chmod(0o755 if file["type"] == "dir" else 0o644)
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, ns=(RECORDED_NS, RECORDED_NS), follow_symlinks=False)
    return root
