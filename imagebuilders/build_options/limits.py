"""Limits of the containers that run a build's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from imagebuilders.build_options.parsing import encodable, parse_count, parse_size
from imagebuilders.lazy_dataclass import dataclass

RESOURCES = {
    "memory": "memory",
    "memory-swap": "memswap",
    "cpu-shares": "cpushares",
    "cpu-period": "cpuperiod",
    "cpu-quota": "cpuquota",
    "cpuset-cpus": "cpusetcpus",
    "cpuset-mems": "cpusetmems",
}
"""The limits by their names of `docker buildx build --resource`, as the SDK calls them."""


@dataclass(frozen=True)
class ContainerLimits:
    """Limits of the containers that run a build's steps; sizes in bytes, times in microseconds.

    `memswap` is memory and swap together, `-1` for no limit.
    """

    memory: int | None = None
    memswap: int | None = None
    cpushares: int | None = None
    cpuperiod: int | None = None
    cpuquota: int | None = None
    cpusetcpus: str | None = None
    cpusetmems: str | None = None

    @classmethod
    def parse(cls, limits: Mapping[str, object]) -> ContainerLimits:
        """Read limits by the SDK's names or the flags'; sizes may be written as in `512m`.

        Raises:
            ValueError: a limit is unknown, comes twice, or has a wrong value.
        """
        read: dict[str, int | str] = {}
        for given, value in limits.items():
            name = RESOURCES.get(given, given)
            if name not in _NAMES:
                raise ValueError(f"there is no limit {given!r}; there are {', '.join(_NAMES)}")
            if name in read:
                raise ValueError(f"the limit {name!r} is given twice")
            if value is not None:
                read[name] = _value(name, value)
        return cls(**read)  # type: ignore[arg-type]  # `_value` knows the types

    def as_dict(self) -> dict[str, int | str]:
        """Return the limits that are set, under the SDK's names."""
        values = {name: getattr(self, name) for name in _NAMES}
        return {name: value for name, value in values.items() if value is not None}


_NAMES = tuple(field.name for field in fields(ContainerLimits))


def _value(name: str, value: object) -> int | str:
    if name in ("memory", "memswap"):
        return parse_size(value, unlimited=name == "memswap")
    if name in ("cpusetcpus", "cpusetmems"):
        if not isinstance(value, str):
            raise ValueError(f"{name} is a text such as '0-3' or '0,1'")
        return encodable(value)
    return parse_count(value, name)
