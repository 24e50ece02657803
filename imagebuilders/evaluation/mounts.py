"""The mounts of a RUN."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import field

from imagebuilders.dockerfile import flag_fields
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.evaluation.paths import join
from imagebuilders.evaluation.stages import StageState
from imagebuilders.evaluation.steps import ContextOrigin, Mount, ScratchOrigin
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import BOOLEANS, clean_path, quote, to_lower
from imagebuilders.lazy_dataclass import dataclass

_KINDS = ("bind", "cache", "tmpfs", "secret", "ssh")
_SHARING = ("shared", "private", "locked")
_OWNED = frozenset({"secret", "ssh", "cache"})
_KEYS = (
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
)
_LARGEST = 2**32 - 1
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?:([kmgtp])i?)?b?", re.IGNORECASE)
_FLAGS = {"readonly": True, "ro": True, "readwrite": False, "rw": False}
_SECRETS = "/run/secrets/"
_AGENT = "/run/buildkit/ssh_agent."


@dataclass
class _Fields:
    """The fields of a mount, as they are written."""

    kind: str = "bind"
    from_: str = ""
    source: str = ""
    target: str = ""
    read_only: bool | None = None
    id: str = ""
    sharing: str = ""
    required: bool = False
    env: str | None = None
    size: int = 0
    numbers: dict[str, int] = field(default_factory=dict)


def resolve_mounts(
    values: Sequence[str],
    sources: Sequence[StageState],
    working_dir: str,
    expand: Callable[[str], str],
) -> tuple[Mount, ...]:
    """Return what a RUN has mounted.

    Args:
        values: of its flags `--mount`.
        sources: where each takes files from.
        working_dir: what a relative target begins at.
        expand: replaces the variables of a word.

    Raises:
        EvaluationError: a mount is malformed; in BuildKit's words.
    """
    read = [_read(value, expand) for value in values]
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


def _read(value: str, expand: Callable[[str], str]) -> _Fields:
    fields = _Fields()
    for text in flag_fields(value):
        key, equals, written = text.partition("=")
        key = to_lower(key)
        if not equals:
            _set_flag(fields, key, text)
        else:
            _set(fields, key, expand(written), text)
    _check(fields)
    if fields.read_only is None:
        fields.read_only = fields.kind not in ("cache", "tmpfs")
    return fields


def _set_flag(fields: _Fields, key: str, text: str) -> None:
    if key in _FLAGS:
        fields.read_only = _FLAGS[key]
    elif key == "required":
        _check_kind(fields, key, "secret", "ssh")
        fields.required = True
    else:
        raise EvaluationError(f"invalid field '{text}' must be a key=value pair")


def _set(fields: _Fields, key: str, value: str, text: str) -> None:
    if key == "type":
        fields.kind = _one_of(value, _KINDS, "unsupported mount type")
    elif key == "sharing":
        fields.sharing = _one_of(value, _SHARING, "unsupported sharing value")
    elif key in _FLAGS:
        fields.read_only = _boolean(key, value) == _FLAGS[key]
    elif key == "required":
        _check_kind(fields, key, "secret", "ssh")
        fields.required = _boolean(key, value)
    elif key == "size":
        _check_kind(fields, key, "tmpfs")
        fields.size = _bytes(key, value)
    elif key in ("mode", "uid", "gid"):
        fields.numbers[key] = _number(key, value)
    elif key in _TEXTS:
        setattr(fields, _TEXTS[key], value)
    else:
        hint = suggestion(key, _KEYS, case_sensitive=True)
        raise EvaluationError(f"unexpected key '{key}' in '{text}'{hint}")


_TEXTS = {
    "from": "from_",
    "source": "source",
    "src": "source",
    "target": "target",
    "dst": "target",
    "destination": "target",
    "id": "id",
    "env": "env",
}


def _one_of(value: str, known: Sequence[str], problem: str) -> str:
    if to_lower(value) in known:
        return to_lower(value)
    hint = suggestion(value, frozenset(known), case_sensitive=True)
    raise EvaluationError(f"{problem} {quote(value)}{hint}")


def _check_kind(fields: _Fields, key: str, *kinds: str) -> None:
    if fields.kind not in kinds:
        raise EvaluationError(f"unexpected key '{key}' for mount type '{fields.kind}'")


def _boolean(key: str, value: str) -> bool:
    if value not in BOOLEANS:
        raise EvaluationError(f"invalid value for {key}: {value}")
    return BOOLEANS[value]


def _number(key: str, value: str) -> int:
    base = 8 if key == "mode" else 10
    digits = "01234567" if key == "mode" else "0123456789"
    if not value or value.strip(digits) or int(value, base) > _LARGEST:
        raise EvaluationError(f"invalid value {value} for {key}")
    return int(value, base)


def _bytes(key: str, value: str) -> int:
    match = _SIZE.fullmatch(value)
    if match is None:
        raise EvaluationError(f"invalid value for {key}: {value}")
    exponent = "kmgtp".index(match[2].lower()) + 1 if match[2] else 0
    return int(float(match[1]) * 1024**exponent)


def _check(fields: _Fields) -> None:
    kind = fields.kind
    for key in ("mode", "uid", "gid"):
        if kind not in _OWNED and key in fields.numbers:
            raise EvaluationError(f"{key} not allowed for {quote(kind)} type mounts")
    if kind == "secret":
        _check_secret(fields)
    if fields.sharing and kind != "cache":
        raise EvaluationError(f"invalid cache sharing set for {kind} mount")


def _check_secret(fields: _Fields) -> None:
    if fields.from_:
        raise EvaluationError("secret mount should not have a from")
    if fields.sharing:
        raise EvaluationError("secret mount should not define sharing")
    if not (fields.source or fields.target or fields.id):
        raise EvaluationError("invalid secret mount. one of source, target required")
    if fields.source and fields.id:
        raise EvaluationError("both source and id can't be set")


def _secret(fields: _Fields) -> Mount:
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


def _agent(fields: _Fields, number: int) -> Mount:
    if fields.source:
        raise EvaluationError("ssh does not support source")
    return Mount(
        kind="ssh",
        target=fields.target or f"{_AGENT}{number}",
        read_only=True,
        id=fields.id or "default",
        required=fields.required,
        mode=fields.numbers.get("mode"),
        uid=fields.numbers.get("uid"),
        gid=fields.numbers.get("gid"),
    )


def _folder(fields: _Fields, source: StageState, working_dir: str) -> Mount:
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
