"""The test bed itself: engines and registries that the other tests rely on."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
import requests
from docker.errors import APIError, NotFound
from testbed.engine import Engine
from testbed.registry import Registry
from testbed.ssh_agent import SSHAgent
from testbed.tools import ClientTool, run_in


class _NoSuchThing(BaseHTTPRequestHandler):
    """A registry that has nothing."""

    def do_GET(self) -> None:
        known = self.path == "/v2/"
        problem = {"code": "MANIFEST_UNKNOWN", "message": "no such thing here"}
        body = b"{}" if known else json.dumps({"errors": [problem]}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests print nothing."""


@pytest.fixture
def small_server() -> Iterator[tuple[str, int]]:
    """An HTTP server of the test process: its address and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _NoSuchThing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_engine_is_of_the_series_asked_for(every_engine: Engine) -> None:
    """Each engine reports a version of its series."""
    assert every_engine.version.startswith(f"{every_engine.series}.")


def test_image_built_in_the_engine_is_found_in_its_registry(every_engine: Engine) -> None:
    """A build and a push by the plain SDK end in the registry under the digest it told."""
    registry = every_engine.registry
    dockerfile = f"FROM {every_engine.busybox}\nRUN echo hello > /greeting\nENV GREETING=hello\n"
    name = f"{registry.address}/hello:{every_engine.series}"
    image, _ = every_engine.client.images.build(
        fileobj=BytesIO(dockerfile.encode()), tag=name, rm=True
    )

    lines = list(every_engine.client.api.push(name, stream=True, decode=True))

    assert [line for line in lines if "error" in line] == []
    manifest = registry.manifest("hello", every_engine.series)
    assert [line["aux"]["Digest"] for line in lines if "aux" in line] == [manifest.digest]
    config = registry.image_config("hello", every_engine.series)
    assert "GREETING=hello" in config["config"]["Env"]
    assert (
        every_engine.client.containers.run(image, ["cat", "/greeting"], remove=True) == b"hello\n"
    )


def test_registry_with_auth_refuses_a_stranger(registry_with_auth: Registry) -> None:
    """Without credentials the answer is 401; with them the registry is open."""
    assert requests.get(f"{registry_with_auth.url}/v2/", timeout=10).status_code == 401
    assert registry_with_auth.get("/v2/").status_code == 200


@pytest.mark.parametrize("name", ["crane", "oras", "skopeo", "buildah", "podman", "docker"])
def test_client_tool_runs(client_tool: Callable[[str], ClientTool], name: str) -> None:
    """Every client of the toolbox starts."""
    version = "version" if name in {"crane", "oras"} else "--version"
    assert client_tool(name).run(version).returncode == 0


def test_client_tool_reaches_the_registry(
    client_tool: Callable[[str], ClientTool], engine: Engine, registry: Registry
) -> None:
    """A tool on the test's network reads what the engine pushed, under the same address."""
    name = f"{registry.address}/tools:1"
    engine.client.images.get(engine.busybox).tag(name)
    engine.client.images.push(name)

    said = client_tool("crane").run("digest", "--insecure", name)

    assert said.stdout.strip() == registry.manifest("tools", "1").digest


def test_engine_reaches_a_server_of_the_test(engine: Engine, small_server: tuple[str, int]) -> None:
    """A server on the test's loopback interface has the same address in the engine."""
    address, port = small_server
    with engine.forwarded(port), pytest.raises(NotFound, match="no such thing here"):
        engine.client.images.pull(f"{address}/anything", tag="1")


def test_other_machines_are_unknown(engine: Engine) -> None:
    """A newer engine of the test bed asks no name server, so that it never waits for one."""
    with pytest.raises(APIError, match="no such host"):
        engine.client.images.pull("registry.example/anything", tag="1")


def test_killed_engine_stops_answering(disposable_engine: Engine) -> None:
    """An engine of the test's own can be killed, and its client then fails."""
    assert disposable_engine.client.ping()
    disposable_engine.kill()
    with pytest.raises(requests.ConnectionError):
        disposable_engine.client.ping()


def test_image_store_of_containerd(containerd_engine: Engine) -> None:
    """One engine keeps its images in containerd, and has git for BuildKit as all have."""
    assert containerd_engine.client.info()["DriverStatus"] == [
        ["driver-type", "io.containerd.snapshotter.v1"]
    ]
    assert containerd_engine.version.startswith("28.5.")


def test_engines_have_git(buildkit_engine: Engine) -> None:
    """BuildKit runs git for an `ADD` of a repository."""
    done = run_in(buildkit_engine.container, ["git", "--version"])
    assert done.stdout.startswith("git version")


def test_agent_signs(ssh_agent: SSHAgent) -> None:
    """An agent of the test bed has the keys that it was given."""
    line = ssh_agent.add_key("one")
    done = subprocess.run(
        ["ssh-add", "-L"],
        env={"SSH_AUTH_SOCK": ssh_agent.socket, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == line
