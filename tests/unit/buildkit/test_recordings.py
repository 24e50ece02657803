"""Recorded builds of real daemons, played to the client by the scripted one."""

from __future__ import annotations

import codecs
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from buildkit_recordings import Json, Recording, bytes_of, fill, recordings, response_of
from buildkit_replay import Replay
from comparison_size import WHOLE

from fakes.buildkit import ScriptedBuildKit
from imagebuilders.buildkit.build import CacheRequest, ExporterRequest, ImageBuild, build_image
from imagebuilders.buildkit.control import solve
from imagebuilders.buildkit.daemon import connect
from imagebuilders.buildkit.frontend import Frontend
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest, StatusResponse
from imagebuilders.buildkit.session.file_send import FileSend, FileTarget, FolderTarget, Target
from imagebuilders.buildkit.session.session import Service
from imagebuilders.buildkit.session.ssh import Agent
from imagebuilders.buildkit.session.ssh_socket import SocketAgent
from imagebuilders.buildkit.session.synced_folders import PackedFolder, SyncedFolder
from imagebuilders.buildkit.session.upload import Upload
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.events import (
    Event,
    Notice,
    StepCached,
    StepFinished,
    StepOutput,
    StepStarted,
)
from imagebuilders.exceptions import BuildError, ImageBuilderError, PushError

_OTHERWISE = {
    "fail/unknown-session": "the client always has a session",
    "fail/no-session": "the client always has a session",
    "fail/method-not-offered": "the client always offers files",
    "fail/same-ref-twice": "the client never uses a name twice",
    "export/session-exporter": "the client offers no exporters of its own",
    "context/client-error": "the client broke off by itself",
    "context/short-file": "the client never sends less than it told",
    "context/vanished-file": "the client never sends less than it told",
}
"""Scenarios that this client does not meet, and why."""


def _chosen() -> list[Recording]:
    """Return the recordings to play: all of one daemon, and of others where they differ."""
    chosen = [found for found in recordings() if found.id not in _OTHERWISE]
    if WHOLE:
        return chosen
    outcomes: dict[str, set[str]] = {}
    picked = []
    for found in chosen:
        content = found.content
        outcome = repr((content.get("error", {}).get("message"), len(content["session"])))
        if outcome not in outcomes.setdefault(found.id, set()):
            outcomes[found.id].add(outcome)
            picked.append(found)
    return picked


@pytest.mark.parametrize("recording", _chosen(), ids=str)
def test_a_recorded_build_ends_as_it_did(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's result, events, files and answers are those that were recorded."""
    monkeypatch.setattr(solve, "STUCK_SECONDS", 0.2)
    replay = Replay(recording)
    daemon = ScriptedBuildKit(replay)
    events: list[Event] = []
    with _agent(recording, tmp_path) as agents, daemon.serve() as address:
        build = _build(recording, agents, replay, tmp_path)
        with connect(address) as client:
            expected = recording.content.get("error")
            if expected is None:
                response = build_image(client, build, events.append)
                assert response == response_of(recording.content["response"])
            else:
                with pytest.raises((BuildError, PushError)) as caught:
                    build_image(client, build, events.append)
                _check_error(caught.value, expected)
    assert replay.differences == []
    (request,) = daemon.requests
    _check_request(request, recording.content["request"])
    _check_events(recording, events)


# --- what the client is given ------------------------------------------------


@dataclass(frozen=True)
class _Login:
    pair: tuple[str, str]


@dataclass(frozen=True)
class _Logins:
    known: Mapping[str, tuple[str, str]]

    def credentials_for(self, registry: str) -> _Login | None:
        return _Login(self.known[registry]) if registry in self.known else None


def _build(
    recording: Recording, agents: dict[str, Agent], replay: Replay, folder: Path
) -> ImageBuild:
    content, request = recording.content, recording.content["request"]
    attributes = dict(request.get("FrontendAttrs", {}))
    services: list[Service] = []
    if "http://buildkit-session/" in str(attributes):
        upload = Upload()
        services.append(upload)
        size = sum(
            len(bytes_of(item["message"].get("data", "")))
            for call in _calls(recording, "Upload/Pull")
            for item in call["messages"]
            if item["from"] == "client" and "message" in item
        )
        replay.upload = upload.add([b"x" * size])
    exporters = [
        ExporterRequest(found["Type"], found.get("Attrs", {}))
        for found in request.get("Exporters", [])
    ]
    if not exporters and "ExporterDeprecated" in request:
        name = request["ExporterDeprecated"]
        exporters = [ExporterRequest(name, request.get("ExporterAttrsDeprecated", {}))]
    targets = _targets(recording, exporters, folder)
    if targets is not None:
        services.append(FileSend(targets))
    secrets = {
        item["ID"]: bytes_of(answer["data"])
        for item, answer in _answers(recording, "Secrets/GetSecret")
    }
    logins = {
        item["Host"]: (answer.get("Username", ""), answer.get("Secret", ""))
        for item, answer in _answers(recording, "Auth/Credentials")
        if answer
    }
    return ImageBuild(
        image_name="app:1",
        attributes=attributes,
        folders=_folders(content),
        exporters=exporters,
        cache_to=[
            CacheRequest(found["Type"], found.get("Attrs", {}))
            for found in request.get("Cache", {}).get("Exports", [])
        ],
        entitlements=request.get("Entitlements", []),
        secrets={name: _giving(value) for name, value in secrets.items()},
        agents=agents,
        credentials=None if _refused(recording, "Auth/Credentials") else _Logins(logins),
        services=services,
        frontend=Frontend(request["Frontend"]),
    )


def _giving(value: bytes):  # type: ignore[no-untyped-def]
    return lambda: value


def _folders(content: Json) -> dict[str, SyncedFolder]:
    text = content.get("dockerfile") or ""
    dockerfile = [_file("Dockerfile", text.encode())] if text or "dockerfile" in content else []
    ignored = content.get("dockerfile_dockerignore")
    if ignored is not None:
        dockerfile.append(_file("Dockerfile.dockerignore", ignored.encode()))
    folders = {"dockerfile": dockerfile, "context": _entries(content["files"])}
    for name, files in content.get("dirs", {}).items():
        folders[name] = _entries(files)
    return {name: PackedFolder.of(entries) for name, entries in folders.items()}


def _entries(files: list[Json]) -> list[Entry]:
    found = {}
    for number, file in enumerate(files, 1):
        found[file["path"]] = _entry(file, number)
    for file in files:
        if file["type"] == "hardlink":
            found[file["path"]] = found[file["target"]]._replace(path=file["path"])
    return sorted(found.values(), key=lambda entry: entry.path.replace("/", "\0"))


def _entry(file: Json, number: int) -> Entry:
    kind = {"dir": EntryType.DIRECTORY, "symlink": EntryType.LINK}.get(file["type"], EntryType.FILE)
    mode = int(file.get("mode", "0755" if kind is EntryType.DIRECTORY else "0644"), 8)
    time = int(file.get("mtime", 1_000_000_000)) * 1_000_000_000
    if kind is not EntryType.FILE:
        return Entry(file["path"], kind, mode, 0, time, target=file.get("target", ""))
    content = bytes_of(file)
    return _file(file["path"], content, mode, time)._replace(inode=number, device=1)


def _file(
    path: str, content: bytes, mode: int = 0o644, time: int = 1_000_000_000_000_000_000
) -> Entry:
    return Entry(path, EntryType.FILE, mode, len(content), time, source=content)


def _targets(
    recording: Recording, exporters: list[ExporterRequest], folder: Path
) -> dict[int, Target] | None:
    """Return where results go; nowhere where the client refused them."""
    calls = _calls(recording, "FileSend/DiffCopy")
    if not calls:
        return None
    refused = any(call.get("status", {}).get("code") for call in calls)
    targets: dict[int, Target] = {}
    for number, exporter in enumerate(exporters):
        place = folder / f"result{number}"
        if refused:
            continue
        if exporter.type == "local":
            targets[number] = FolderTarget(str(place))
        else:
            targets[number] = FileTarget(str(place))
    return targets


def _calls(recording: Recording, method: str) -> list[Json]:
    return [call for call in recording.content["session"] if call["call"].endswith(method)]


def _refused(recording: Recording, method: str) -> bool:
    """Whether the client had no service for a method."""
    return any(call.get("status", {}).get("code") == 12 for call in _calls(recording, method))


def _answers(recording: Recording, method: str) -> Iterator[tuple[Json, Json]]:
    """Yield the requests of a method that were answered with a message, and the answers."""
    for call in _calls(recording, method):
        sides = {item["from"]: item["message"] for item in call["messages"] if "message" in item}
        if sides.get("client"):
            yield sides["daemon"], sides["client"]


@contextmanager
def _agent(recording: Recording, folder: Path) -> Iterator[dict[str, Agent]]:
    """Listen as an agent where one was asked for and was there."""
    served = [
        call
        for call in _calls(recording, "SSH/CheckAgent")
        if not call.get("status", {}).get("code")
    ]
    if not served:
        yield {}
        return
    with socket.socket(socket.AF_UNIX) as listener:
        path = folder / "agent.sock"
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            with connected:
                while data := connected.recv(4096):
                    connected.sendall(b"answer to " + data)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield {"default": SocketAgent(str(path))}
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


# --- what came of it ---------------------------------------------------------


def _check_error(error: ImageBuilderError, expected: Json) -> None:
    if expected["code"] is None:
        assert "did not end the build" in str(error)
        return
    if isinstance(error, PushError):
        assert expected["message"].strip() == f"failed to push {error.image_name}: {error.detail}"
        return
    assert isinstance(error, BuildError)
    assert not expected["message"].startswith("failed to push ")
    assert expected["message"].strip() in str(error)
    details = {
        detail["type_url"].rpartition("/")[2]: detail["json"] for detail in expected["details"]
    }
    exit_message = next((value for name, value in details.items() if "ExitMessage" in name), None)
    if exit_message is not None:
        assert error.exit_code == exit_message["Code"]
    source = details.get("errdefs.Source+json")
    if source is not None:
        lines = str(source["info"].get("data_text", "")).splitlines()
        for found in source.get("ranges", []):
            for number in range(found["start"]["line"], found["end"]["line"] + 1):
                if number <= len(lines):
                    shown = f"{number} | {lines[number - 1]}".rstrip()
                    assert re.search(rf"^> *{re.escape(shown)}", str(error), re.MULTILINE)


def _check_request(request: SolveRequest, expected: Json) -> None:
    wanted = SolveRequest()
    fill(wanted, expected)
    wanted.Ref, wanted.Session = request.Ref, request.Session
    if wanted.ExporterDeprecated and not wanted.Exporters:
        del request.Exporters[:]  # it is sent in both forms
    if request.Exporters:
        wanted.ExporterDeprecated = request.Exporters[0].Type
        wanted.ExporterAttrsDeprecated.update(request.Exporters[0].Attrs)
    for cleared in (wanted, request):
        del cleared.Cache.Imports[:]
        cleared.EnableSessionExporter = False
    assert request == wanted


def _check_events(recording: Recording, events: list[Event]) -> None:
    """Compare what was told with the daemon's messages, step by step."""
    told = StatusResponse()
    for part in recording.content.get("status", []):
        fill(told, part)
    step_ids = {vertex.digest: vertex.progressGroup.id or vertex.digest for vertex in told.vertexes}
    started = {step_ids[vertex.digest] for vertex in told.vertexes if vertex.HasField("started")}
    assert {event.step_id for event in events if isinstance(event, StepStarted)} == started
    cached = {
        step_ids[vertex.digest]
        for vertex in told.vertexes
        if vertex.cached and not vertex.progressGroup.weak
    }
    assert {event.step_id for event in events if isinstance(event, StepCached)} == cached
    errors = {
        (step_ids[vertex.digest], vertex.error)
        for vertex in told.vertexes
        if vertex.error and vertex.HasField("completed")
    }
    assert {
        (event.step_id, event.error)
        for event in events
        if isinstance(event, StepFinished) and event.error
    } == errors
    assert _printed(events) == _logged(told, _handed_out(recording))
    warned = {warning.short.decode() for warning in told.warnings}
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert all(any(words in notice for notice in notices) for words in warned)


def _printed(events: list[Event]) -> dict[tuple[str, str], list[str]]:
    lines: dict[tuple[str, str], list[str]] = {}
    for event in events:
        if isinstance(event, StepOutput):
            lines.setdefault((event.step_id, event.stream), []).append(event.line)
    return lines


def _handed_out(recording: Recording) -> list[str]:
    secrets = [bytes_of(answer["data"]) for _, answer in _answers(recording, "Secrets/GetSecret")]
    return [secret.decode().strip() for secret in secrets]


def _logged(told: StatusResponse, secrets: list[str]) -> dict[tuple[str, str], list[str]]:
    texts: dict[tuple[str, str], bytes] = {}
    for log in told.logs:
        key = (log.vertex, "stdout" if log.stream == 1 else "stderr")
        texts[key] = texts.get(key, b"") + log.msg
    for secret in secrets:
        texts = {key: data.replace(secret.encode(), b"****") for key, data in texts.items()}
    return {
        key: [
            line.removesuffix("\r").rpartition("\r")[2]
            for line in codecs.decode(data, "utf-8", "replace").removesuffix("\n").split("\n")
        ]
        for key, data in texts.items()
        if data
    }
