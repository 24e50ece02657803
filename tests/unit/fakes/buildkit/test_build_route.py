"""`POST /build?version=2`: BuildKit over the engine's own API."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from fakes import FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.engine.http import Request, Response
from fakes.shell import Process
from imagebuilders.buildkit.proto.control_pb2 import StatusResponse


def _ask(engine: FakeDockerEngine, dockerfile: str, **query: str) -> Response:
    target = "/build?" + urlencode({"version": "2", **query})
    body = pack({"Dockerfile": dockerfile, "f": "content"})
    return engine.handle(Request("POST", target, body=[body]))


def _messages(response: Response) -> list[dict[str, Any]]:
    assert not isinstance(response.body, bytes)
    body: Iterable[bytes] = response.body
    return [json.loads(line) for line in b"".join(body).splitlines()]


def _names(messages: list[dict[str, Any]]) -> set[str]:
    told = [
        StatusResponse.FromString(base64.b64decode(message["aux"]))
        for message in messages
        if message.get("id") == "moby.buildkit.trace"
    ]
    return {vertex.name for status in told for vertex in status.vertexes}


def test_a_context_in_the_body(engine: FakeDockerEngine) -> None:
    """Status comes as it is told, and the image's ID at the end."""
    text = "FROM base:1 AS one\nARG V\nLABEL v=$V\nCOPY f /\nFROM base:1\nRUN never\n"
    options = {
        "t": "app:1",
        "target": "one",
        "buildargs": json.dumps({"V": "1"}),
        "labels": json.dumps({"l": "2"}),
        "extrahosts": json.dumps(["a:1.2.3.4"]),
        "networkmode": "none",
        "nocache": "1",
        "pull": "0",
    }
    messages = _messages(_ask(engine, text, **options))
    assert messages[-1] == {"id": "moby.image.id", "aux": {"ID": engine.image("app:1").id}}
    assert {"[one 2/2] COPY f /", "exporting to image"} <= _names(messages)
    image = engine.image("app:1")
    assert image.parsed["config"]["Labels"] == {"l": "2", "v": "1"}
    assert engine.image_tree("app:1").read_text("/f") == "content"
    record = engine.builds[-1]
    assert record.options["add-hosts"] == "a=1.2.3.4"
    assert (record.tags, record.target, record.image_id) == (["app:1"], "one", image.id)


def test_a_build_fails(engine: FakeDockerEngine) -> None:
    """The last message has BuildKit's words."""
    engine.on_run("make", exit_code=3)
    last = _messages(_ask(engine, "FROM base:1\nRUN make\n"))[-1]
    words = 'process "/bin/sh -c make" did not complete successfully: exit code: 3'
    assert last["errorDetail"]["message"] == words


def test_a_quiet_build_tells_the_id_alone(engine: FakeDockerEngine) -> None:
    """As the `docker` command prints it; of a failed build all is told."""
    messages = _messages(_ask(engine, "FROM base:1\nCOPY f /\n", t="app:1", q="1"))
    assert messages == [{"stream": f"{engine.image('app:1').id}\n"}]
    engine.on_run("make", exit_code=3)
    messages = _messages(_ask(engine, "FROM base:1\nRUN make\n", q="1"))
    assert "[2/2] RUN make" in _names(messages)
    assert "exit code: 3" in messages[-1]["errorDetail"]["message"]


def test_an_older_engine_says_what_it_tagged() -> None:
    """As its classic builder does."""
    engine = FakeDockerEngine("20.10")
    messages = _messages(_ask(engine, "FROM scratch\nCOPY f /\n", t="app:1"))
    assert messages[-1] == {"stream": "Successfully tagged app:1\n"}


def test_a_build_is_cancelled(engine: FakeDockerEngine) -> None:
    """By its name; the command is stopped, and so it is when the client goes away."""
    begun = threading.Event()

    def work(process: Process) -> None:
        begun.set()
        process.sleep(60)

    engine.on_run("make", work)
    cancelled: list[int] = []

    def cancel() -> None:
        begun.wait(10)
        request = Request("POST", "/build/cancel?id=mine")
        cancelled.append(engine.handle(request).status)

    thread = threading.Thread(target=cancel)
    thread.start()
    last = _messages(_ask(engine, "FROM base:1\nRUN make\n", buildid="mine"))[-1]
    thread.join()
    assert cancelled == [200]
    assert "exit code: 137: context canceled" in last["errorDetail"]["message"]
    begun.clear()
    response = _ask(engine, "FROM base:1\nRUN make\n")
    assert begun.wait(10)
    close = getattr(response.body, "close", None)
    assert close is not None
    close()
    assert engine.running_builds == {}


def test_what_cannot_be_built(engine: FakeDockerEngine) -> None:
    """Other contexts, hosts that cannot be read, and cancelling nothing by name."""
    assert _ask(engine, "FROM scratch\n", remote="https://example.com/x.git").status == 501
    assert _ask(engine, "FROM scratch\n", extrahosts="{").status == 400
    assert engine.handle(Request("POST", "/build/cancel")).status == 400
    assert engine.handle(Request("POST", "/build/cancel?id=none")).status == 200
