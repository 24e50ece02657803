"""The container that Testcontainers starts beside others, to remove them when a test run ends.

Clients connect to its port and say by labels what is theirs, a line each, which is acknowledged.
When none has been connected for a while, it removes all that, and ends. Like the real program it
does so by the API of the engine that it runs in. See https://github.com/testcontainers/moby-ryuk.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from imagebuilders.go_text import parse_duration

from ..shell.process import Process
from .containers.container import Container
from .containers.effects import ContainerEffect
from .http import Request, Response

REPOSITORY = "testcontainers/ryuk"
PORT = "8080/tcp"

_RECONNECTION, _CONNECTION = 10.0, 60.0
"""Seconds until it ends without clients: after the last one, and when there has been none."""
_STEP = 0.05
_NANOSECONDS = 1e9
_KINDS = (
    ("container", "/containers/json?all=1&", "Id", "/containers/{}?force=1&v=1"),
    ("network", "/networks?", "Id", "/networks/{}"),
    ("volume", "/volumes?", "Name", "/volumes/{}?force=1"),
    ("image", "/images/json?", "Id", "/images/{}?force=1"),
)
"""What is removed, in that order: its list, what names it there, and the request to remove it."""

Filters = dict[str, list[str]]
Handle = Callable[[Request], Response]


def program(handle: Handle, container: Container) -> ContainerEffect:
    """Return what a container of Ryuk's image does.

    Args:
        handle: answers requests to the engine.
        container: which.
    """
    reaper = _Reaper(handle, container.id)
    return ContainerEffect(does=reaper.run, answers=reaper.answer)


class _Reaper:
    """What one container knows of its clients."""

    def __init__(self, handle: Handle, own_id: str) -> None:
        self._handle = handle
        self._own_id = own_id
        self._lock = threading.Lock()
        self._clients = 0
        self._had_clients = False
        self._filters: list[Filters] = []

    def answer(self, connection: socket.socket) -> None:
        """Take what a client says is its own, until it hangs up."""
        with self._lock:
            self._clients += 1
            self._had_clients = True
        try:
            with connection.makefile("rb") as lines:
                for line in lines:
                    self._add(line.decode("utf-8", "replace").strip())
                    connection.sendall(b"ACK\n")
        finally:
            with self._lock:
                self._clients -= 1

    def _add(self, line: str) -> None:
        filters = parse_qs(line)
        if filters:
            with self._lock:
                self._filters.append(filters)

    def run(self, process: Process) -> int:
        """Wait until no client is left, and remove what they named."""
        environment = process.environment
        after_clients = _seconds(environment.get("RYUK_RECONNECTION_TIMEOUT", ""), _RECONNECTION)
        before_clients = _seconds(environment.get("RYUK_CONNECTION_TIMEOUT", ""), _CONNECTION)
        process.print_error("ryuk: Pinging Docker...")
        process.print_error("ryuk: Docker daemon is available!")
        process.print_error("ryuk: Starting on port 8080...")
        process.print_error("ryuk: Started!")
        idle = 0.0
        while True:
            with self._lock:
                waits, limit = self._clients, after_clients if self._had_clients else before_clients
            idle = 0.0 if waits else idle + _STEP
            if idle > limit:
                break
            process.sleep(_STEP)
        counts = self._reap()
        process.print_error(
            "ryuk: Removed {container} container(s), {network} network(s), {volume} volume(s) "
            "{image} image(s)".format(**counts)
        )
        return 0

    def _reap(self) -> dict[str, int]:
        with self._lock:
            named = list(self._filters)
        counts = {}
        for kind, listing, key, removal in _KINDS:
            found = [line[key] for filters in named for line in self._listed(listing, filters)]
            ids = [each for each in dict.fromkeys(found) if each != self._own_id]
            for each in ids:
                self._handle(Request("DELETE", removal.format(quote(each))))
            counts[kind] = len(ids)
        return counts

    def _listed(self, listing: str, filters: Filters) -> list[dict[str, Any]]:
        query = urlencode({"filters": json.dumps(filters)})
        response = self._handle(Request("GET", listing + query))
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        document = json.loads(body)
        if response.status != 200:
            return []
        lines: list[dict[str, Any]] = (
            document["Volumes"] if isinstance(document, dict) else document
        )
        return lines or []


def _seconds(text: str, default: float) -> float:
    """What a variable says, as Go writes durations; the default for what says nothing."""
    try:
        return parse_duration(text) / _NANOSECONDS if text else default
    except ValueError:
        return default
