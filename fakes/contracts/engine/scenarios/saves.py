"""Archives of images that are saved: the folders of old engines, the layout of new ones."""

from __future__ import annotations

import io
import json
import re
import tarfile
from typing import Any

from ..container_hands import image
from ..registry import scenario
from ..session import Session

_DIGEST = re.compile("[0-9a-f]{64}")
_SIZED = ("size", "Size")


def _plain(value: Any) -> Any:
    """A document without digests and sizes, which are those of an engine's own images."""
    if isinstance(value, dict):
        kept = {_DIGEST.sub("(digest)", key): _plain(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if key not in _SIZED}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _DIGEST.sub("(digest)", value) if isinstance(value, str) else value


def _saved(s: Session, what: str, *names: str) -> None:
    """Note what is in an archive, in its order."""
    answer = s.request("GET", "/images/get", params={"names": list(names)})
    members: dict[str, int] = {}
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        for member in archive:
            shown = _DIGEST.sub("(digest)", f"{member.name} -> {member.linkname}").rstrip(" ->")
            dated = "dated" if member.mtime else "undated"
            key = f"{member.type.decode()} {member.mode & 0o777:o} {dated} {shown}"
            members[key] = members.get(key, 0) + 1
        documents: dict[str, Any] = {
            name: json.loads(found.read())
            for name in ("manifest.json", "index.json", "oci-layout", "repositories")
            if name in archive.getnames() and (found := archive.extractfile(name))
        }
        # Engines have several images in the order of a map of Go's, which is another each time.
        documents["manifest.json"].sort(key=lambda entry: entry["RepoTags"] or [])
        documents.get("index.json", {}).get("manifests", []).sort(
            key=lambda entry: str(entry.get("annotations"))
        )
        for described in documents.get("index.json", {}).get("manifests", [])[:1]:
            found = archive.extractfile(f"blobs/sha256/{described['digest'][7:]}")
            assert found is not None
            documents["first manifest"] = json.loads(found.read())
    s.note(what, {"status": answer.status_code, "members": members})
    s.note("documents", _plain(documents))
    s.note("keys", [list(entry) for entry in documents["manifest.json"]])


@scenario
def documents(s: Session) -> None:
    """By a name, a repository, an id, and several names; a child names its parent."""
    files = {"a": "1", "b": "2"}
    image(s, "FROM scratch\nCOPY a /a\nENV A=1\nCOPY b /b\n", files, tag="saved:1")
    image(s, "FROM saved:1\nLABEL b=1\n", tag="saved:2")
    s.request("POST", "/images/saved:1/tag", params={"repo": "team/saved", "tag": "x"})
    identifier = s.request("GET", "/images/saved:1/json").json()["Id"]
    _saved(s, "by name", "saved:1")
    _saved(s, "by repository", "saved")
    _saved(s, "by id", identifier)
    _saved(s, "two names of one", "saved:1", "team/saved:x")
    _saved(s, "parent and child", "saved:2", "saved:1")


@scenario
def content_twice(s: Session) -> None:
    """The content of two layers that are the same is there once."""
    files = {"a": "1"}
    image(s, "FROM scratch\nCOPY a /a\nCOPY a /a\n", files, tag="saved:1")
    _saved(s, "by name", "saved:1")
