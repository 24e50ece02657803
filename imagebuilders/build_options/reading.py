"""Validators: a given value of any spelling becomes the value that an option keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, cast

from imagebuilders.build_options.image_details import (
    PROVENANCE,
    SBOM,
    Annotation,
    Attestation,
)
from imagebuilders.build_options.limits import ContainerLimits
from imagebuilders.build_options.parsing import (
    as_sequence,
    encodable,
    format_fields,
    parse_build_arguments,
    parse_pairs,
    parse_size,
    parse_text,
)
from imagebuilders.build_options.values import (
    BuildSecret,
    HostAddress,
    Ulimit,
)

ValueT = TypeVar("ValueT", covariant=True)


class Parsable(Protocol[ValueT]):
    """A class of values that reads their spelling."""

    def parse(self, text: str) -> ValueT:
        """Read one."""
        ...


def each(kind: Parsable[ValueT]) -> Callable[[object], object]:
    """Return a validator that reads one or several values in the CLI's spelling."""

    def read(value: object) -> object:
        if value is None:
            return ()
        items: list[object] = []
        for item in as_sequence(value):
            if isinstance(item, Mapping):
                items.append(_from_mapping(kind, item))
            else:
                items.append(kind.parse(item) if isinstance(item, str) else item)
        return tuple(items)

    return read


def _from_mapping(kind: Parsable[ValueT], item: Mapping[object, object]) -> object:
    """Read a mapping with the keys of the CLI's spelling."""
    return kind.parse(_fields_of(item))


def _fields_of(item: Mapping[object, object]) -> str:
    return format_fields(
        [(parse_text(key, "K=V"), parse_text(value, "K=V")) for key, value in item.items()]
    )


def secrets(value: object) -> object:
    """Read secrets; a mapping may have a function under `get`."""
    if value is None:
        return ()
    read: list[object] = []
    for item in as_sequence(value):
        if isinstance(item, Mapping) and "get" in item:
            read.append(_secret_from_function(item))
        else:
            read += as_sequence(each(BuildSecret)(item))
    return tuple(read)


def _secret_from_function(item: Mapping[object, object]) -> BuildSecret:
    name, get = item.get("id"), item["get"]
    if set(item) - {"id", "get"} or not isinstance(name, str) or not callable(get):
        raise ValueError("a secret from a function has an id, a function under get, no more")
    # What it returns is looked at when it is called.
    return BuildSecret(encodable(name), get=cast("Callable[[], str | bytes]", get))


def labels(value: object) -> object:
    """Read labels; a bare name has the empty value."""
    return {} if value is None else dict(parse_pairs(value, what="K=V", bare=True))


def hosts(value: object) -> object:
    """Read lines of `/etc/hosts`."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        pairs = [
            (host, address)
            for host, addresses in value.items()
            for address in as_sequence(addresses)
        ]
        return tuple(
            HostAddress.parse(parse_text(host, "host:ip"), parse_text(address, "host:ip"))
            for host, address in pairs
        )
    read: list[HostAddress] = []
    for item in as_sequence(value):
        if isinstance(item, HostAddress):
            read.append(item)
        else:
            pairs_of_one = parse_pairs([item], what="host:ip", separators="=:")
            read += [HostAddress.parse(host, address) for host, address in pairs_of_one]
    return tuple(read)


def arguments(value: object) -> object:
    """Read build arguments."""
    return {} if value is None else parse_build_arguments(value)


def path(value: object) -> object:
    """Read a path."""
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    return encodable(given) if isinstance(given, str) else given


def size(value: object) -> object:
    """Read a size in bytes."""
    return None if value is None else parse_size(value)


def limits(value: object) -> object:
    """Read limits of containers."""
    if value is None or isinstance(value, ContainerLimits):
        return value or ContainerLimits()
    if isinstance(value, Mapping):
        return ContainerLimits.parse(value)
    # The last one of a name counts, as on a command line.
    return ContainerLimits.parse(dict(parse_pairs(value, what="memory=512m")))


def platforms(value: object) -> object:
    """Read one platform or several."""
    if isinstance(value, list | tuple):
        if not all(isinstance(item, str) for item in value):
            raise ValueError("write each as os[/arch[/variant]]")
        value = ",".join(value) or None
    return encodable(value) if isinstance(value, str) else value


def texts(value: object) -> object:
    """Read one text or several."""
    if value is None:
        return ()
    items = as_sequence(value)
    if not all(isinstance(item, str) and item for item in items):
        raise ValueError("write each as a text")
    return tuple(encodable(str(item)) for item in items)


def names(value: object) -> object:
    """Read names: a list, or a text with commas."""
    if value is None:
        return ()
    read: list[str] = []
    for item in as_sequence(value):
        if not isinstance(item, str):
            raise ValueError("write each as a name")
        read += [encodable(name) for name in item.split(",") if name]
    return tuple(read)


def contexts(value: object) -> object:
    """Read named contexts; a folder may be a path object."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        value = {
            key: os.fspath(item) if isinstance(item, os.PathLike) else item
            for key, item in value.items()
        }
    read = dict(parse_pairs(value, what="name=value"))
    if not all(read) or not all(read.values()):
        raise ValueError("write each as name=value")
    return read


def ulimits(value: object) -> object:
    """Read limits of processes; the SDK's own dicts are taken too.

    As with `docker build`, the last one of a name counts, and they come in the order of the names.
    """
    if value is None:
        return ()
    if isinstance(value, Mapping) and "Name" not in value and "name" not in value:
        value = [f"{key}={limit}" for key, limit in value.items()]
    read: list[object] = []
    for item in as_sequence(value):
        if isinstance(item, Mapping):
            fields = {str(key).lower(): limit for key, limit in item.items()}
            soft = fields.get("soft")
            read.append(Ulimit.from_values(fields.get("name"), soft, fields.get("hard", soft)))
        else:
            read.append(Ulimit.parse(encodable(item)) if isinstance(item, str) else item)
    by_name = {each.name: each for each in read if isinstance(each, Ulimit)}
    wrong = [each for each in read if not isinstance(each, Ulimit)]
    return (*wrong, *(by_name[name] for name in sorted(by_name)))


def provenance(value: object) -> object:
    """Read what is said of provenance: a switch, or attributes."""
    return _attestation(PROVENANCE, value)


def sbom(value: object) -> object:
    """Read what is said of the bill of materials: a switch, or attributes."""
    return _attestation(SBOM, value)


def _attestation(kind: str, value: object) -> object:
    if isinstance(value, Mapping):
        value = _fields_of(value)
    if isinstance(value, bool | str):
        return Attestation.of_type(kind, value) if value != "" else None
    if isinstance(value, Attestation) and value.type != kind:
        raise ValueError(f"an attestation of type {value.type!r} belongs under attest")
    return value


def image_annotations(value: object) -> object:
    """Read annotations; of several with the same key and place, the last one counts."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        value = [
            f"{parse_text(key, 'K=V')}={parse_text(item, 'K=V')}" for key, item in value.items()
        ]
    read: dict[str, Annotation] = {}
    for item in as_sequence(value):
        if not isinstance(item, str | Annotation):
            raise ValueError("write each as key=value, or as manifest:key=value")
        for annotation in Annotation.parse(item) if isinstance(item, str) else [item]:
            read[annotation.attribute] = annotation
    return tuple(read.values())


_ENTITLEMENTS = ("network.host", "security.insecure", "device")


def entitlements(value: object) -> object:
    """Read what a build is allowed."""
    if value is None:
        return ()
    read: dict[str, None] = {}
    for item in as_sequence(value):
        if not isinstance(item, str) or (item and item.partition("=")[0] not in _ENTITLEMENTS):
            raise ValueError(f"there are the entitlements {', '.join(_ENTITLEMENTS)}")
        if "=" in item and not item.startswith("device="):
            raise ValueError(f"the entitlement {item.partition('=')[0]!r} takes no value")
        if item:
            read[encodable(item)] = None
    return tuple(read)


def policies(value: object) -> object:
    """Read policies: that there is to be none is the one thing that can be said."""
    read = texts(value)
    for item in cast("tuple[str, ...]", read):
        if item != "disabled=true":
            raise ValueError(
                "policies are programs in Rego that docker buildx itself evaluates, which this "
                "package does not: write disabled=true, or build with docker buildx"
            )
    return read
