"""Containers: create, start, stop, wait, logs, attach, inspect, list, remove, exec."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from fakes.engine.containers.container import Container, Exec, LogEntry
from fakes.engine.containers.merge import signal_number
from fakes.engine.containers.streams import IDLE, follow, frame, wanted
from fakes.engine.containers.view import inspect, summary
from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response, is_hung_up, json_response
from fakes.engine.images.config import RunConfig
from fakes.engine.routes.filters import labels_match, read_filters
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Path = dict[str, str]


def _body(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError as error:
        raise ApiError(400, f"invalid JSON: {error}") from error
    return value if isinstance(value, dict) else {}


def _create(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    body = _body(request)
    if not body:
        raise ApiError(400, "Config cannot be empty in order to create a container")
    config = RunConfig.from_json(body)
    if not config.image:
        raise ApiError(400, "Config cannot be empty in order to create a container")
    host = dict(body.get("HostConfig") or {})
    mode = host.get("NetworkMode") or "default"
    asked = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    networks = {name: dict(settings or {}) for name, settings in asked.items()}
    if not networks and not mode.startswith("container:"):
        networks = {"bridge" if mode == "default" else mode: {}}
    with engine.lock:  # the image stays until its container is there
        container = engine.containers.create(config, host, networks, request.parameter("name"))
    container.mounts = _mounts(engine, host)
    return json_response({"Id": container.id, "Warnings": []}, 201)


def _mounts(engine: FakeDockerEngine, host: dict[str, Any]) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = []
    for bind in host.get("Binds") or []:
        source, _, rest = str(bind).partition(":")
        target, _, mode = rest.partition(":")
        line = {"Type": "bind", "Source": source, "Destination": target, "Mode": mode}
        if not source.startswith("/"):
            volume = engine.volumes.create({"Name": source}).to_json()
            line |= {"Type": "volume", "Name": source, "Source": volume["Mountpoint"]}
        mounts.append({**line, "RW": "ro" not in mode.split(","), "Propagation": "rprivate"})
    for mount in host.get("Mounts") or []:
        if mount.get("Type") == "volume" and mount.get("Source"):
            engine.volumes.create({"Name": mount["Source"]})
        mounts.append(
            {
                "Type": mount.get("Type"),
                "Source": mount.get("Source") or "",
                "Destination": mount.get("Target"),
                "Mode": "",
                "RW": not mount.get("ReadOnly"),
                "Propagation": "",
            }
        )
    return mounts


_LIST_FILTERS = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
]


def _list(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    filters = read_filters(request, engine.version.words, _LIST_FILTERS)
    everything = request.flag("all") or "status" in filters or "exited" in filters
    limit = request.parameter("limit")
    # The SDK always sends one, and -1 for none.
    count = int(limit) if limit.isdigit() else 0
    lines = []
    for container in engine.containers.all():
        if not everything and not container.running and not count:
            continue
        if _chosen(engine, container, filters):
            lines.append(summary(engine, container, size=request.flag("size")))
    return json_response(lines[:count] if count else lines)


def _chosen(engine: FakeDockerEngine, container: Container, filters: dict[str, list[str]]) -> bool:
    def ancestor(name: str) -> bool:
        try:
            return engine.images.find(name).id == container.image
        except ApiError:
            return False

    checks: dict[str, Callable[[str], bool]] = {
        "id": container.id.startswith,
        "name": lambda v: v.strip("^$/") in container.name,
        "status": lambda v: v == container.status,
        "exited": lambda v: container.status == "exited" and str(container.exit_code) == v,
        "ancestor": ancestor,
        "network": lambda v: v in container.networks,
        "volume": lambda v: any(v in (m["Destination"], m["Source"]) for m in container.mounts),
        "expose": lambda v: v in (container.config.exposed_ports or {}),
    }
    if not labels_match(container.config.labels or {}, filters.get("label", [])):
        return False
    return all(
        any(checks[name](value) for value in values)
        for name, values in filters.items()
        if name in checks
    )


def _inspect(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    return json_response(inspect(engine, engine.containers.find(path["name"])))


def _start(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    # An engine of these versions answers 304 only to clients of old API versions.
    started = engine.containers.start(engine.containers.find(path["name"]))
    return Response(204 if started else 304)


def _stop(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    if not container.running:
        return Response(304)
    number = signal_number(container.config.stop_signal or "SIGTERM") or 15
    engine.containers.finish(container, 128 + number, "stop")
    return Response(204)


def _restart(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    engine.containers.finish(container, 137, "kill")
    engine.containers.start(container)
    return Response(204)


def _kill(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    engine.containers.kill(container, request.parameter("signal") or "KILL")
    return Response(204)


def _pause(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    engine.containers.pause(engine.containers.find(path["name"]), pause=True)
    return Response(204)


def _unpause(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    engine.containers.pause(engine.containers.find(path["name"]), pause=False)
    return Response(204)


def _rename(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    engine.containers.rename(container, request.parameter("name"))
    return Response(204)


def _remove(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    engine.containers.remove(container, force=request.flag("force"))
    return Response(204)


def _prune(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    filters = read_filters(request)
    gone = []
    for container in engine.containers.all():
        labels = container.config.labels or {}
        if not container.running and labels_match(labels, filters.get("label", [])):
            engine.containers.remove(container)
            gone.append(container.id)
    return json_response({"ContainersDeleted": gone or None, "SpaceReclaimed": 0})


def _wait(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    condition = request.parameter("condition") or "not-running"
    if condition not in ("not-running", "next-exit", "removed"):
        raise ApiError(400, f'invalid condition: "{condition}"')

    waiting = engine.containers.wait(container, condition)

    def body() -> Iterator[bytes]:
        # The headers go out at once: the CLI waits for them before it starts.
        yield b""
        code: int | None = None
        for code in waiting:
            if code is None:
                yield b""
        yield (json.dumps({"Error": None, "StatusCode": code}) + "\n").encode()

    return Response(200, body(), {"Content-Type": "application/json"})


def _logs(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    stdout, stderr = request.flag("stdout"), request.flag("stderr")
    if not stdout and not stderr:
        raise ApiError(400, "Bad parameters: you must choose at least one stream")
    tail = request.parameter("tail")
    entries = list(container.logs)
    chosen = [entry for entry in entries if wanted(entry, stdout=stdout, stderr=stderr)]
    since, until = request.parameter("since"), request.parameter("until")
    if since and since not in ("0", ""):
        chosen = [entry for entry in chosen if entry.time >= float(since) * 1e9]
    if until and until not in ("0", ""):
        chosen = [entry for entry in chosen if entry.time <= float(until) * 1e9]
    if tail.isdigit():
        chosen = chosen[len(chosen) - min(int(tail), len(chosen)) :]
    tty, stamps = container.config.tty, request.flag("timestamps")

    def body() -> Iterator[bytes]:
        yield b""
        for entry in chosen:
            yield frame(entry, tty=tty, timestamps=stamps)
        if request.flag("follow"):
            for later in follow(container, len(entries)):
                if later is None:
                    yield b""
                elif wanted(later, stdout=stdout, stderr=stderr):
                    yield frame(later, tty=tty, timestamps=stamps)

    return Response(200, body())


def _attach(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    stdout, stderr = request.flag("stdout"), request.flag("stderr")
    with_logs, stream = request.flag("logs"), request.flag("stream")
    begin = 0 if with_logs else len(container.logs)
    waits_for_start = not container.running and container.started is None

    def hijack(connection: socket.socket, _reader: BinaryIO) -> None:
        if stream and waits_for_start:
            with container.changed:
                while container.status == "created" and not container.removed:
                    container.wait_for_change(IDLE)
                    if is_hung_up(connection):
                        return
        source: Iterator[LogEntry | None] = iter(list(container.logs[begin:]))
        for entry in follow(container, begin) if stream else source:
            if entry is None:
                if is_hung_up(connection):
                    return
            elif wanted(entry, stdout=stdout, stderr=stderr):
                connection.sendall(frame(entry, tty=container.config.tty))

    return Response(200, hijack=hijack, headers=_stream_type(container.config.tty, engine))


def _stream_type(tty: bool, engine: FakeDockerEngine) -> dict[str, str]:
    multiplexed = not tty and engine.version.api >= "1.42"
    kind = "multiplexed-stream" if multiplexed else "raw-stream"
    return {"Content-Type": f"application/vnd.docker.{kind}"}


def _running(container: Container) -> None:
    if not container.running:
        raise ApiError(409, f"Container {container.id} is not running")
    if container.status == "paused":
        raise ApiError(
            409, f"Container {container.name} is paused, unpause the container before exec"
        )


def _exec_create(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    body = _body(request)
    command = body.get("Cmd")
    if not command:
        raise ApiError(400, "No exec command specified")
    _running(container)
    instance = Exec(
        id=engine.new_id(),
        container=container.id,
        command=[command] if isinstance(command, str) else [str(word) for word in command],
        tty=bool(body.get("Tty")),
        attach_stdin=bool(body.get("AttachStdin")),
        attach_stdout=bool(body.get("AttachStdout")),
        attach_stderr=bool(body.get("AttachStderr")),
        privileged=bool(body.get("Privileged")),
        user=str(body.get("User") or ""),
    )
    engine.containers.add_exec(instance)
    return json_response({"Id": instance.id}, 201)


def _exec_start(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    instance = engine.containers.find_exec(path["name"])
    body = _body(request)
    _running(engine.containers.find(instance.container))
    if instance.exit_code is not None:
        raise ApiError(409, f"Error: Exec command {instance.id} has already run")
    if body.get("Detach"):
        engine.containers.run_exec(instance)
        return Response(200)

    def hijack(connection: socket.socket, _reader: BinaryIO) -> None:
        for entry in _kept(instance, engine.containers.run_exec(instance)):
            connection.sendall(frame(entry, tty=instance.tty))

    return Response(200, hijack=hijack, headers=_stream_type(instance.tty, engine))


def _kept(instance: Exec, printed: list[LogEntry]) -> Iterator[LogEntry]:
    for entry in printed:
        if wanted(entry, stdout=instance.attach_stdout, stderr=instance.attach_stderr):
            yield entry


def _exec_inspect(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    instance = engine.containers.find_exec(path["name"])
    process: dict[str, Any] = {
        "tty": instance.tty,
        "entrypoint": instance.command[0],
        "arguments": instance.command[1:],
        "privileged": instance.privileged,
    }
    if instance.user:
        process["user"] = instance.user
    return json_response(
        {
            "ID": instance.id,
            "Running": instance.running,
            "ExitCode": instance.exit_code,
            "ProcessConfig": process,
            "OpenStdin": instance.attach_stdin,
            "OpenStderr": instance.attach_stderr,
            "OpenStdout": instance.attach_stdout,
            "CanRemove": False,
            "ContainerID": instance.container,
            "DetachKeys": "",
            "Pid": instance.pid,
        }
    )


def _resize(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    engine.containers.find(path["name"])
    return Response(200)


def _exec_resize(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    engine.containers.find_exec(path["name"])
    return Response(201)


ROUTES: list[Route] = [
    ("GET", "/containers/json", _list),
    ("POST", "/containers/create", _create),
    ("POST", "/containers/prune", _prune),
    ("GET", "/containers/{name}/json", _inspect),
    ("GET", "/containers/{name}/logs", _logs),
    ("POST", "/containers/{name}/start", _start),
    ("POST", "/containers/{name}/stop", _stop),
    ("POST", "/containers/{name}/restart", _restart),
    ("POST", "/containers/{name}/kill", _kill),
    ("POST", "/containers/{name}/pause", _pause),
    ("POST", "/containers/{name}/unpause", _unpause),
    ("POST", "/containers/{name}/rename", _rename),
    ("POST", "/containers/{name}/wait", _wait),
    ("POST", "/containers/{name}/attach", _attach),
    ("POST", "/containers/{name}/resize", _resize),
    ("POST", "/containers/{name}/exec", _exec_create),
    ("DELETE", "/containers/{name}", _remove),
    ("POST", "/exec/{name}/start", _exec_start),
    ("POST", "/exec/{name}/resize", _exec_resize),
    ("GET", "/exec/{name}/json", _exec_inspect),
]
