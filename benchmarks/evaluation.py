"""`COPY . .` of 5,000 files evaluated, beside the time that it takes to hash them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from benchmarks.measuring import rows, save, scratch, time_in_turn
from imagebuilders import BuildContext
from imagebuilders.context.content import ContentReader
from imagebuilders.evaluation import ResolveOptions, UnknownImages, resolve
from imagebuilders.evaluation.contents import context_tree
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.evaluation.steps import ContextOrigin, ImageOrigin
from imagebuilders.evaluation.trees import Folder
from imagebuilders.oci.layer_writer import write_layer

_FILES = 5_000
_SIZE = 10_000
_DOCKERFILE = b"FROM scratch\nCOPY . .\n"


def main() -> None:
    """Measure."""
    root = scratch() / "evaluation"
    if not root.exists():
        _make_files(root)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    sides = {
        "imagebuilders": lambda: _evaluate(root),
        "hashing alone": lambda: [_hashed(path) for path in paths],
        "imagebuilders, and the layer's digest": lambda: _digest(root),
    }
    save("evaluation", rows(f"COPY . . of {_FILES:,} files", time_in_turn(sides, rounds=5)))


def _make_files(root: Path) -> None:
    for number in range(_FILES):
        path = root / f"folder{number % 70}" / f"file{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(_SIZE))


def _hashed(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.sha256(file.read()).digest()


class _Trees:
    def __init__(self, tree: Folder) -> None:
        self._tree = tree

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:  # noqa: ARG002  (there is one)
        return self._tree


def _evaluate(root: Path, *, with_digest: bool = False) -> int:
    """Evaluate from the folder on; return how many entries the layer has."""
    resolution = resolve(_DOCKERFILE, ResolveOptions(), UnknownImages())
    snapshot = BuildContext(str(root)).snapshot(rewrite_ignore_files=False)
    clock = BuildClock()
    with ContentReader() as reader:
        trees = _Trees(context_tree(snapshot, reader, clock))
        with Executor(resolution.stages, trees, clock=clock) as executor:
            (layer,) = executor.stage(resolution.target).layers
            if with_digest:
                digest = hashlib.sha256()
                for piece in write_layer(layer):
                    digest.update(piece)
            return len(layer)


def _digest(root: Path) -> int:
    return _evaluate(root, with_digest=True)


if __name__ == "__main__":
    main()
