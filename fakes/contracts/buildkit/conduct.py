"""A scenario's client: it asks a daemon for what the scenario says, and notes all answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from imagebuilders.buildkit.control.client import unwrap_bytes, wrap_bytes
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import CallError, CallTimeoutError, TransportError
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.connections.nonblocking import NonBlockingSocket

from .calls import OF_CLIENT, SESSION, SOLVE, STATUS
from .details import shown_status
from .messages import Json, fill, shown
from .services import Services

Dial: TypeAlias = Callable[[], tuple[socket.socket, bytes]]
"""Connects to a daemon; returns the socket, and bytes of HTTP/2 that were read from it already."""

BUILD_SECONDS = 60.0
"""So long a build may take."""

SETTLED_SECONDS = 0.02
"""So long after a build's end the daemon may still be about its last calls."""

IDLE_SECONDS = 0.5
"""A call that stays open, and by which nothing comes for so long, has said all."""

_BUILD_ID = "buildkit-controlapi-buildid"


class Conduct:
    """Runs one scenario.

    Args:
        dial: connects to the daemon.
        scenario: what the client does.
        names: what stands in the place of names of the scenario, as the addresses of registries.
        unique: makes the IDs of its builds and sessions its own.
    """

    def __init__(
        self, dial: Dial, scenario: Json, names: Mapping[str, str] | None = None, unique: str = ""
    ) -> None:
        self._dial = dial
        self._scenario = _renamed(scenario, dict(names or {}))
        self._unique = unique
        self._lock = threading.Condition()
        self._channels: list[Channel] = []
        self._threads: list[threading.Thread] = []
        self._sessions: dict[str, tuple[Services, Call]] = {}
        self._solves: dict[str, Call] = {}
        self._statuses: dict[str, list[Json]] = {}
        self._status_calls: list[Call] = []
        self._answered: set[str] = set()
        self._broken: set[str] = set()
        self._notes: list[Json] = []
        self._refs: list[str] = []
        self._blobs: dict[str, str] = {}
        self._held: list[tuple[Call, Json, Any]] = []

    def run(self) -> Json:
        """Do what the client does; return all that was answered and asked."""
        try:
            self._connect()
            for name, described in self._scenario.get("sessions", {}).items():
                self._open_session(name, described)
            for action in self._scenario["actions"]:
                self._act(action)
            self._wait_for_builds()
            time.sleep(SETTLED_SECONDS)
        finally:
            for channel in self._channels:
                channel.close()
            for thread in self._threads:
                thread.join(BUILD_SECONDS)
        calls = [call for services, _ in self._sessions.values() for call in services.calls]
        return {"notes": self._notes, "session": calls}

    # --- connections -----------------------------------------------------------

    def _connect(self) -> Channel:
        connected, begun = self._dial()
        channel = Channel(NonBlockingSocket(connected, begun=begun), name="contract")
        self._channels.append(channel)
        channel.wait_ready(BUILD_SECONDS)
        return channel

    def _open_session(self, name: str, described: Json) -> None:
        services = Services(described)
        methods: list[str] = described.get("methods", [])
        prefix = "x-docker-expose-session-"
        metadata = [(f"{prefix}uuid", name + self._unique)]
        for key in ("name", "sharedkey"):
            if key in described:
                suffix = self._unique if key == "sharedkey" and not described.get("keeps") else ""
                metadata.append((f"{prefix}{key}", described[key] + suffix))
        metadata += [(f"{prefix}grpc-method", method) for method in methods]
        channel = self._channels[0]
        call = channel.call(SESSION, tuple(metadata))
        channel.tunnel(
            call,
            Role.SERVER,
            handlers=services.handlers(methods),
            answers=services.answers,
            wrap=wrap_bytes,
            unwrap=unwrap_bytes,
        )
        self._sessions[name] = (services, call)

    # --- actions ---------------------------------------------------------------

    def _act(self, action: Json) -> None:
        self._wait_for(action)
        if "solve" in action:
            self._solve(action)
        elif "status" in action:
            self._follow(action["status"], is_again=True)
        elif "call" in action:
            self._call(action)
        else:
            self._break(action["cancel"])

    def _wait_for(self, action: Json) -> None:
        """Wait for what comes before an action: the end of a build, or what a step prints."""
        time.sleep(action.get("pause", 0))
        if ref := action.get("after"):
            with self._lock:
                self._lock.wait_for(lambda: ref in self._answered, BUILD_SECONDS)
        if ref := action.get("logged"):
            with self._lock:
                self._lock.wait_for(lambda: self._has_logs(ref), BUILD_SECONDS)

    def _has_logs(self, ref: str) -> bool:
        told = self._statuses.get(ref, [])
        return ref in self._answered or any(message.get("logs") for message in told)

    def _solve(self, action: Json) -> None:
        request = dict(action["solve"])
        ref = request.get("Ref", "")
        message = OF_CLIENT[SOLVE][0]()
        fill(message, {**request, "Ref": self._own(ref), **self._session_of(request)})
        call = self._solves[ref] = self._channels[0].call(SOLVE)
        with suppress(TransportError):
            call.send(message.SerializeToString(), last=True)
        if not action.get("unheard"):
            self._follow(ref)
        note: Json = {"solve": ref}
        self._notes.append(note)
        self._start(lambda: self._hear_solve(ref, call, note, action.get("seconds")))

    def _session_of(self, request: Json) -> Json:
        name = request.get("Session")
        if not name:
            return {}
        return {"Session": self._own(name)}

    def _own(self, name: str) -> str:
        return name + self._unique if name else ""

    def _hear_solve(self, ref: str, call: Call, note: Json, seconds: float | None) -> None:
        try:
            message = call.receive(seconds or BUILD_SECONDS)
            answer = OF_CLIENT[SOLVE][1]()
            answer.ParseFromString(message or b"")
            call.receive(BUILD_SECONDS)
            note["response"] = shown(answer)
        except CallTimeoutError:
            note["error"] = {"code": None}
            for status in self._status_calls:
                status.cancel()
            call.cancel()
        except CallError as error:
            is_ours = ref in self._broken
            note["error"] = {"code": None} if is_ours else shown_status(error.status)
        except TransportError:
            note["error"] = {"code": None}
        finally:
            with self._lock:
                self._answered.add(ref)
                self._lock.notify_all()

    def _follow(self, ref: str, *, is_again: bool = False) -> None:
        request = OF_CLIENT[STATUS][0]()
        fill(request, {"Ref": self._own(ref)})
        call = self._channels[0].call(STATUS)
        self._status_calls.append(call)
        with suppress(TransportError):
            call.send(request.SerializeToString(), last=True)
        told: list[Json] = []
        if not is_again:
            self._statuses[ref] = told
        note: Json = {"status": ref, "told": told}
        self._notes.append(note)
        self._start(lambda: self._hear_status(call, note, told))

    def _hear_status(self, call: Call, note: Json, told: list[Json]) -> None:
        try:
            while (message := call.receive(BUILD_SECONDS)) is not None:
                status = OF_CLIENT[STATUS][1]()
                status.ParseFromString(message)
                with self._lock:
                    told.append(shown(status))
                    self._lock.notify_all()
        except CallError as error:
            is_ours = error.status.code == Code.CANCELLED
            note["end"] = {"code": None} if is_ours else shown_status(error.status)
        except TransportError:
            note["end"] = {"code": None}

    def _break(self, what: str) -> None:
        if what == "status":
            for call in self._status_calls:
                call.cancel()
        elif what == "connection":
            self._channels[0].close()
            time.sleep(SETTLED_SECONDS)
            self._channels.insert(0, self._connect())
        elif what in self._sessions:
            self._sessions[what][1].cancel()
        else:
            self._broken.add(what)
            self._solves[what].cancel()

    def _call(self, action: Json) -> None:
        requests, responses = OF_CLIENT.get(action["call"], (None, None))
        metadata = tuple(
            (key, self._own(value)) for key, value in action.get("metadata", {}).items()
        )
        call = self._channels[0].call(action["call"], metadata)
        note: Json = {"call": action["call"].rpartition("/")[2], "messages": []}
        is_solve = action["call"] == SOLVE
        if is_solve:  # one that cannot be read
            note = {"solve": ""}
        self._notes.append(note)
        payload = b""
        if requests is not None:
            asked = self._with_refs(action.get("asked", {}))
            request = requests()
            fill(request, asked)
            payload = request.SerializeToString()
        if "raw" in action:
            payload = bytes.fromhex(action["raw"])
        with suppress(TransportError):  # the answer says more than that the call is over
            call.send(payload, last=True)
        if action.get("stays"):
            self._held.append((call, note, responses))
            return
        try:
            while (message := call.receive(BUILD_SECONDS)) is not None:
                if responses is not None:
                    answer = responses()
                    answer.ParseFromString(message)
                    note["messages"].append(shown(answer))
                    self._keep_refs(note["messages"][-1])
            note["end"] = {"code": 0}
        except CallError as error:
            note["error" if is_solve else "end"] = shown_status(error.status)

    def _with_refs(self, asked: Any) -> Any:
        """Return a request with the references and blobs that this daemon made."""
        if isinstance(asked, dict):
            return {key: self._with_refs(value) for key, value in asked.items()}
        if isinstance(asked, list):
            return [self._with_refs(each) for each in asked]
        if isinstance(asked, str) and asked.startswith("$ref"):
            number = int(asked[4:])
            return self._refs[number] if number < len(self._refs) else asked
        if isinstance(asked, str) and asked.startswith("$blob "):
            return self._blobs.get(asked[6:], asked)
        if isinstance(asked, str) and asked.startswith("$own "):
            return self._own(asked[5:])
        return asked

    def _keep_refs(self, answer: Any) -> None:
        if not isinstance(answer, dict):
            return
        result = answer.get("result", {})
        if isinstance(result, dict) and "id" in result.get("ref", {}):
            self._refs.append(result["ref"]["id"])
        record = answer.get("record")
        if isinstance(record, dict):
            for name in ("logs", "externalError", "trace"):
                if name in record:
                    self._blobs[name] = record[name].get("digest", "")
            for attestation in record.get("Result", {}).get("Attestations", ()):
                self._blobs["attestation"] = attestation.get("digest", "")

    # --- threads ---------------------------------------------------------------

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="contract")
        self._threads.append(thread)
        thread.start()

    def _wait_for_builds(self) -> None:
        end = time.monotonic() + BUILD_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        for call, note, kind in self._held:
            try:
                while _has_news(call) and (message := call.receive_now()) is not None:
                    answer = kind()
                    answer.ParseFromString(message)
                    note["messages"].append(shown(answer))
            except CallError as error:
                note["end"] = shown_status(error.status)
            call.cancel()


def _has_news(call: Call) -> bool:
    """Return whether something comes of a call that stays open, on a slow machine, too."""
    end = time.monotonic() + IDLE_SECONDS
    while not call.has_news:
        if time.monotonic() > end:
            return False
        time.sleep(SETTLED_SECONDS)
    return True


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, real in names.items():
            value = value.replace(name, real)
        return value
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    return value
