"""What is compared of a scenario: everything that a daemon of the same version says every time.

Left out is what differs from run to run: times, digests and random names, sizes of what is
compressed, how progress is cut into messages, how often bytes are told, and traces of Go's stack.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from .masks import masked
from .messages import Json
from .progress_view import ProgressView

_LEFT_OUT = frozenset({"containerd-lease", "grpc-timeout", "traceparent"})
_SIDE_BY_SIDE = ("moby.filesync.v1.Auth/", "containerd.services.content.v1.Content/Write")
_SEND = "moby.filesync.v1.FileSend/DiffCopy"
_SYNC = "moby.filesync.v1.FileSync/DiffCopy"
_READ = ("[internal] load build definition", "[internal] load .dockerignore")
_STACK = "stack.Stack"
_DESCRIPTOR = "exporter-md-containerimage.descriptor"
_TIMES = frozenset(
    {"CreatedAt", "CompletedAt", "LastUsedAt", "started_at", "updated_at", "modTime"}
)
_SIZES = frozenset({"size", "Size"})
_UNCOMPARED = frozenset({"sha256", "def", "definition", "Salt"})
"""Of long bytes the digest; the definitions of results (LLB), which doubles do not make; and what
is random by its nature.
"""

_MACHINE = frozenset({"hostname", "host-gateway-ip", "uuid"})
_ENTRY = ("path", "mode", "uid", "gid", "size", "linkname")
_RULES = "lint violation found for rules: "
_MANY = 30
"""Of more files than this it is not compared which are asked for: recordings leave some out."""


def view(observed: Json) -> Json:
    """Return what is compared of an observation.

    Args:
        observed: the notes of `Conduct.run`, or of a recording in the same form.
    """
    notes = observed["notes"]
    return {
        "solves": [_outcome(note) for note in notes if "solve" in note],
        "progress": [_progress(note) for note in notes if "status" in note],
        "session": _in_order([_asked(call) for call in observed["session"]]),
        "calls": [_answered(note) for note in notes if "call" in note],
    }


def loosened(viewed: Json) -> Json:
    """Return what is compared of a daemon that reads a Dockerfile and its ignore file at once.

    Args:
        viewed: what `view` returned, which is changed.
    """
    for progress in viewed["progress"]:
        for name, vertex in progress["vertices"].items():
            if name.startswith(_READ):
                vertex.pop("intervals", None)
        if "internal" in progress["order"]:
            progress["order"]["internal"].sort()
    synced = sorted((call for call in viewed["session"] if call["call"] == _SYNC), key=json.dumps)
    viewed["session"] = [
        synced.pop(0) if call["call"] == _SYNC else call for call in viewed["session"]
    ]
    return viewed


# --- outcomes ------------------------------------------------------------------


def _outcome(note: Json) -> Json:
    if "error" in note:
        return {"solve": note["solve"], "error": _status(note["error"])}
    response = note.get("response", {}).get("ExporterResponse", {})
    said = {key: _plain(_decoded(value)) for key, value in response.items()}
    return {"solve": note["solve"], "response": said}


def _decoded(value: Any) -> Any:
    """Return what an exporter says, with JSON documents as they are."""
    if isinstance(value, dict) and "base64_of_json" in value:
        return value["base64_of_json"]
    if isinstance(value, str) and value.startswith("ey"):
        return json.loads(base64.b64decode(value + "=" * (-len(value) % 4)))
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value


def _status(status: Json) -> Json:
    found: Json = {"code": status.get("code")}
    if found["code"]:
        found["message"] = _sorted_rules(masked(status.get("message", "")))
    details = []
    for detail in status.get("details", ()):
        name = detail["type_url"].rpartition("/")[2].removesuffix("+json")
        if name != _STACK:
            details.append([name, _detail(name, detail.get("json", {}))])
    if details:
        found["details"] = details
    return found


def _sorted_rules(message: str) -> str:
    """Return words about rules of checks in a fixed order: daemons name them in any."""
    head, separator, rules = message.partition(_RULES)
    return head + separator + ", ".join(sorted(rules.split(", ")))


def _detail(name: str, value: Json) -> Any:
    if name.endswith(".Source"):
        info = value.get("info", {})
        return {
            "filename": info.get("filename"),
            "language": info.get("language"),
            "data": masked(info.get("data_text", "")),
            "ranges": value.get("ranges"),
        }
    if name.endswith(".Vertex"):
        return "digest" in value
    if name.endswith(".Solve"):
        return sorted(value)
    return _plain(value)


def _progress(note: Json) -> Json:
    progress = ProgressView()
    for message in note["told"]:
        progress.take(message)
    found = {"status": note["status"], **progress.found()}
    if "end" in note:
        found["end"] = _status(note["end"])
    return found


# --- the session ---------------------------------------------------------------


def _asked(call: Json) -> Json:
    metadata = {
        key: [masked(each) if isinstance(each, str) else "*" for each in values]
        for key, values in sorted(call["metadata"].items())
        if key not in _LEFT_OUT
    }
    if _DESCRIPTOR in metadata:
        metadata[_DESCRIPTOR] = ["*"]
    note: Json = {"call": call["call"], "metadata": metadata}
    note["asked"] = [_plain(each) for each in _said(call["call"], call["messages"])]
    if code := call.get("status", {}).get("code", 0):
        note["code"] = code
    return note


def _in_order(calls: list[Json]) -> list[Json]:
    """Return the calls of a session as far as their order and number are the same every time.

    Results and blobs are sent side by side, and each connection to a registry asks for credentials.
    """
    found: list[Json] = []
    for call in calls:
        if call["call"].startswith(_SIDE_BY_SIDE) and found and found[-1] == call:
            continue
        found.append(call)
    sent = sorted((call for call in found if call["call"] == _SEND), key=_exporter_of)
    return [sent.pop(0) if call["call"] == _SEND else call for call in found]


def _exporter_of(call: Json) -> list[str]:
    return list(call["metadata"].get("buildkit-attachable-exporter-id", ()))


def _said(call: str, messages: list[Json]) -> Iterable[Any]:
    """Return what the daemon said in a call, without what is in no order."""
    if call.endswith("FileSync/DiffCopy"):
        said = [each for each in messages if "omitted" not in each]
        wanted: list[Any] = sorted(
            each.get("ID", 0) for each in said if each.get("type") == "PACKET_REQ"
        )
        others = [each.get("type") for each in said if each.get("type") != "PACKET_REQ"]
        return [{"wanted": wanted if len(wanted) <= _MANY else ["many"]}, *others]
    if call.endswith("FileSend/DiffCopy"):
        stats = [each["stat"] for each in messages if "stat" in each]
        return [{key: _bare(each[key]) for key in _ENTRY if key in each} for each in stats]
    if call.endswith("Content/Write"):
        return [each.get("action", "STAT") for each in messages]
    return messages


def _bare(value: Any) -> Any:
    return value["text"] if isinstance(value, dict) and "text" in value else value


# --- other calls ---------------------------------------------------------------


def _answered(note: Json) -> Json:
    messages = [_plain(each) for each in note["messages"]]
    if note["call"] == "Read":  # blobs with times, in pieces of any size
        messages = [{"read": bool(messages)}]
    end = _status(note.get("end", {"code": None}))
    return {"call": note["call"], "messages": messages, "end": end}


def _worker(record: Json) -> Json:
    """Return what is said of a worker without what is the machine's."""
    labels = {
        key: "*" if key.rpartition(".")[2] in _MACHINE else value
        for key, value in record.get("Labels", {}).items()
    }
    policies = [sorted(policy) for policy in record.get("GCPolicy", ())]
    return {"labels": labels, "policies": policies, "version": record.get("BuildkitVersion")}


def _plain(value: Any) -> Any:
    """Return a message without what differs from run to run."""
    if isinstance(value, str):
        return _document(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "platforms" in value and "ID" in value:
        return _worker(value)
    if set(value) == {"text"}:
        return _document(value["text"])
    if set(value) == {"json"}:
        return _plain(value["json"])
    return {
        key: "<time>" if key in _TIMES else "<size>" if key in _SIZES else _plain(each)
        for key, each in value.items()
        if key not in _UNCOMPARED
    }


def _document(text: str) -> Any:
    """Return a text, or the JSON document that it is."""
    try:
        return _plain(json.loads(text)) if text.startswith(("{", "[")) else masked(text)
    except ValueError:
        return masked(text)
