"""Entries of several attributes in the spellings of the command line: caches, outputs, secrets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping

from imagebuilders.bake.target import Entry, SSHEntry
from imagebuilders.exceptions import BakeError


def fields_of(text: str) -> list[str]:
    """Return what stands between the commas of a text.

    Raises:
        BakeError: a quotation mark is not closed.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise BakeError(f"{text!r} cannot be read: {error}.") from error
    return rows[0] if rows else []


def cache_entries(texts: Iterable[str]) -> tuple[Entry, ...]:
    """Read caches: names of images, or as in `type=local,src=DIR`.

    Raises:
        BakeError: one is malformed.
    """
    entries: list[Entry] = []
    for text in texts:
        if not text:
            continue
        if "=" not in text:
            entries += [{"type": "registry", "ref": ref} for ref in fields_of(text)]
            continue
        entry = _pairs(text)
        if not entry.get("type"):
            raise BakeError(f"The cache {text!r} has no type, as in type=registry,ref=NAME.")
        entries.append(entry)
    return tuple(entries)


def output_entry(text: str) -> Entry:
    """Read an output: a folder, `-` for a tar on standard output, or as in `type=local,dest=DIR`.

    Raises:
        BakeError: it is malformed.
    """
    parts = fields_of(text)
    if len(parts) == 1 and "=" not in parts[0]:
        if parts[0] == "-":
            return {"type": "tar", "dest": "-"}
        return {"type": "local", "dest": parts[0]}
    entry = dict(_pairs(text))
    if not entry.get("type"):
        raise BakeError(f"The output {text!r} has no type, as in type=local,dest=DIR.")
    return entry


def secret_entry(text: str) -> Entry:
    """Read a secret, as in `id=tok,env=TOK`.

    Raises:
        BakeError: it is malformed; the text is not quoted, as it may hold the secret.
    """
    entry: dict[str, str] = {}
    for part in fields_of(text):
        key, equals, value = part.partition("=")
        key = {"source": "src"}.get(key.lower(), key.lower())
        if not equals or key not in ("type", "id", "src", "env"):
            raise BakeError("A secret is written as id=NAME,env=VARIABLE or id=NAME,src=FILE.")
        entry[key] = value
    return _secret(entry)


def _secret(entry: Mapping[str, str]) -> Entry:
    found = dict(entry)
    kind = found.pop("type", "")
    if kind not in ("", "env", "file"):
        raise BakeError("The type of a secret is 'env' or 'file'.")
    if kind == "env" and not found.get("env") and "src" in found:
        found["env"] = found.pop("src")
    return {key: value for key, value in found.items() if value}


def ssh_entry(text: str) -> SSHEntry:
    """Read an SSH agent: `default`, or `ID=PATH[,PATH]`."""
    name, equals, paths = text.partition("=")
    return SSHEntry(name, tuple(paths.split(",")) if equals else ())


def attest_entry(text: str) -> Entry:
    """Read an attestation, as in `type=provenance,mode=max`.

    Raises:
        BakeError: it is malformed.
    """
    entry = dict(_pairs(text))
    if not entry.get("type"):
        raise BakeError(f"The attestation {text!r} has no type, as in type=sbom.")
    if entry.get("disabled", "") in ("false", "False", "0", "f"):
        del entry["disabled"]
    elif "disabled" in entry:
        entry["disabled"] = "true"
    return entry


def attestation(kind: str, value: str) -> Entry | None:
    """Read the value of `--sbom` or `--provenance`: on, off, or attributes.

    Returns:
        The entry; `None` when nothing is said.
    """
    if not value:
        return None
    lowered = value.lower()
    if lowered in ("true", "1", "t"):
        return {"type": kind}
    if lowered in ("false", "0", "f"):
        return {"type": kind, "disabled": "true"}
    return attest_entry(f"type={kind},{value}")


def _pairs(text: str) -> dict[str, str]:
    entry: dict[str, str] = {}
    for part in fields_of(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise BakeError(f"{text!r} cannot be read: write {part!r} as NAME=value.")
        entry[key.strip().lower()] = value
    return entry
