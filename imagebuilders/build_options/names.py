"""Names of build options: the Docker SDK's, and the flags' own for the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.likeness import nearest

BUILDX_SPELLINGS = {
    "file": "dockerfile",
    "build_arg": "buildargs",
    "label": "labels",
    "no_cache": "nocache",
    "network": "network_mode",
    "add_host": "extra_hosts",
    "shm_size": "shmsize",
    "secret": "secrets",
    "output": "outputs",
    "build_context": "build_contexts",
    "annotation": "annotations",
    "resource": "container_limits",
}
"""Flags of `docker buildx build`, with `_` for `-`, whose option has another name."""

_SET_BY_THE_BUILDER = {
    "path": "the build context",
    "fileobj": "the build context",
    "custom_context": "the build context",
    "tag": "the image name",
    "decode": "the builder",
    "builder": "the image builder's own setting `builder`",
}

# What people write instead, after flags that are part of an option, or after its sense.
_NEAR_NAMES = {
    **BUILDX_SPELLINGS,
    "compress": "gzip",
    "memory": "container_limits",
    "memory_swap": "container_limits",
    "cpu_shares": "container_limits",
    "cpu_period": "container_limits",
    "cpu_quota": "container_limits",
    "cpuset_cpus": "container_limits",
    "cpuset_mems": "container_limits",
    "check": "call",
    "args": "buildargs",
}


def canonical_names(options: Mapping[str, object], *, known: Iterable[str]) -> dict[str, object]:
    """Return options under their own names.

    Args:
        options: options under any name that is taken.
        known: the options' own names.

    Raises:
        BuildOptionsError: a name is unknown, or an option is given under two.
    """
    own = list(known)
    canonical: dict[str, object] = {}
    spelled: dict[str, str] = {}
    for given, value in options.items():
        name = BUILDX_SPELLINGS.get(given, given) if isinstance(given, str) else given
        if name not in own:
            raise _unknown(given, own)
        if name in spelled:
            raise BuildOptionsError(
                f"The build option {name!r} is given twice, as {spelled[name]!r} and as {given!r}.",
                option=name,
            )
        spelled[name] = given
        canonical[name] = value
    return canonical


def _unknown(name: object, known: list[str]) -> BuildOptionsError:
    if isinstance(name, str) and name in _SET_BY_THE_BUILDER:
        return BuildOptionsError(
            f"The build option {name!r} cannot be given here: {_SET_BY_THE_BUILDER[name]} "
            "decides it.",
            option=name,
        )
    plain = str(name).lstrip("-").replace("-", "_").lower()
    suggestion = _NEAR_NAMES.get(plain) or nearest(plain, known)
    hint = f" Did you mean {suggestion!r}?" if suggestion else ""
    return BuildOptionsError(
        f"There is no build option {name!r}.{hint}", option=str(name), suggestion=suggestion
    )
