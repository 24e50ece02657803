"""The facts that a progress tells, however it is cut into messages."""

from __future__ import annotations

import json
import re
from typing import Any

from .masks import masked
from .messages import Json, bytes_of

_GROUP = re.compile(r"\[([^]]*?)\d*/?\d*\] ")
_SOURCE = re.compile(
    r"^\[[^]]*\] FROM |load build context|^\[context |load from client|^exporting to "
)


class ProgressView:
    """Puts the facts of a progress together."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._vertices: dict[str, Json] = {}
        self._intervals: dict[str, dict[str, bool]] = {}
        self._ended: list[str] = []
        self._lines: dict[str, dict[str, Json]] = {}
        self._logs: dict[str, dict[str, bytes]] = {}
        self._warnings: list[Json] = []

    def take(self, message: Json) -> None:
        """Take a message in."""
        for vertex in message.get("vertexes", ()):
            self._vertex(vertex)
        for status in message.get("statuses", ()):
            self._status(status)
        for log in message.get("logs", ()):
            self._log(log)
        for warning in message.get("warnings", ()):
            self._warning(warning)

    def found(self) -> Json:
        """Return the facts: vertices by name, the order in which they ended, and warnings."""
        for warning in self._warnings:
            warning["vertex"] = self._named(warning["vertex"])
        return {
            "vertices": _by_name([self._shown(digest) for digest in self._vertices]),
            "order": self._order(),
            "warnings": self._warnings,
        }

    # --- taking in -------------------------------------------------------------

    def _vertex(self, vertex: Json) -> None:
        digest = vertex["digest"]
        if digest not in self._vertices:
            self._names[digest] = masked(vertex.get("name", ""))
            self._vertices[digest] = {}
        known = self._vertices[digest]
        for key in ("inputs", "cached", "error", "progressGroup"):
            if vertex.get(key):
                known[key] = vertex[key]
        began = vertex.get("started")
        if began is None:
            return
        intervals = self._intervals.setdefault(digest, {})
        intervals.setdefault(began, False)
        if vertex.get("completed") and not intervals[began]:
            intervals[began] = True
            if digest in self._ended:
                self._ended.remove(digest)
            self._ended.append(digest)

    def _status(self, status: Json) -> None:
        name = masked(status.get("ID", ""))
        lines = self._lines.setdefault(status.get("vertex", ""), {})
        line = lines.setdefault(name, {"id": name})
        if status.get("name"):
            line["name"] = masked(status["name"])
        for key in ("total", "completed"):
            if status.get(key):
                line[key] = True

    def _log(self, log: Json) -> None:
        streams = self._logs.setdefault(log["vertex"], {})
        stream = str(log.get("stream", 0))
        streams[stream] = streams.get(stream, b"") + bytes_of(log.get("msg", ""))

    def _warning(self, warning: Json) -> None:
        self._warnings.append(
            {
                "vertex": warning.get("vertex"),
                "level": warning.get("level"),
                "short": _text(warning.get("short")),
                "detail": [_text(each) for each in warning.get("detail", ())],
                "url": warning.get("url"),
                "filename": warning.get("info", {}).get("filename"),
                "ranges": warning.get("ranges"),
            }
        )

    # --- showing ---------------------------------------------------------------

    def _shown(self, digest: str) -> Json:
        known, intervals = self._vertices[digest], self._intervals.get(digest, {})
        shown: Json = {"name": self._names[digest], "intervals": len(intervals)}
        if not all(intervals.values()):
            shown["open"] = True
        if "inputs" in known:
            shown["inputs"] = [self._named(each) for each in known["inputs"]]
        if "cached" in known:
            shown["cached"] = True
        if "error" in known:
            shown["error"] = masked(known["error"])
        if group := known.get("progressGroup"):
            shown["group"] = {
                "name": masked(group.get("name", "")),
                "weak": bool(group.get("weak")),
            }
        if digest in self._lines:
            shown["lines"] = list(self._lines[digest].values())
            if "FROM " in shown["name"]:  # layers come side by side
                shown["lines"].sort(key=lambda line: str(line["id"]))
        if digest in self._logs:
            shown["logs"] = {
                stream: masked(printed.decode("utf-8", "backslashreplace"))
                for stream, printed in sorted(self._logs[digest].items())
            }
        return shown

    def _order(self) -> dict[str, list[str]]:
        """Return in which order vertices ended, of those that wait for each other.

        Sources of a build are loaded side by side, and so are stages, what is linked, and results.
        """
        found: dict[str, list[str]] = {}
        for digest in self._ended:
            name = self._names[digest]
            group = _GROUP.match(name)
            is_linked = self._vertices[digest].get("progressGroup", {}).get("weak")
            if not _SOURCE.search(name) and not is_linked:
                found.setdefault(group[1].strip() if group else "", []).append(name)
        return found

    def _named(self, digest: str) -> str:
        return self._names.get(digest, "?")


def _by_name(vertices: list[Json]) -> dict[str, Json]:
    """Return vertices by their names, of which several may have the same."""
    found: dict[str, Json] = {}
    for vertex in sorted(vertices, key=json.dumps):
        name = vertex.pop("name")
        while name in found:
            name += "'"
        found[name] = vertex
    return found


def _text(value: Any) -> str:
    return "" if value is None else masked(bytes_of(value).decode("utf-8", "replace"))
