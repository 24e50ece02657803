"""The mounts of a RUN."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

from imagebuilders.evaluation.frontend import NEWEST, Frontend
from imagebuilders.evaluation.mount_fields import MountFields, MountReader
from imagebuilders.evaluation.paths import join
from imagebuilders.evaluation.stages import StageState
from imagebuilders.evaluation.steps import ContextOrigin, Mount, ScratchOrigin
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path, quote

_SECRETS = "/run/secrets/"
_AGENT = "/run/buildkit/ssh_agent."


def resolve_mounts(
    values: Sequence[str],
    sources: Sequence[StageState],
    working_dir: str,
    expand: Callable[[str], str],
    frontend: Frontend = NEWEST,
) -> tuple[Mount, ...]:
    """Return what a RUN has mounted.

    Args:
        values: of its flags `--mount`.
        sources: where each takes files from.
        working_dir: what a relative target begins at.
        expand: replaces the variables of a word.
        frontend: whose fields are known, and whose words count.

    Raises:
        EvaluationError: a mount is malformed; in BuildKit's words.
    """
    reader = MountReader(expand, frontend)
    read = [reader.read(value) for value in values]
    agents = 0
    mounts = []
    for fields, source in zip(read, sources, strict=True):
        if fields.kind == "secret":
            mounts.append(_secret(fields))
        elif fields.kind == "ssh":
            mounts.append(_agent(fields, agents))
            agents += 1
        else:
            mounts.append(_folder(fields, source, working_dir))
    return tuple(mounts)


def _secret(fields: MountFields) -> Mount:
    name = fields.source or fields.id or _base(fields.target)
    target = fields.target
    if fields.env is None and not target:
        target = _SECRETS + _base(name)
    return Mount(
        kind="secret",
        target=target,
        read_only=True,
        id=name,
        required=fields.required,
        env=fields.env or "",
        mode=fields.numbers.get("mode"),
        uid=fields.numbers.get("uid"),
        gid=fields.numbers.get("gid"),
    )


def _agent(fields: MountFields, number: int) -> Mount:
    if fields.source:
        raise EvaluationError("ssh does not support source")
    return Mount(
        kind="ssh",
        target=fields.target or f"{_AGENT}{number}",
        read_only=True,
        id=fields.id,
        required=fields.required,
        mode=fields.numbers.get("mode"),
        uid=fields.numbers.get("uid"),
        gid=fields.numbers.get("gid"),
    )


def _folder(fields: MountFields, source: StageState, working_dir: str) -> Mount:
    is_cache = fields.kind == "cache"
    if fields.from_ and not source.dispatched:
        raise EvaluationError(
            f"cannot mount from stage {quote(fields.from_)} to {quote(fields.target)}, stage "
            "needs to be defined before current command"
        )
    target = fields.target
    if not clean_path(target).startswith("/"):
        target = join(join("/", working_dir), target)
    if target == "/":
        raise EvaluationError(f"invalid mount target {quote(target)}")
    origin = source.files if fields.from_ else ScratchOrigin() if is_cache else ContextOrigin()
    return Mount(
        kind=fields.kind,
        target=target,
        origin=None if fields.kind == "tmpfs" else origin,
        source=join("/", fields.source),
        read_only=bool(fields.read_only),
        id=(fields.id or clean_path(fields.target)) if is_cache else fields.id,
        sharing=(fields.sharing or "shared") if is_cache else "",
        mode=fields.numbers.get("mode"),
        uid=fields.numbers.get("uid"),
        gid=fields.numbers.get("gid"),
        size=fields.size,
    )


def _base(path: str) -> str:
    """Return the last part of a path (Go's `path.Base`)."""
    if not path:
        return "."
    return posixpath.basename(path.rstrip("/")) or "/"
