"""The fields of a RUN's mounts, as they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import field

from imagebuilders.dockerfile import flag_fields
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import BOOLEANS, quote, to_lower
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


@dataclass
class MountFields:
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


class MountReader:
    """Reads mounts as they are written.

    Args:
        expand: replaces the variables of a word.
        frontend: whose fields are known, and whose words count.
    """

    def __init__(self, expand: Callable[[str], str], frontend: Frontend) -> None:
        self._expand = expand if frontend.expands_mounts else str
        self._frontend = frontend

    def read(self, value: str) -> MountFields:
        """Return the fields of a mount.

        Raises:
            EvaluationError: it is malformed.
        """
        fields = MountFields()
        for text in flag_fields(value):
            key, equals, written = text.partition("=")
            key = to_lower(key)
            if not equals:
                _set_flag(fields, key, text)
            else:
                self._set(fields, key, self._expand(written), text)
        _check(fields, self._frontend)
        if fields.read_only is None:
            fields.read_only = fields.kind not in ("cache", "tmpfs")
        return fields

    def _set(self, fields: MountFields, key: str, value: str, text: str) -> None:
        if key not in self._known():
            hint = self._hint(key, _KEYS)
            raise EvaluationError(f"unexpected key '{key}' in '{text}'{hint}")
        if key == "type":
            fields.kind = self._one_of(value, _KINDS, "unsupported mount type")
        elif key == "sharing":
            fields.sharing = self._one_of(value, _SHARING, "unsupported sharing value")
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
        else:
            setattr(fields, _TEXTS[key], value)

    def _known(self) -> frozenset[str]:
        """Return the keys that the frontend knows."""
        unknown = set() if self._frontend.knows_secret_variables else {"env"}
        if not self._frontend.expands_mounts:
            unknown.add("size")
        return frozenset(_KEYS) - unknown

    def _one_of(self, value: str, known: Sequence[str], problem: str) -> str:
        if to_lower(value) in known:
            return to_lower(value)
        raise EvaluationError(f"{problem} {quote(value)}{self._hint(value, known)}")

    def _hint(self, value: str, known: Sequence[str]) -> str:
        if not self._frontend.expands_mounts:
            return ""
        return suggestion(value, known, case_sensitive=True)


def _set_flag(fields: MountFields, key: str, text: str) -> None:
    if key in _FLAGS:
        fields.read_only = _FLAGS[key]
    elif key == "required":
        _check_kind(fields, key, "secret", "ssh")
        fields.required = True
    else:
        raise EvaluationError(f"invalid field '{text}' must be a key=value pair")


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


def _check_kind(fields: MountFields, key: str, *kinds: str) -> None:
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


def _check(fields: MountFields, frontend: Frontend) -> None:
    kind = fields.kind
    if not frontend.expands_mounts and fields.sharing and kind != "cache":
        raise EvaluationError(f"invalid cache sharing set for {kind} mount")
    for key in ("mode", "uid", "gid"):
        if kind not in _OWNED and key in fields.numbers:
            raise EvaluationError(f"{key} not allowed for {quote(kind)} type mounts")
    if kind == "secret":
        _check_secret(fields)
    if fields.sharing and kind != "cache":
        raise EvaluationError(f"invalid cache sharing set for {kind} mount")


def _check_secret(fields: MountFields) -> None:
    if fields.from_:
        raise EvaluationError("secret mount should not have a from")
    if fields.sharing:
        raise EvaluationError("secret mount should not define sharing")
    if not (fields.source or fields.target or fields.id):
        raise EvaluationError("invalid secret mount. one of source, target required")
    if fields.source and fields.id:
        raise EvaluationError("both source and id can't be set")
