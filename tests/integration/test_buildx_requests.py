"""Random command lines: what `docker buildx build` asks a daemon for, and `imagebuilders build`.

The real buildx of Debian speaks to the scripted daemon, which keeps its requests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import buildx_comparison as comparison
import pytest
from comparison_size import size
from testbed.tools import ClientTool, Completed

from fakes.buildkit import ScriptedBuildKit
from imagebuilders.buildkit.control.gateway import SERVICE
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest
from imagebuilders.buildkit.proto.gateway_pb2 import APICap, PongResponse
from imagebuilders.buildkit.proto.ops_pb2 import Platform
from imagebuilders.buildkit.proto.worker_pb2 import BuildkitVersion, WorkerRecord
from imagebuilders.buildkit.transport.call import Call

SEED = 20261130
FILES = {
    "ctx/Dockerfile": "FROM scratch AS first\nCOPY a.txt /\nFROM first AS second\n",
    "ctx/a.txt": "a\n",
    "named/n.txt": "n\n",
    "other/Alt.Dockerfile": "FROM scratch\n",
    "secret.txt": "s3cret",
}
PIECES: list[list[str]] = [
    ["--build-arg", "A=1"],
    ["--build-arg", "BUILDKIT_SYNTAX=docker/dockerfile:1"],
    ["--build-arg", "BUILDKIT_MULTI_PLATFORM=1"],
    ["--build-context", "base=named"],
    ["--build-context", "img=docker-image://alpine:3"],
    ["--build-context", "git=https://example.com/r.git#main"],
    ["--label", "a=b=c"],
    ["--label", "bare"],
    ["--target", "first"],
    ["--platform", "linux/arm64/v8,linux/x86_64"],
    ["--platform", "linux/arm"],
    ["--no-cache"],
    ["--no-cache=false", "--no-cache-filter", "first,second"],
    ["--pull"],
    ["--network", "none"],
    ["--network", "host"],
    ["--allow", "security.insecure"],
    ["--allow", "network.host"],
    ["--add-host", "h:1.2.3.4"],
    ["--add-host", "six=[::1]"],
    ["--shm-size", "64m"],
    ["--ulimit", "nofile=10:20"],
    ["--ulimit", "nproc=7"],
    ["--cgroup-parent", "/group"],
    ["--attest", "type=sbom,generator=me/scan"],
    ["--attest", "type=provenance,mode=min,builder-id=b"],
    ["--provenance", "mode=max"],
    ["--provenance=false"],
    ["--sbom=true"],
    ["--annotation", "a=b"],
    ["--annotation", "index,manifest[linux/arm64]:k=v"],
    ["--cache-from", "r.example/c"],
    ["--cache-from", "type=s3,bucket=b,region=r,access_key_id=k,secret_access_key=s"],
    ["--cache-from", "type=azblob,name=n,account_url=https://a.example"],
    ["--cache-to", "type=registry,ref=r.example/c,mode=max"],
    ["--cache-to", "type=inline"],
    ["--cache-to", "type=local,dest=cache"],
    ["--secret", "id=a,src=secret.txt"],
    ["-f", "other/Alt.Dockerfile"],
    ["-t", "r.example/app:1"],
    ["-t", "y:2"],
    ["-o", "type=local,dest=out"],
    ["-o", "type=tar,dest=out.tar"],
    ["-o", "type=oci,dest=out.oci"],
    ["-o", "type=image,compression=zstd"],
    ["-o", "type=image,name=r.example/own:1,push=true"],
    ["-t", "r.example/q", "-o", "type=registry"],
    ["-t", "r.example/p", "--push"],
    ["--call", "check"],
    ["--call", "outline"],
    ["--progress", "plain"],
    ["--iidfile", "iid"],
    ["--metadata-file", "m.json"],
]
WRONG: list[list[str]] = [
    ["--network", "bridge"],
    ["--allow", "bogus"],
    ["--platform", "bogus"],
    ["--annotation", "bogus:a=b"],
    ["--attest", "mode=max"],
    ["-t", "UPPER"],
    ["--secret", "secret.txt"],
    ["--ulimit", "nofile=x"],
]
CAPABILITIES = (
    *("solve.base", "solve.inlinereturn", "resolveimage", "readfile", "return", "returnmap"),
    *("readdir", "statfile", "importcaches", "proto.refarray", "reference.output"),
    *("frontend.inputs", "gateway.solve.metadata", "frontend.caps", "gateway.warnings"),
    *("source.image", "source.local", "source.git", "source.http", "source.ocilayout"),
    *("cache.gha", "cache.s3", "cache.azblob", "exporter.image.annotations"),
    *("exporter.image.attestations", "exporter.sourcedateepoch", "exporter.multiple"),
)


def _command_lines(number: int) -> list[list[str]]:
    drawn = random.Random(SEED)
    lines = []
    for _ in range(number):
        pieces = drawn.sample(PIECES, drawn.randint(1, 7))
        if drawn.random() < 0.2:
            pieces.append(drawn.choice(WRONG))
        lines.append([word for piece in pieces for word in piece])
    return lines


@pytest.fixture(scope="module")
def daemon() -> Iterator[tuple[ScriptedBuildKit, str]]:
    """A scripted daemon with the capabilities of a real one, and its address."""

    def ping(call: Call) -> None:
        call.receive()
        known = [APICap(ID=name, Enabled=True) for name in CAPABILITIES]
        call.send(
            PongResponse(FrontendAPICaps=known, LLBCaps=known, Workers=[worker]).SerializeToString()
        )

    version = BuildkitVersion(package="github.com/moby/buildkit", version="v0.32.2")
    worker = WorkerRecord(
        ID="worker",
        Labels={"org.mobyproject.buildkit.worker.executor": "oci"},
        platforms=[Platform(OS="linux", Architecture=name) for name in ("amd64", "arm64")],
        BuildkitVersion=version,
    )
    buildkit = ScriptedBuildKit(
        lambda build: build.export(),
        workers=[worker],
        frontend=lambda build, question: {},
        handlers={f"{SERVICE}Ping": ping},
    )
    with buildkit.serve("tcp://127.0.0.1:0") as address:
        yield buildkit, address


@pytest.fixture(scope="module")
def buildx(
    daemon: tuple[ScriptedBuildKit, str],
    client_tool: Callable[[str], ClientTool],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[list[str]], Completed]:
    """Run `docker buildx build` against that daemon, in a folder with the files."""
    folder = _work_folder(tmp_path_factory)
    docker = client_tool("docker")
    docker.put(folder, "/buildx-work")
    docker.run("buildx", "create", "--name", "scripted", "--driver", "remote", daemon[1])

    def run(words: list[str]) -> Completed:
        return docker.run(
            *("buildx", "build", "--builder", "scripted", *words, "ctx"),
            environment={"AWS_EC2_METADATA_DISABLED": "true"},
            workdir="/buildx-work",
            check=False,
        )

    return run


def _work_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("buildx") / "work"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def _request_of_buildx(daemon: ScriptedBuildKit) -> dict[str, Any] | None:
    """Return what buildx asked for since the last time."""
    builds = [request for request in daemon.requests if request.FrontendAttrs]
    questions = list(daemon.gateway.questions)
    daemon.builds.clear()
    daemon.gateway.questions.clear()
    if not builds or not questions:
        return None
    build, question = builds[-1], questions[-1]
    return {
        "Frontend": question.Frontend,
        "FrontendAttrs": dict(question.FrontendOpt),
        "Exporters": [{"Type": each.Type, "Attrs": dict(each.Attrs)} for each in build.Exporters],
        "Cache": {
            "Exports": [
                {"Type": each.Type, "Attrs": dict(each.Attrs)} for each in build.Cache.Exports
            ]
        },
        "Entitlements": list(build.Entitlements),
    }


def _is_known(words: list[str], *, is_refused_by_us: bool) -> bool:
    """Tell whether a refusal by one side alone is one of the differences that are meant."""
    if is_refused_by_us:
        return "--push" in words and "y:2" in words  # a bare name names no registry to push to
    return "--call" in words  # a question has no names, outputs and files that could be wrong


def _compare(words: list[str], theirs: dict[str, Any], ours: SolveRequest) -> str:
    """Return what differs in the requests; empty if nothing does."""
    expected, sent = comparison.expected(theirs), comparison.sent(ours)
    each = expected["Exporters"]  # an image is exported once, however often it is asked for
    expected["Exporters"] = [one for at, one in enumerate(each) if one not in each[:at]]
    if "--call" in words:  # a question has no results, which nobody would take
        for request in (expected, sent):
            request["Exporters"] = request["Exports"] = []
            attributes = request["FrontendAttrs"]
            request["FrontendAttrs"] = {
                name: attributes[name] for name in attributes if not name.startswith("attest:")
            }
    found = [f"{part}: {expected[part]} != {sent[part]}" for part in expected]
    return "; ".join(
        text for part, text in zip(expected, found, strict=True) if expected[part] != sent[part]
    )


def test_random_command_lines(
    daemon: tuple[ScriptedBuildKit, str],
    buildx: Callable[[list[str]], Completed],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The same request, or a refusal by both, but for the differences that are known."""
    monkeypatch.chdir(_work_folder(tmp_path_factory))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("BUILDX_BUILDER", "BUILDKIT_HOST", "SOURCE_DATE_EPOCH", "DOCKER_DEFAULT_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    differences: list[str] = []
    compared = refused = 0
    for words in _command_lines(size(24, 400)):
        said = buildx(words)
        theirs = _request_of_buildx(daemon[0])
        ours = comparison.run("remote", [*words, "ctx"], monkeypatch)
        if theirs is not None and ours.request is not None:
            compared += 1
            differs = _compare(words, theirs, ours.request)
        else:
            refused += 1
            is_alike = theirs is None and ours.request is None
            is_known = _is_known(words, is_refused_by_us=ours.request is None)
            differs = (
                "" if is_alike or is_known else f"{said.stderr[-300:]} != {ours.output[-300:]}"
            )
        if differs:
            differences.append(f"{' '.join(words)}: {differs}")
    assert not differences, "\n".join(differences)
    assert compared > refused > 0
