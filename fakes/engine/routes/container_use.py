"""Containers: what they may use and what they use; their processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ... import go_text
from .. import messages
from ..containers.container import Container
from ..containers.resources import CPUS
from ..containers.update import update
from ..errors import ApiError
from ..http import Request, Response, json_response
from .bodies import config_body
from .container_types import UPDATE
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_PERIOD = 1.0
"""Seconds between two samples."""
_LOOK = 0.05
_MEMORY = 1_073_741_824
_TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
_LONG_TITLES = (
    *("USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"),
)
_IO = ("service_bytes", "serviced", "queue", "service_time", "wait_time", "merged", "time")


@route("POST", "/containers/{name}/update")
def _update(engine: Daemon, request: Request, path: Path) -> Response:
    body = config_body(engine, request, UPDATE)
    container = engine.containers.find(path["name"])
    update(container, body, engine.version)
    engine.containers.note(container, "update")
    return json_response({"Warnings": None})


@route("GET", "/containers/{name}/top")
def _top(engine: Daemon, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    if not container.running:
        raise ApiError(409, messages.NOT_RUNNING(engine.version, container.id))
    titles = _LONG_TITLES if "u" in request.parameter("ps_args") else _TITLES
    pid, shown = str(container.pid), " ".join(container.command)
    known = {"PID": pid, "UID": "root", "USER": "root", "PPID": "1", "TTY": "?", "TIME": "00:00:00"}
    known |= {"CMD": shown, "COMMAND": shown, "STIME": "00:00", "START": "00:00", "STAT": "Ss"}
    line = [known.get(title, "0") for title in titles]
    return json_response({"Processes": [line], "Titles": list(titles)})


@route("GET", "/containers/{name}/stats")
def _stats(engine: Daemon, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    stream = "stream" not in request.fields or request.flag("stream")
    if not stream:
        return json_response(_sample(engine, container, first=request.flag("one-shot")))

    def body() -> Iterator[bytes]:
        first = True
        while not container.removed:
            yield (go_text.dumps(_sample(engine, container, first=first)) + "\n").encode()
            first = False
            due = time.monotonic() + _PERIOD
            while time.monotonic() < due and not container.removed:
                # So that it is noticed when nobody listens any more.
                yield b""
                time.sleep(_LOOK)

    return Response(200, body(), {"Content-Type": "application/json"})


def _sample(engine: Daemon, container: Container, *, first: bool) -> dict[str, Any]:
    """One plausible sample: a process that does next to nothing."""
    about = {"name": f"/{container.name}", "id": container.id}
    now = engine.clock()
    ran = now - (container.started or now)
    runs = container.running
    sample: dict[str, Any] = {
        "read": go_text.rfc3339(now) if runs else go_text.ZERO_TIME,
        "preread": go_text.rfc3339(now - 10**9) if runs and not first else go_text.ZERO_TIME,
        "pids_stats": {"current": 1} if runs else {},
        "blkio_stats": {f"io_{name}_recursive": [] if runs else None for name in _IO}
        | {"sectors_recursive": [] if runs else None},
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _processors(ran) if runs else _NO_PROCESSORS,
        "precpu_stats": _processors(ran - 10**9) if runs and not first else _NO_PROCESSORS,
        "memory_stats": _memory(container) if runs else {},
    }
    if runs:
        traffic = ("bytes", "packets", "errors", "dropped")
        counts = {f"{way}_{what}": 0 for way in ("rx", "tx") for what in traffic}
        sample["networks"] = {f"eth{number}": counts for number in range(len(container.networks))}
    return {**about, **sample} if engine.version >= "28.0" else {**sample, **about}


_THROTTLING = {"periods": 0, "throttled_periods": 0, "throttled_time": 0}
_NO_PROCESSORS: dict[str, Any] = {
    "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
    "throttling_data": _THROTTLING,
}


def _processors(ran: int) -> dict[str, Any]:
    used = 20_000_000 + max(ran, 0) // 1000
    usage = {"total_usage": used, "usage_in_kernelmode": used // 2, "usage_in_usermode": used // 2}
    return {
        "cpu_usage": {**usage, "percpu_usage": [used // CPUS] * CPUS},
        "system_cpu_usage": 10**12 + max(ran, 0) * CPUS,
        "online_cpus": CPUS,
        "throttling_data": _THROTTLING,
    }


def _memory(container: Container) -> dict[str, Any]:
    return {
        "usage": 2_000_000,
        "max_usage": 4_000_000,
        "stats": {"cache": 1_000_000, "inactive_file": 500_000, "rss": 50_000, "pgfault": 1_000},
        "limit": container.host_config.get("Memory") or _MEMORY,
    }
