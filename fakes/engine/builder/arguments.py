"""Build arguments: which are visible where, and which were used."""

from __future__ import annotations

PREDEFINED = frozenset(
    {
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "FTP_PROXY",
        "ftp_proxy",
        "NO_PROXY",
        "no_proxy",
    }
)


class BuildArguments:
    """The arguments of a build as one stage sees them."""

    def __init__(self, given: dict[str, str | None]) -> None:
        self.given = given
        self._allowed: dict[str, str | None] = {}
        self._meta: dict[str, str | None] = {}
        self.referenced: set[str] = set()

    def for_stage(self) -> BuildArguments:
        """What a new stage starts with: only the ARGs before the first FROM are known."""
        stage = BuildArguments(self.given)
        stage._meta = dict(self._meta)
        stage.referenced = set(self.referenced)
        return stage

    def declare(self, name: str, default: str | None, *, meta: bool = False) -> None:
        """An ARG instruction."""
        self._allowed[name] = default
        self.referenced.add(name)
        if meta:
            self._meta[name] = default

    def visible(self) -> dict[str, str]:
        """The arguments that instructions can use."""
        return self._values(self._allowed)

    def visible_to_from(self) -> dict[str, str]:
        """The arguments that FROM can use."""
        return self._values(self._meta)

    def environment(self, env: list[str]) -> list[str]:
        """`NAME=value` of the arguments that no variable of the image hides, sorted."""
        hidden = {pair.partition("=")[0] for pair in env}
        return sorted(f"{n}={v}" for n, v in self.visible().items() if n not in hidden)

    def shows_in_history(self, name: str) -> bool:
        """Whether the argument belongs to the RUN it was visible to."""
        return name in self._allowed or name not in PREDEFINED

    def unused(self) -> list[str]:
        """Arguments that were given and that no ARG names, sorted."""
        return sorted(set(self.given) - self.referenced - PREDEFINED)

    def _values(self, declared: dict[str, str | None]) -> dict[str, str]:
        result: dict[str, str] = {}
        for name in {*declared, *PREDEFINED}:
            value = self.given.get(name)
            if value is None:
                value = declared.get(name)
            if value is None:
                value = self._meta.get(name)
            if value is not None:
                result[name] = value
        return result
