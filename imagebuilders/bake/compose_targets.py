"""Services of compose files as targets, as `docker buildx bake` takes them.

Every service with a `build` is a target, whatever its profiles; those with an `image` alone are
none. What only `x-bake` says is added to what the service says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from imagebuilders.bake.compose_merge import Node, go_text, hosts_of, mapping_of, pairs_of
from imagebuilders.bake.compose_model import ComposeModel
from imagebuilders.bake.entries import (
    attestation,
    cache_entries,
    output_entry,
    secret_entry,
    ssh_entry,
)
from imagebuilders.bake.env_file import read_env_file
from imagebuilders.bake.target import Entry, SSHEntry, Target, linked_contexts, target_name
from imagebuilders.build_options.parsing import parse_size
from imagebuilders.control_files import is_there
from imagebuilders.exceptions import BakeError

_KEYS = frozenset(
    {
        *("additional_contexts", "args", "cache_from", "cache_to", "context", "dockerfile"),
        *("dockerfile_inline", "entitlements", "extra_hosts", "isolation", "labels", "network"),
        *("no_cache", "no_cache_filter", "platforms", "privileged", "provenance", "pull", "sbom"),
        *("secrets", "shm_size", "ssh", "tags", "target", "ulimits"),
    }
)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def compose_targets(model: ComposeModel) -> list[Target]:
    """Return the targets of a project.

    Raises:
        BakeError: a service cannot be built as it is written.
    """
    return [
        _Service(name, service, model).target()
        for name, service in sorted(model.services.items())
        if isinstance(service.get("build"), dict)
    ]


class _Service:
    """One service that is built."""

    def __init__(self, name: str, service: Node, model: ComposeModel) -> None:
        self._name = name
        self._service = service
        self._build = cast("Node", service["build"])
        self._model = model

    def target(self) -> Target:
        build = self._build
        unknown = sorted(set(build) - _KEYS - {key for key in build if key.startswith("x-")})
        if unknown:
            raise BakeError(f"{self._place(unknown[0])}: there is no such property of a build.")
        tags = self._texts("tags")
        image = self._service.get("image")
        if not tags and isinstance(image, str) and image:
            tags = (image,)
        attests = (
            attestation(kind, go_text(build.get(kind, ""))) for kind in ("sbom", "provenance")
        )
        target = Target(
            target_name(self._name),
            context=self._text("context"),
            contexts=linked_contexts(self._plain_pairs("additional_contexts")),
            dockerfile=self._text("dockerfile"),
            dockerfile_inline=self._text("dockerfile_inline"),
            args=self._arguments(),
            labels=self._plain_pairs("labels"),
            tags=tags or None,
            cache_from=cache_entries(self._texts("cache_from")),
            cache_to=cache_entries(self._texts("cache_to")) or None,
            target=self._text("target"),
            secret=tuple(self._secret(each) for each in self._list("secrets")),
            ssh=self._agents(),
            platforms=self._texts("platforms") or None,
            pull=self._switch("pull"),
            no_cache=self._switch("no_cache"),
            network=self._text("network"),
            shm_size=self._size("shm_size"),
            ulimits=self._ulimits(),
            extra_hosts={
                host: ",".join(cast("list[str]", addresses))
                for host, addresses in hosts_of(
                    build.get("extra_hosts"), self._place("extra_hosts")
                ).items()
            },
            attest=tuple(attest for attest in attests if attest is not None),
        )
        extension = build.get("x-bake")
        return target if extension is None else _with_extension(target, extension)

    # --- values ------------------------------------------------------------------

    def _place(self, key: str) -> str:
        return f"services.{self._name}.build.{key}"

    def _text(self, key: str) -> str | None:
        value = self._build.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, dict | list):
            raise BakeError(f"{self._place(key)} must be a text.")
        return go_text(value)

    def _list(self, key: str) -> list[object]:
        value = self._build.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise BakeError(f"{self._place(key)} must be a list.")
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        if isinstance(self._build.get(key), str):
            return (cast("str", self._build[key]),)
        return tuple(go_text(each) for each in self._list(key))

    def _plain_pairs(self, key: str) -> dict[str, str]:
        pairs = pairs_of(self._build.get(key), self._place(key))
        return {name: "" if value is None else str(value) for name, value in pairs.items()}

    def _switch(self, key: str) -> bool | None:
        """Read a switch; what is off is as if it were not there."""
        value = self._build.get(key)
        if isinstance(value, str):
            if value.lower() not in ("true", "false", "1", "0"):
                raise BakeError(f"{self._place(key)} is true or false.")
            value = value.lower() in ("true", "1")
        return True if value else None

    def _size(self, key: str) -> str | None:
        value = self._build.get(key)
        if value is None:
            return None
        try:
            size = parse_size(value)
        except ValueError as error:
            raise BakeError(f"{self._place(key)}: {error}.") from error
        return _shown_size(size) if size else None

    def _arguments(self) -> dict[str, str]:
        pairs = pairs_of(self._build.get("args"), self._place("args"))
        missing = [name for name, value in pairs.items() if value is None]
        environment = self._environment() if missing else {}
        found = {name: environment.get(name, self._model.environment.get(name)) for name in missing}
        pairs.update({name: value for name, value in found.items() if value is not None})
        return {name: str(value) for name, value in pairs.items() if value is not None}

    def _environment(self) -> dict[str, str]:
        """Return the variables of the service's containers, which its arguments may name."""
        place = f"services.{self._name}.environment"
        given = pairs_of(self._service.get("environment"), place)
        known = self._model.environment
        own = {
            name: known.get(name) if value is None else str(value) for name, value in given.items()
        }
        read: dict[str, str] = {}
        files = self._service.get("env_file")
        for item in files if isinstance(files, list) else []:
            entry = {"path": item} if isinstance(item, str) else mapping_of(item, "env_file")
            path = go_text(entry.get("path"))
            if not is_there(path) and entry.get("required") is False:
                continue
            present = {name: value for name, value in own.items() if value is not None}
            read.update(
                read_env_file(
                    path, {**read, **present, **known}, is_raw=entry.get("format") == "raw"
                )
            )
        return {**read, **{name: value for name, value in own.items() if value is not None}}

    def _secret(self, given: object) -> Entry:
        entry = {"source": given} if isinstance(given, str) else mapping_of(given, "secrets")
        name = go_text(entry.get("source"))
        secret = self._model.secrets.get(name)
        if secret is None:
            raise BakeError(f"{self._place('secrets')} names {name!r}, which is no secret here.")
        if secret.get("external"):
            raise BakeError(
                f"The secret {name!r} is external: bake takes those with 'file' or 'environment'."
            )
        found = {"id": name, "src": secret.get("file"), "env": secret.get("environment")}
        return {key: str(value) for key, value in found.items() if value}

    def _agents(self) -> tuple[SSHEntry, ...]:
        given = self._build.get("ssh") or {}
        agents = (
            SSHEntry(name, (str(path),) if path else ())
            for name, path in mapping_of(given, self._place("ssh")).items()
        )
        return tuple(sorted(agents, key=lambda agent: (agent.id, agent.paths)))

    def _ulimits(self) -> tuple[str, ...]:
        given = self._build.get("ulimits") or {}
        limits = []
        for name, value in sorted(mapping_of(given, self._place("ulimits")).items()):
            # `docker buildx bake` makes 0:0 of one number for both, and so does this.
            both = value if isinstance(value, dict) else {}
            limits.append(f"{name}={go_text(both.get('soft', 0))}:{go_text(both.get('hard', 0))}")
        return tuple(limits)


def _with_extension(target: Target, given: object) -> Target:
    """Return a target with what `x-bake` says.

    https://docs.docker.com/build/bake/compose-file/#extension-field-with-x-bake
    """
    extension = mapping_of(given, "x-bake")

    def texts(key: str) -> tuple[str, ...]:
        value = extension.get(key)
        if isinstance(value, str):
            return tuple(value.split())
        if value is not None and not isinstance(value, list):
            raise BakeError(f"x-bake.{key} must be a text or a list of texts.")
        return tuple(go_text(each) for each in value or [])

    def switch(key: str, otherwise: bool | None) -> bool | None:
        value = extension.get(key)
        if value is not None and not isinstance(value, bool):
            raise BakeError(f"x-bake.{key} is true or false.")
        return otherwise if value is None else value

    contexts = linked_contexts(
        {
            name: "" if value is None else str(value)
            for name, value in pairs_of(extension.get("contexts"), "x-bake.contexts").items()
        }
    )
    agents = (*target.ssh, *(ssh_entry(text) for text in texts("ssh")))
    tags = (*(target.tags or ()), *texts("tags"))
    platforms = (*(target.platforms or ()), *texts("platforms"))
    exports = (*(target.cache_to or ()), *cache_entries(texts("cache-to")))
    outputs = tuple(output_entry(text) for text in texts("output"))
    return replace(
        target,
        tags=tuple(dict.fromkeys(tags)) or None,
        cache_from=(*target.cache_from, *cache_entries(texts("cache-from"))),
        cache_to=exports or None,
        secret=(*target.secret, *(secret_entry(text) for text in texts("secret"))),
        ssh=tuple(sorted(agents, key=lambda agent: (agent.id, agent.paths))),
        platforms=tuple(dict.fromkeys(platforms)) or None,
        output=outputs or None,
        pull=switch("pull", target.pull),
        no_cache=switch("no-cache", target.no_cache),
        no_cache_filter=(*target.no_cache_filter, *texts("no-cache-filter")),
        contexts={**contexts, **target.contexts},
    )


def _shown_size(size: int) -> str:
    """Write a size as Docker does, as in `64MiB`."""
    amount: float = size
    unit = 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount /= 1024
        unit += 1
    return f"{amount:.4g}{_UNITS[unit]}"
