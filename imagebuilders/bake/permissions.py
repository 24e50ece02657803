"""What a build asks for that the user has to allow: a file may come from a stranger.

As with `docker buildx bake`: https://docs.docker.com/reference/cli/docker/buildx/bake/#allow.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imagebuilders.bake.definition import BakePlan
from imagebuilders.bake.target import Target
from imagebuilders.exceptions import BakeError

NO_FILES_VARIABLE = "BUILDX_BAKE_ENTITLEMENTS_FS"

_ENTITLEMENTS = {
    "network.host": "steps on the network of the builder's machine",
    "security.insecure": "steps without the sandbox",
}
_ELSEWHERE = ("docker-image:", "target:", "oci-layout://", "git@", "github.com/")


def check_permissions(
    plan: BakePlan,
    allowed: Iterable[str],
    environment: Mapping[str, str],
    granted: Iterable[str] = (),
) -> None:
    """See whether the user allows what a plan asks for.

    Args:
        plan: what is to be built.
        allowed: what `--allow` says: `network.host`, `security.insecure`, `ssh`, `fs=PATH`,
            `fs.read=PATH`, `fs.write=PATH`; `*` is every path.
        environment: the variables; `BUILDX_BAKE_ENTITLEMENTS_FS=0` allows all files.
        granted: paths that the command itself names, which need no further word.

    Raises:
        BakeError: something is not allowed, or `--allow` has what there is not.
    """
    said = _Allowed(allowed, granted)
    missing: dict[str, str] = {}
    read: list[str] = []
    written: list[str] = []
    checks_files = environment.get(NO_FILES_VARIABLE, "1").lower() not in ("0", "f", "false")
    for target in plan.targets.values():
        for name in target.entitlements:
            if name in _ENTITLEMENTS and name not in said.names:
                missing[name] = _ENTITLEMENTS[name]
        if "ssh" not in said.names and any(not agent.paths for agent in target.ssh):
            missing["ssh"] = "the use of your SSH agent"
        if checks_files:
            read += [path for path in _read(target) if not said.may_read(path)]
            written += [path for path in _written(target) if not said.may_write(path)]
    for path in _outermost(read):
        missing[f"fs.read={path}"] = f"reading {path}, outside of the working directory"
    for path in _outermost(written):
        missing[f"fs.write={path}"] = f"writing to {path}, outside of the working directory"
    if missing:
        flags = " ".join(f"--allow={shlex.quote(name)}" for name in missing)
        raise BakeError(
            f"The build asks for what is not allowed by itself: {'; '.join(missing.values())}. "
            f"If you trust it, add: {flags}"  # without a full stop, which could be a path's
        )


class _Allowed:
    """What the user allows."""

    def __init__(self, given: Iterable[str], granted: Iterable[str]) -> None:
        self.names: set[str] = set()
        self._read = [os.getcwd(), *granted]
        self._write = [os.getcwd(), *granted]
        for text in given:
            name, _, path = text.partition("=")
            if name in ("fs", "fs.read", "fs.write") and path:
                if name != "fs.write":
                    self._read.append(path)
                if name != "fs.read":
                    self._write.append(path)
            elif text in (*_ENTITLEMENTS, "ssh"):
                self.names.add(text)
            else:
                raise BakeError(
                    f"--allow {text}: there are {', '.join(_ENTITLEMENTS)}, ssh, fs=PATH, "
                    "fs.read=PATH and fs.write=PATH."
                )

    def may_read(self, path: str) -> bool:
        return _is_below(path, self._read)

    def may_write(self, path: str) -> bool:
        return _is_below(path, self._write)


def _outermost(paths: Sequence[str]) -> Iterator[str]:
    """Yield the paths that none of the others has in it."""
    places: dict[str, str] = {}
    for path in paths:
        places.setdefault(os.path.realpath(path), path)
    for place, path in places.items():
        if not _is_below(place, [other for other in places if other != place]):
            yield path


def _is_below(path: str, folders: Iterable[str]) -> bool:
    place = os.path.realpath(path)
    for folder in folders:
        if folder == "*":
            return True
        parent = os.path.realpath(folder)
        if place == parent or place.startswith(parent.rstrip("/") + "/"):
            return True
    return False


def _read(target: Target) -> Iterator[str]:
    context = target.context or "."
    if _is_local(context):
        folder = context.removeprefix("cwd://")
        yield folder
        if target.dockerfile and target.dockerfile_inline is None:
            yield os.path.join(folder, target.dockerfile.removeprefix("cwd://"))
    yield from (
        value.removeprefix("cwd://") for value in target.contexts.values() if _is_local(value)
    )
    yield from (entry["src"] for entry in target.secret if entry.get("src"))
    yield from (path for agent in target.ssh for path in agent.paths)
    yield from (
        entry["src"]
        for entry in target.cache_from
        if entry.get("type") == "local" and entry.get("src")
    )


def _written(target: Target) -> Iterator[str]:
    for entry in (*(target.output or ()), *(target.cache_to or ())):
        dest = entry.get("dest")
        if dest and dest != "-":
            yield dest


def _is_local(context: str) -> bool:
    if context.startswith("cwd://"):
        return True
    return "://" not in context and not context.startswith(_ELSEWHERE)
