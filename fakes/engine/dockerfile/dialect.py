"""How engine versions differ in reading Dockerfiles."""

from __future__ import annotations

from dataclasses import dataclass, field

# The flags each instruction knows, as of 20.10's classic builder.
_FLAGS: dict[str, tuple[str, ...]] = {
    "add": ("chown", "chmod"),
    "copy": ("chown", "from", "chmod"),
    "from": ("platform",),
    "healthcheck": ("interval", "timeout", "start-period", "retries"),
    "run": ("mount", "network", "security"),
}


@dataclass(frozen=True)
class Dialect:
    """One version's reading.

    Attributes:
        modern: the parser of engines from 23.0 on: here-documents, more
            modifiers in substitutions, suggestions in errors.
        flag_prefix: what stands before a flag's name in an error.
        plain_health: a health check stands unquoted in the history.
        more_flags: flags in addition to those of 20.10.
    """

    modern: bool = False
    flag_prefix: str = ""
    plain_health: bool = False
    more_flags: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def flags(self, keyword: str) -> tuple[str, ...]:
        """The flags an instruction knows."""
        return _FLAGS.get(keyword, ()) + self.more_flags.get(keyword, ())

    def located(self, line: int, message: str) -> str:
        """An error with the line it belongs to."""
        where = "on line" if self.modern else "line"
        return f"dockerfile parse error {where} {line}: {message}"

    def flag_error(self, complaint: str, name: str) -> str:
        """An error about a flag; older engines begin it with a capital."""
        text = complaint if self.modern else complaint[0].upper() + complaint[1:]
        return f"{text}: {self.flag_prefix}{name}"


OLD = Dialect()
_MODERN_FLAGS = {
    "add": ("link", "keep-git-dir", "checksum"),
    "copy": ("link",),
    "healthcheck": ("start-interval",),
}
V26 = Dialect(modern=True, more_flags=_MODERN_FLAGS)
V28 = Dialect(
    modern=True,
    flag_prefix="--",
    plain_health=True,
    more_flags={
        **_MODERN_FLAGS,
        "add": ("link", "keep-git-dir", "checksum", "exclude"),
        "copy": ("link", "exclude"),
    },
)
