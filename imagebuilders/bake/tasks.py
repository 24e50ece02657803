"""Targets as what a builder is asked for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from imagebuilders.bake.definition import BakePlan
from imagebuilders.bake.target import Entry, SSHEntry, Target
from imagebuilders.exceptions import BakeError
from imagebuilders.lazy_dataclass import dataclass

_CWD = "cwd://"
_PUSHED = frozenset({"image", "registry"})
_URLS = ("https://", "http://", "git://", "ssh://", "git@", "github.com/")
_STDIN = "-"


@dataclass(frozen=True)
class TargetBuild:
    """What a builder is asked for to build a target.

    Attributes:
        name: the target.
        context: the folder, or a URL.
        image_names: the names that the image gets; none for one that has none.
        options: the build options.
        dockerfile: what is in the Dockerfile, where the target itself says so.
        is_linked: whether only other targets need it.
        pushes: whether the image is to be pushed.
    """

    name: str
    context: str
    image_names: tuple[str, ...]
    options: Mapping[str, object] = field(repr=False)
    dockerfile: str | None = None
    is_linked: bool = False
    pushes: bool = False


def target_builds(plan: BakePlan, project: str) -> list[TargetBuild]:
    """Return what is to be built, by the names of the targets.

    A push is an option of the whole build, as the stores of many engines push nothing themselves.

    Args:
        plan: what is to be built.
        project: what an image without a name is named by, as `docker compose build` does.

    Raises:
        BakeError: a target asks for what bake does not do.
    """
    return [
        _build(target, project, is_linked=name in plan.linked)
        for name, target in sorted(plan.targets.items())
    ]


def is_url(context: str) -> bool:
    """Tell whether a context is fetched by the builder."""
    return context.startswith(_URLS)


def _build(target: Target, project: str, *, is_linked: bool) -> TargetBuild:
    context = target.context or "."
    if _STDIN in (context, target.dockerfile):
        raise BakeError(f"The target {target.name} cannot be built from standard input.")
    outputs = target.output or ()
    pushes = any(map(_is_push, outputs))
    if pushes and not target.tags:
        raise BakeError(f"The target {target.name} is to be pushed, and has no tag to push it to.")
    return TargetBuild(
        target.name,
        context if is_url(context) else posixpath.normpath(context.removeprefix(_CWD)),
        target.tags or (f"{project}-{target.name}".lower(),),
        _options(replace(target, output=_kept(outputs))),
        target.dockerfile_inline,
        is_linked,
        pushes,
    )


def _options(target: Target) -> dict[str, object]:
    dockerfile = target.dockerfile
    if dockerfile is not None and not dockerfile.startswith(_URLS):
        dockerfile = posixpath.normpath(dockerfile.removeprefix(_CWD))
    given: dict[str, object] = {
        "allow": target.entitlements,
        "annotations": target.annotations,
        "attest": _texts(target.attest),
        "build_contexts": {
            name: value.removeprefix(_CWD) for name, value in target.contexts.items()
        },
        "buildargs": dict(target.args),
        "cache_from": _texts(target.cache_from),
        "cache_to": _texts(target.cache_to or ()),
        "dockerfile": None if target.dockerfile_inline is not None else dockerfile,
        "extra_hosts": [
            f"{host}={address}"
            for host, addresses in sorted(target.extra_hosts.items())
            for address in addresses.split(",")
        ],
        "labels": dict(target.labels),
        "network_mode": target.network,
        "no_cache_filter": target.no_cache_filter,
        "nocache": target.no_cache,
        "outputs": _texts(target.output or ()),
        "platform": target.platforms,
        "pull": target.pull,
        "secrets": _texts(target.secret),
        "shmsize": target.shm_size,
        "ssh": [_agent(agent) for agent in target.ssh],
        "target": target.target,
        "ulimit": target.ulimits,
    }
    return {name: value for name, value in given.items() if value not in (None, (), [], {}, "")}


def _is_push(output: Entry) -> bool:
    kind = output.get("type")
    return kind == "registry" or (kind == "image" and output.get("push") == "true")


def _kept(outputs: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return outputs without pushes; several that only keep the image are one."""
    kept: list[Entry] = []
    for output in map(_without_push, outputs):
        plain = {"type": "image"} if output == {"type": "docker"} else output
        if plain not in kept:
            kept.append(plain)
    return tuple(kept)


def _without_push(output: Entry) -> Entry:
    if output.get("type") not in _PUSHED:
        return output
    return {"type": "image", **{k: v for k, v in output.items() if k not in ("type", "push")}}


def _texts(entries: Iterable[Entry]) -> list[dict[str, str]]:
    return [dict(entry) for entry in entries]


def _agent(agent: SSHEntry) -> str:
    return f"{agent.id}={','.join(agent.paths)}" if agent.paths else agent.id
