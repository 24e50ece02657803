"""A program that counts what one build, push or upload reads, in a process of its own.

`WHAT` is one of them; with `buildkit-` before it, the engine has BuildKit, else it builds
classically. The last line that `count_readings.py WHAT FOLDER` prints is a JSON object: how often
each control file was opened and each folder of the context read, with what the credential helper
was started, and which requests the engine got. An audit hook cannot be taken away again, so
nothing else runs here.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

CONTROL_FILES = {".dockerignore", "Dockerfile", "config.json", "imagebuilders.toml"}

_HELPER = """#!/bin/sh
read key
echo "$1 $key" >> "$HELPER_LOG"
if [ "$1" = list ]; then echo "{\\"$REGISTRY\\": \\"ann\\"}"; exit; fi
echo '{"Username": "ann", "Secret": "s3cret"}'
"""


class Counts:
    """What the audit hook sees while it is switched on."""

    def __init__(self, root: Path) -> None:
        self.opened: Counter[str] = Counter()
        self.walked: Counter[str] = Counter()
        self.root = os.path.realpath(root)
        self.on = False

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count an event; for `sys.addaudithook`."""
        if not self.on or event not in ("open", "os.scandir", "os.listdir"):
            return
        path = _path_of(arguments[0])
        if event == "open" and os.path.basename(path) in CONTROL_FILES:
            self.opened[os.path.basename(path)] += 1
        elif event != "open" and (path + os.sep).startswith(self.root + os.sep):
            self.walked[os.path.relpath(path, self.root)] += 1


def _path_of(opened: object) -> str:
    """Return the path of what is opened or read, which may be an open folder's descriptor."""
    if isinstance(opened, int):
        return os.readlink(f"/proc/self/fd/{opened}")
    return os.fsdecode(opened) if isinstance(opened, str | bytes | os.PathLike) else os.curdir


def main(what: str, folder: Path) -> None:
    """Make a project in the folder, do it, and print the counts."""
    from fakes import FakeDockerEngine, FakeRegistry
    from fakes.buildkit import ScriptedBuild, ScriptedBuildKit

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        for name in ("dockerfile", "context"):
            build.session.copy(name)
        return build.export()

    root = folder / "root"
    _make_project(folder, root)
    counts = Counts(root)
    sys.addaudithook(counts.hook)
    action = what.removeprefix("buildkit-")
    engine = FakeDockerEngine(buildkit=None if what == action else ScriptedBuildKit(script))
    with (
        engine.serve(f"unix://{folder}/engine.sock") as address,
        FakeRegistry(auth="basic", users={"ann": "s3cret"}) as registry,
    ):
        os.environ |= {"DOCKER_HOST": address, "REGISTRY": registry.address}
        counts.on = True
        _DO[action](root, registry.address)
        counts.on = False
    log = folder / "helper.log"
    found = {
        "opened": counts.opened,
        "walked": counts.walked,
        "helper": log.read_text().splitlines() if log.exists() else [],
        "requests": [request.path for request in engine.requests],
    }
    # The last line: what is built prints its own.
    print(json.dumps(found))


def _make_project(folder: Path, root: Path) -> None:
    (root / "below").mkdir(parents=True)
    (root / "below" / "file").write_text("text")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_text("*.pyc\n")
    (folder / "config.json").write_text('{"credsStore": "counted"}')
    (folder / "imagebuilders.toml").write_text("[artifact_store]\npath = 'store'\n")
    helper = folder / "docker-credential-counted"
    helper.write_text(_HELPER)
    helper.chmod(0o755)
    os.environ |= {
        "DOCKER_CONFIG": str(folder),
        "HELPER_LOG": str(folder / "helper.log"),
        "IMAGEBUILDERS_CACHE_DIR": str(folder / "cache"),
        "PATH": f"{folder}:{os.environ['PATH']}",
    }
    os.chdir(folder)


def _build(root: Path, registry: str) -> None:
    from imagebuilders.cli.main import main as command

    assert command(["build", str(root), "-t", "app:1", "-q"]) == 0


def _push(root: Path, registry: str) -> None:
    from imagebuilders import BuildContext, DefaultContainerRegistry, LocalImageBuilder

    component = DefaultContainerRegistry(uri=registry)
    LocalImageBuilder().build(f"{registry}/app:1", BuildContext(str(root)), None, component)
    component.close()


def _upload(root: Path, registry: str) -> None:
    from imagebuilders import BuildContext
    from imagebuilders.base_image_builder import BaseImageBuilder

    BaseImageBuilder._upload_build_context(BuildContext(str(root)), "contexts")


_DO = {"build": _build, "push": _push, "upload": _upload}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
