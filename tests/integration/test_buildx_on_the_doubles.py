"""The real `docker`, buildx and compose of Debian, building with the doubles."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import python_on_whales
from comparison_size import size
from python_on_whales.exceptions import DockerException
from testbed.bed import Testbed
from testbed.tools import ClientTool, Completed

from fakes import FakeBuildKit, FakeDockerEngine, FakeRegistry
from fakes.engine.versions import VERSIONS
from fakes.http.certificates import make_certificate
from imagebuilders.distribution import RegistryClient
from imagebuilders.oci.manifest import Index

WORK = "/buildx-on-doubles"
FILES = {
    "Dockerfile": (
        "# syntax=docker/dockerfile:1\nFROM alpine:3.22 AS one\n"
        "RUN --mount=type=secret,id=token fetch\nFROM alpine:3.22\nARG A\nCOPY f /x/\n"
        "COPY --from=one /fetched /\n"
    ),
    "bad.Dockerfile": "FROM alpine:3.22\nMAINTAINER me\nRUN broken\n",
    "f": "content",
    "token.txt": "s3cret",
    "docker-bake.hcl": """\
group "default" { targets = ["base", "app"] }
target "base" {
  tags   = ["baked:1"]
  secret = ["id=token,src=token.txt"]
}
target "app" {
  tags              = ["linked:1"]
  dockerfile-inline = "# syntax=docker/dockerfile:1\\nFROM base\\nLABEL of=base\\n"
  contexts          = { base = "target:base" }
}
""",
    "compose.yaml": """\
services:
  base:
    image: composed-base:1
    build: {context: ., secrets: [token], args: {A: "2"}}
  app:
    image: composed:1
    build:
      context: .
      dockerfile_inline: "# syntax=docker/dockerfile:1\\nFROM base\\nLABEL of=base\\n"
      additional_contexts: {base: "service:base"}
secrets: {token: {file: token.txt}}
""",
}
SECRET = ("--secret", "id=token,src=token.txt")
CLIENTS = ("newer", "older")


@pytest.fixture(params=CLIENTS)
def docker(request: pytest.FixtureRequest, testbed: Testbed, tmp_path: Path) -> ClientTool:
    """The program of Debian forky and trixie, with the files in its work folder."""
    tools = {"newer": testbed.tool, "older": testbed.older_tool}
    return _with_files(tools[request.param]("docker"), tmp_path)


@pytest.fixture(params=CLIENTS[: size(1, len(CLIENTS))])
def some_docker(request: pytest.FixtureRequest, testbed: Testbed, tmp_path: Path) -> ClientTool:
    """The newer of them, or in a whole run both."""
    tools = {"newer": testbed.tool, "older": testbed.older_tool}
    return _with_files(tools[request.param]("docker"), tmp_path)


@pytest.fixture
def newer_docker(client_tool: Callable[[str], ClientTool], tmp_path: Path) -> ClientTool:
    """That of forky alone."""
    return _with_files(client_tool("docker"), tmp_path)


def _with_files(tool: ClientTool, scratch: Path) -> ClientTool:
    folder = scratch / "work"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content)
    tool.put(folder, WORK)
    return tool


@pytest.fixture(params=list(VERSIONS)[-size(1, len(VERSIONS)) :])
def engine(request: pytest.FixtureRequest) -> FakeDockerEngine:
    """An engine of each look, which knows a base and what commands do."""
    engine = FakeDockerEngine(request.param)
    engine.seed_hub("alpine:3.22")
    engine.on_run("fetch", files={"/fetched": "1"})
    engine.on_run("broken", exit_code=7, error_output="oh no\n")
    return engine


class Client:
    """Runs the program in its work folder."""

    def __init__(self, tool: ClientTool, host: str = "", **environment: str) -> None:
        self._tool = tool
        self._environment = {**environment, **({"DOCKER_HOST": host} if host else {})}

    def __call__(self, *words: str, check: bool = True) -> str:
        """Run it; return what it says."""
        done: Completed = self._tool.run(
            *words, environment=self._environment, workdir=WORK, check=check
        )
        return done.stdout + done.stderr

    def refused(self, *words: str) -> str:
        """Run it, which has to fail."""
        done = self._tool.run(*words, environment=self._environment, workdir=WORK, check=False)
        assert done.returncode != 0
        return done.stdout + done.stderr


def test_an_engine_double_builds(docker: ClientTool, engine: FakeDockerEngine) -> None:
    """Build, fail, load, export, and what the cache holds; a builder in a container is refused."""
    with engine.serve("tcp://127.0.0.1:0") as address:
        run = Client(docker, address)
        run("build", "-t", "app:1", *SECRET, ".")
        assert engine.image_tree("app:1").read_text("/x/f") == "content"
        assert engine.builds[-1].secrets == ["token"]
        run("buildx", "build", "--load", "-t", "app:2", *SECRET, ".")
        # Ids are of indexes where the builds are attested, which tells their times.
        built = engine.image("app:1").config_digest
        assert engine.image("app:2").config_digest == built
        printed = run("build", "-q", *SECRET, ".").strip()
        assert printed == engine.builds[-1].image_id
        failed = run.refused("build", "-f", "bad.Dockerfile", ".")
        # The oldest engines tell no lines of the Dockerfile.
        assert (">>> RUN broken" in failed) is (engine.version.name != "20.10")
        assert "exit code: 7" in failed
        run("build", "-o", "type=tar,dest=/tmp/out.tar", *SECRET, ".")
        assert b"fetched" in docker.fetch("/tmp/out.tar")
        run("build", "--cache-to", "type=inline", "-t", "cached:1", *SECRET, ".")
        assert "Total:" in run("buildx", "du")
        assert "Total:" in run("buildx", "prune", "-af")
        assert "CACHED" in run("build", "--cache-from", "cached:1", "--progress=plain", ".")
        refused = run.refused("buildx", "create", "--driver", "docker-container", "--bootstrap")
        assert "engine double runs no BuildKit in a container" in refused
        assert "docker buildx use default" in refused


def test_bake_links_targets(docker: ClientTool, engine: FakeDockerEngine) -> None:
    """One target's result is the base of the other."""
    with engine.serve("tcp://127.0.0.1:0") as address:
        Client(docker, address)("buildx", "bake")
    assert engine.image_tree("linked:1").read_text("/fetched") == "1"
    assert engine.image_tree("linked:1").labels == {"of": "base"}
    assert engine.image_tree("baked:1").labels == {}


@pytest.mark.parametrize("bake", ["true", "false"])
def test_compose_builds(newer_docker: ClientTool, engine: FakeDockerEngine, bake: str) -> None:
    """By bake, and by its own builder, which links no services."""
    services = ["base", "app"] if bake == "true" else ["base"]
    with engine.serve("tcp://127.0.0.1:0") as address:
        Client(newer_docker, address, COMPOSE_BAKE=bake)("compose", "build", *services)
    assert engine.image_tree("composed-base:1").read_text("/fetched") == "1"
    assert engine.builds[0].build_args["A"] == "2"
    if bake == "true":
        assert engine.image_tree("composed:1").labels["of"] == "base"


def test_questions_and_the_history(newer_docker: ClientTool, engine: FakeDockerEngine) -> None:
    """What is asked instead of building, and what is told of builds that were done."""
    with engine.serve("tcp://127.0.0.1:0") as address:
        run = Client(newer_docker, address)
        assert "MaintainerDeprecated" in run(
            "build", "--check", "-f", "bad.Dockerfile", ".", check=False
        )
        assert "token" in run("build", "--call", "outline", ".")
        assert "one" in run("build", "--call", "targets", ".")
        if engine.version < "23.0":  # these remember nothing
            return
        run("build", "--metadata-file", "/tmp/metadata.json", "--build-arg", "A=4", *SECRET, ".")
        metadata = json.loads(newer_docker.fetch("/tmp/metadata.json"))
        parameters = parameters_of(metadata["buildx.build.provenance"])
        assert parameters["args"]["build-arg:A"] == "4"
        run.refused("build", "-f", "bad.Dockerfile", ".")
        done, failed = _refs(run, "completed"), _refs(run, "error")
        assert "pkg:docker/alpine@3.22" in run("buildx", "history", "inspect", done[0])
        kinds = ("--type", provenance_type(engine))
        attached = run("buildx", "history", "inspect", "attachment", *kinds, done[0])
        assert parameters_of(json.loads(attached))["frontend"] == "dockerfile.v0"
        assert "oh no" in run("buildx", "history", "inspect", failed[0])
        assert "oh no" in run("buildx", "history", "logs", failed[0])
        run("buildx", "history", "export", "-o", "/tmp/record.dockerbuild", failed[0])
        run("buildx", "history", "rm", failed[0])
        assert not _refs(run, "error")


@pytest.fixture
def whales_call(newer_docker: ClientTool, tmp_path: Path, testbed: Testbed) -> list[str]:
    """The docker command of this machine, with the plugin of forky in its configuration."""
    if (program := shutil.which("docker")) is None:
        pytest.skip(f"there is no docker command beside {testbed.host}")
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    plugin = plugins / "docker-buildx"
    plugin.write_bytes(newer_docker.fetch("/usr/libexec/docker/cli-plugins/docker-buildx"))
    plugin.chmod(0o755)
    if subprocess.run([plugin, "version"], capture_output=True, check=False).returncode:
        pytest.skip("the plugin of another Debian does not run on this machine")
    return [program, "--config", str(plugins.parent)]


def test_python_on_whales(
    whales_call: list[str],
    engine: FakeDockerEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A library that runs buildx and reads what it prints."""
    work = tmp_path / "work"
    monkeypatch.chdir(work)
    with engine.serve("tcp://127.0.0.1:0") as address:
        whales = python_on_whales.DockerClient(host=address, client_call=whales_call)
        built = whales.buildx.build(
            work,
            tags="whales:1",
            build_args={"A": "3"},
            secrets=[f"id=token,src={work}/token.txt"],
            load=True,
        )
        assert isinstance(built, python_on_whales.Image)
        assert built.repo_tags == ["whales:1"]
        assert engine.builds[-1].build_args["A"] == "3"
        assert engine.image_tree("whales:1").read_text("/fetched") == "1"
        whales.buildx.bake(files=[work / "docker-bake.hcl"])
        assert engine.image_tree("linked:1").labels == {"of": "base"}
        assert whales.buildx.inspect().driver == "docker"
        assert whales.buildx.list()
        with pytest.raises(DockerException, match="returned with code 1"):
            whales.buildx.build(work, file=work / "bad.Dockerfile", tags="bad:1")
        assert "exit code: 7" in capfd.readouterr().err
        whales.buildx.prune(all=True)


def _refs(run: Client, status: str) -> list[str]:
    shown = run("buildx", "history", "ls", "--filter", f"status={status}", "--format", "{{.Ref}}")
    return [line.rpartition("/")[2] for line in shown.split()]


def parameters_of(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a build, from provenance of either kind."""
    if "invocation" in provenance:
        found: dict[str, Any] = provenance["invocation"]["parameters"]
        return found
    request: dict[str, Any] = provenance["buildDefinition"]["externalParameters"]["request"]
    return request


def provenance_type(engine: FakeDockerEngine) -> str:
    """Return the type of what an engine's history keeps of a build."""
    assert engine.buildkit is not None
    (kept,) = engine.buildkit.history.records[0].Result.Attestations
    return kept.annotations["in-toto.io/predicate-type"]


@pytest.fixture
def buildkit() -> FakeBuildKit:
    """A daemon of its own that knows a base for two platforms."""
    buildkit = FakeBuildKit()
    buildkit.seed_image("alpine:3.22", platforms=("linux/amd64", "linux/arm64"))
    buildkit.seed_image("docker/buildkit-syft-scanner:stable-1")
    buildkit.on_run("fetch", files={"/fetched": "1"})
    return buildkit


@pytest.fixture
def remote(some_docker: ClientTool, buildkit: FakeBuildKit) -> Iterator[Client]:
    """Builds with it, as with any remote worker."""
    with buildkit.serve("tcp://127.0.0.1:0") as address:
        run = Client(some_docker)
        run("buildx", "create", "--name", "double", "--driver", "remote", address)
        try:
            yield run
        finally:
            run("buildx", "rm", "double")


def test_a_remote_worker_pushes_for_two_platforms(remote: Client, buildkit: FakeBuildKit) -> None:
    """With what is attested; its image is looked at, and copied, by its registry alone."""
    build = ("buildx", "build", "--builder", "double", *SECRET)
    both = ("--platform", "linux/amd64,linux/arm64", "--provenance=mode=max", "--sbom=true")
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/app"
        remote(*build, *both, "--push", "-t", f"{name}:1", ".")
        with RegistryClient(registry.address) as client:
            index = client.repository("team/app").read_manifest("1").parse()
        assert isinstance(index, Index)
        assert len(index.manifests) == 4
        remote("buildx", "imagetools", "create", "-t", f"{name}:2", f"{name}:1")
        assert registry.tags("team/app") == ["1", "2"]
        found = {
            what: _json(remote, "buildx", "imagetools", "inspect", f"{name}:2", what)
            for what in ("Provenance", "SBOM")
        }
        assert "pkg:docker/alpine@3.22" in json.dumps(found["Provenance"]["linux/arm64"])
        packages = found["SBOM"]["linux/amd64"]["SPDX"]["packages"]
        assert packages[0]["name"] == "library/alpine"
    assert buildkit.image_tree(f"{name}:1", "linux/arm64").read_text("/fetched") == "1"


def _json(run: Client, *words: str) -> dict[str, Any]:
    *command, what = words
    found: dict[str, Any] = json.loads(run(*command, "--format", f"{{{{json .{what}}}}}"))
    return found


def test_caches_go_from_worker_to_worker(remote: Client, buildkit: FakeBuildKit) -> None:
    """By a registry, and by a folder; a store that is not there is refused."""
    build = ("buildx", "build", "--progress=plain", "--builder", "double", *SECRET)
    with FakeRegistry() as registry:
        for cache, source in (
            (f"type=registry,ref={registry.address}/cache:1", ""),
            ("type=local,dest=/tmp/cache", "type=local,src=/tmp/cache"),
        ):
            remote(*build, "--cache-to", f"{cache},mode=max", ".")
            assert "Total:" in remote("buildx", "prune", "--builder", "double", "-af")
            again = remote(*build, "--cache-from", source or cache, ".")
            assert again.count("CACHED") >= 3
    refused = remote.refused(*build, "--cache-to", "type=s3,region=eu,bucket=b", ".")
    assert "the BuildKit double exports no caches of type s3" in refused
    remote(*build, "-o", "type=oci,dest=/tmp/app.tar", ".")
    remote(*build, "-o", "type=docker,dest=/tmp/app.tar", ".")
    assert [step.instruction for step in buildkit.records[-1].steps if not step.cached]


def test_a_remote_worker_with_certificates(
    newer_docker: ClientTool, buildkit: FakeBuildKit, tmp_path: Path
) -> None:
    """Of both sides, as daemons on a network are reached."""
    pytest.importorskip("cryptography")
    certificate = make_certificate("localhost")
    context = certificate.server_context()
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate.certificate.decode())
    newer_docker.put_text(certificate.certificate.decode(), "/tmp/ca.pem")
    newer_docker.put_text(certificate.key.decode(), "/tmp/key.pem")
    files = "cacert=/tmp/ca.pem,cert=/tmp/ca.pem,key=/tmp/key.pem,servername=localhost"
    run = Client(newer_docker)
    with buildkit.serve("tcp://localhost:0", tls=context) as address:
        create = ("buildx", "create", "--name", "secured", "--driver", "remote")
        run(*create, "--driver-opt", files, address)
        try:
            run("buildx", "build", "--builder", "secured", *SECRET, ".")
        finally:
            run("buildx", "rm", "secured")
    assert buildkit.records[-1].secrets == ["token"]
