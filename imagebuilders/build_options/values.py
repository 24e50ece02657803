"""Values of build options, in the spellings of `docker build`.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?\Z", re.IGNORECASE)
_SIZE_UNITS = "bkmgtp"


@dataclass(frozen=True)
class BuildSecret:
    """A secret that a step can mount: from an environment variable or a file.

    With neither, BuildKit's front ends look for an environment variable, then
    for a file, of the secret's own name.
    """

    id: str
    env: str | None = None
    src: str | None = None

    @classmethod
    def parse(cls, text: str) -> BuildSecret:
        """Read `id=tok,env=TOK` or `id=tok,src=path`.

        Raises:
            ValueError: the spelling is wrong; the text quotes no value.
        """
        fields = parse_fields(text, allowed=("id", "env", "src", "source", "type"))
        kind, name = fields.get("type"), fields.get("id")
        env, src = fields.get("env"), fields.get("src", fields.get("source"))
        if kind not in (None, "env", "file"):
            raise ValueError("the type of a secret is 'env' or 'file'")
        if not name:
            raise ValueError("a secret needs an id, as in id=tok,env=TOK")
        if kind == "env" and env is None:
            env, src = src, None  # as the CLI does: type=env,src=TOK
        if env is not None and src is not None:
            raise ValueError("a secret comes from env or from src, not from both")
        return cls(id=name, env=env, src=src)

    def __str__(self) -> str:
        return format_fields([("id", self.id), ("env", self.env), ("src", self.src)])


@dataclass(frozen=True)
class SSHAgent:
    """An SSH agent, or keys, that a step can use; without paths, the agent of `SSH_AUTH_SOCK`."""

    id: str = "default"
    paths: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SSHAgent:
        """Read `default` or `id=path[,path]`.

        Raises:
            ValueError: there is no id, or a path is empty.
        """
        name, equals, rest = text.partition("=")
        paths = tuple(rest.split(",")) if equals else ()
        if not name or not all(paths):
            raise ValueError("write an SSH agent as default, or as id=path[,path]")
        return cls(id=name, paths=paths)

    def __str__(self) -> str:
        return f"{self.id}={','.join(self.paths)}" if self.paths else self.id


@dataclass(frozen=True)
class BuildCache:
    """Where a build's cache comes from or goes to: an image's name, or a type with attributes."""

    type: str
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> BuildCache:
        """Read `type=local,src=dir`, or an image's name.

        Raises:
            ValueError: the spelling is wrong.
        """
        if "=" not in text:
            if not text or "," in text:
                raise ValueError("write a cache as an image's name, or as type=registry,ref=NAME")
            return cls("registry", (("ref", text),))
        fields = parse_fields(text)
        kind = fields.pop("type", None)
        if not kind:
            raise ValueError("a cache needs a type, as in type=registry,ref=NAME")
        return cls(kind, tuple(fields.items()))

    @property
    def image(self) -> str | None:
        """The image's name, when the cache is nothing but an image."""
        if self.type == "registry" and len(self.attributes) == 1:
            return dict(self.attributes).get("ref")
        return None

    def __str__(self) -> str:
        return format_fields([("type", self.type), *self.attributes])


@dataclass(frozen=True)
class BuildOutput:
    """What becomes of a build's result: an image, a folder, an archive."""

    type: str
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> BuildOutput:
        """Read `type=local,dest=out`, a folder's name, or `-` for an archive on standard output.

        Raises:
            ValueError: the spelling is wrong.
        """
        if text == "-":
            return cls("tar", (("dest", "-"),))
        if "=" not in text:
            if not text or "," in text:
                raise ValueError("write an output as a folder, or as type=local,dest=DIR")
            return cls("local", (("dest", text),))
        fields = parse_fields(text)
        kind = fields.pop("type", None)
        if not kind:
            raise ValueError("an output needs a type, as in type=local,dest=DIR")
        return cls(kind, tuple(fields.items()))

    def __str__(self) -> str:
        return format_fields([("type", self.type), *self.attributes])


@dataclass(frozen=True)
class ContainerLimits:
    """Limits of the containers that run a build's steps; sizes in bytes.

    `memswap` is memory and swap together, `-1` for no limit.
    """

    memory: int | None = None
    memswap: int | None = None
    cpushares: int | None = None
    cpusetcpus: str | None = None

    @classmethod
    def parse(cls, limits: Mapping[str, object]) -> ContainerLimits:
        """Read the SDK's dict; sizes may be written as in `512m`.

        Raises:
            ValueError: a limit is unknown or has a wrong value.
        """
        unknown = sorted(set(limits) - {"memory", "memswap", "cpushares", "cpusetcpus"})
        if unknown:
            raise ValueError(
                f"there is no limit {unknown[0]!r}; there are memory, memswap, cpushares, "
                "cpusetcpus"
            )
        shares, cpus = limits.get("cpushares"), limits.get("cpusetcpus")
        if shares is not None and (isinstance(shares, bool) or not str(shares).isdecimal()):
            raise ValueError("cpushares is a whole number")
        if cpus is not None and not isinstance(cpus, str):
            raise ValueError("cpusetcpus is a text such as '0-3' or '0,1'")
        return cls(
            memory=_limit(limits.get("memory")),
            memswap=_limit(limits.get("memswap"), unlimited=True),
            cpushares=None if shares is None else int(str(shares)),
            cpusetcpus=cpus,
        )

    def as_dict(self) -> dict[str, int | str]:
        """Give the limits that are set, under the SDK's names."""
        limits: dict[str, int | str | None] = {
            "memory": self.memory,
            "memswap": self.memswap,
            "cpushares": self.cpushares,
            "cpusetcpus": self.cpusetcpus,
        }
        return {name: value for name, value in limits.items() if value is not None}


def parse_size(value: object, *, unlimited: bool = False) -> int:
    """Read a size in bytes, or with a unit as in `512m` and `1.5GiB`; units are powers of 1024.

    Args:
        value: a number, or a text.
        unlimited: whether `-1` is a value.

    Raises:
        ValueError: it is no size.
    """
    if unlimited and str(value) == "-1":
        return -1
    found = _SIZE.match(str(value)) if isinstance(value, str | int | float) else None
    if found is None or isinstance(value, bool):
        raise ValueError("write a size as a number of bytes, or with a unit as in 512m")
    return int(float(found[1]) * 1024 ** _SIZE_UNITS.index(found[2].lower() or "b"))


def parse_pairs(value: object, *, what: str, separators: str = "=") -> dict[str, str]:
    """Read a mapping, or a list of texts such as `K=V`.

    Args:
        value: the mapping or list.
        what: an example for errors, as in `K=V`.
        separators: the characters that may stand between the two; the first one found counts.

    Raises:
        ValueError: an entry is not of this form; the text quotes no value.
    """
    if isinstance(value, Mapping):
        return {_text(key, what): _text(item, what) for key, item in value.items()}
    pairs = {}
    for item in as_sequence(value):
        if not isinstance(item, str):
            raise ValueError(f"write each as {what}")
        found = re.search(f"[{re.escape(separators)}]", item)
        if found is None or found.start() == 0:
            raise ValueError(f"write each as {what}")
        pairs[item[: found.start()]] = item[found.end() :]
    return pairs


def parse_build_arguments(value: object) -> dict[str, str | None]:
    """Read a mapping, or a list of `K=V` and `K`.

    As with `docker build`, a bare `K` takes its value from the environment, if
    it is there; a value of `None` leaves the Dockerfile's default.

    Raises:
        ValueError: an entry is not of this form; the text quotes no value.
    """
    if isinstance(value, Mapping):
        return {
            _text(key, "K=V"): None if item is None else _text(item, "K=V")
            for key, item in value.items()
        }
    arguments: dict[str, str | None] = {}
    for item in as_sequence(value):
        name, equals, given = item.partition("=") if isinstance(item, str) else ("", "", "")
        if not name:
            raise ValueError("write each as K=V, or as K to take the environment's value")
        arguments[name] = given if equals else os.environ.get(name)
    return arguments


def as_sequence(value: object) -> Sequence[object]:
    """Give a list or tuple as it is, anything else as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def parse_fields(text: str, *, allowed: Sequence[str] = ()) -> dict[str, str]:
    """Read `key=value,key=value` in the CLI's form: one line of CSV.

    Args:
        text: the line.
        allowed: the keys that may appear; any when empty.

    Raises:
        ValueError: it has another form or another key; the text quotes no value.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise ValueError("the quotes are not balanced") from None
    fields: dict[str, str] = {}
    for item in rows[0] if rows else []:
        key, equals, value = item.partition("=")
        key = key.strip().lower()
        if not equals or not key:
            raise ValueError("write it as key=value,key=value")
        if allowed and key not in allowed:
            raise ValueError(f"there is no key {key!r}; there are {', '.join(allowed)}")
        fields[key] = value
    if not fields:
        raise ValueError("write it as key=value,key=value")
    return fields


def format_fields(fields: Sequence[tuple[str, str | None]]) -> str:
    """Write fields as the CLI reads them; those that are `None` are left out."""
    items = [f"{key}={value}" for key, value in fields if value is not None]
    return ",".join(
        '"' + item.replace('"', '""') + '"' if re.search(r'[",\r\n]', item) else item
        for item in items
    )


def _limit(value: object, *, unlimited: bool = False) -> int | None:
    return None if value is None else parse_size(value, unlimited=unlimited)


def _text(value: object, what: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"keys and values are texts, as in {what}")
    return str(value)
