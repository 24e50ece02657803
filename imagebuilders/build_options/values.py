"""Values of build options, which know their spellings of `docker build`, and no backend.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from imagebuilders.build_options.parsing import (
    encodable,
    format_fields,
    parse_count,
    parse_fields,
    parse_text,
)
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class BuildSecret:
    """A secret that a step can mount: from an environment variable, a file, or a function.

    With none of them, the environment variable of the secret's own name counts, then the file
    of that name, as with `docker buildx`.

    Attributes:
        id: the name by which steps mount it.
        env: the environment variable that holds it.
        src: the file that holds it.
        get: returns it when the daemon asks; a text is encoded as UTF-8.
    """

    id: str
    env: str | None = None
    src: str | None = None
    get: Callable[[], str | bytes] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id:
            raise ValueError("a secret needs an id, as in id=tok,env=TOK")
        if sum(source is not None for source in (self.env, self.src, self.get)) > 1:
            raise ValueError("a secret comes from one of env, src and get")

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
        if not encodable(name) or not all(map(encodable, paths)):
            raise ValueError("write an SSH agent as default, or as id=path[,path]")
        return cls(id=name, paths=paths)

    def __str__(self) -> str:
        return f"{self.id}={','.join(self.paths)}" if self.paths else self.id


_SECRET_ATTRIBUTES = frozenset({"token", "secret_access_key", "session_token"})
"""Attributes of caches in services such as S3 that are not to be shown."""


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
            if not encodable(text) or "," in text:
                raise ValueError("write a cache as an image's name, or as type=registry,ref=NAME")
            return cls("registry", (("ref", text),))
        fields = parse_fields(text)
        kind = fields.pop("type", None)
        if not kind:
            raise ValueError("a cache needs a type, as in type=registry,ref=NAME")
        return cls(kind, tuple(fields.items()))

    def __repr__(self) -> str:
        """Return the cache without what gives access to it."""
        shown = tuple(
            (name, "****" if name in _SECRET_ATTRIBUTES else value)
            for name, value in self.attributes
        )
        return f"{type(self).__name__}(type={self.type!r}, attributes={shown!r})"

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
    """What becomes of a build's result: an image, a folder, an archive.

    Attributes:
        type, attributes: as they are written.
        keeps_name: its attributes alone say what it is called; else it has the image's names.
    """

    type: str
    attributes: tuple[tuple[str, str], ...] = ()
    keeps_name: bool = field(default=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> BuildOutput:
        """Read `type=local,dest=out`, a folder's name, or `-` for an archive on standard output.

        Raises:
            ValueError: the spelling is wrong.
        """
        if text == "-":
            return cls("tar", (("dest", "-"),))
        if "=" not in text:
            if not encodable(text) or "," in text:
                raise ValueError("write an output as a folder, or as type=local,dest=DIR")
            return cls("local", (("dest", text),))
        fields = parse_fields(text)
        kind = fields.pop("type", "local" if "dest" in fields else None)
        if not kind:
            raise ValueError("an output needs a type, as in type=local,dest=DIR")
        return cls(kind, tuple(fields.items()))

    def __str__(self) -> str:
        return format_fields([("type", self.type), *self.attributes])


@dataclass(frozen=True)
class HostAddress:
    """A line of `/etc/hosts`. A host may have several."""

    host: str
    address: str

    @classmethod
    def parse(cls, host: str, address: str) -> HostAddress:
        """Take a name and its address; brackets around one of IPv6 are taken off.

        Raises:
            ValueError: one of the two is empty.
        """
        if address.startswith("[") and address.endswith("]"):
            address = address[1:-1]
        if not host or not address:
            raise ValueError("write each as host:ip")
        return cls(host, address)

    def __str__(self) -> str:
        return f"{self.host}:{self.address}"


@dataclass(frozen=True)
class Ulimit:
    """A limit of the processes of a step: https://man7.org/linux/man-pages/man2/getrlimit.2.html.

    Attributes:
        name: the limit, as in `nofile`.
        soft: what counts.
        hard: to what a process may raise it.
    """

    name: str
    soft: int
    hard: int

    @classmethod
    def parse(cls, text: str) -> Ulimit:
        """Read `nofile=1024` or `nofile=1024:2048`; `-1` is no limit.

        Raises:
            ValueError: the spelling is wrong.
        """
        name, equals, limits = text.partition("=")
        soft, colon, hard = limits.partition(":")
        if not name or not equals:
            raise ValueError("write a ulimit as nofile=1024:2048")
        return cls.from_values(name, soft, hard if colon else soft)

    @classmethod
    def from_values(cls, name: object, soft: object, hard: object) -> Ulimit:
        """Take the three values.

        Raises:
            ValueError: one is missing or wrong.
        """
        limits = [
            -1 if limit in (-1, "-1") else parse_count(limit, "a ulimit") for limit in (soft, hard)
        ]
        if limits[1] != -1 and (limits[0] == -1 or limits[0] > limits[1]):
            raise ValueError("the soft limit of a ulimit is at most the hard one")
        return cls(parse_text(name, "nofile=1024:2048"), *limits)

    def __str__(self) -> str:
        return f"{self.name}={self.soft}:{self.hard}"
