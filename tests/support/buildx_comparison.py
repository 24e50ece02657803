"""What `imagebuilders build` asks a daemon for, beside what `docker buildx build` asks for."""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from imagebuilders import BuildKitImageBuilder, DefaultContainerRegistry, LocalImageBuilder, Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.auth.keychain import Keychain
from imagebuilders.build_request import BuildOutcome, BuildRequest
from imagebuilders.buildkit import frontend_calls
from imagebuilders.buildkit.build import ImageBuild, solve_request
from imagebuilders.buildkit.control.client import Worker
from imagebuilders.buildkit.daemon_features import DaemonFeatures
from imagebuilders.buildkit.engine_build import plan_build
from imagebuilders.buildkit.engine_client import OpenDaemon
from imagebuilders.buildkit.engine_features import EngineFeatures
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest
from imagebuilders.cli.main import main
from imagebuilders.events import ImagePushed, emit
from imagebuilders.oci.reference import parse_build_target

NAME = "image"
"""The name of an image that the command line gives none."""

NOT_SENT = {
    "attest:provenance=mode=min,inline-only=true": "nothing is attested unless it is asked for",
    "prefer-image-digest": "the digest of the image in the store is what is wanted",
    "unpack": "an image that is pushed can be run from the engine as well",
    "sharedkey:localdir": "the key of the session stands for all folders of the build",
    "dockerfilekey": "a Dockerfile beside a folder is looked for in a folder of its own anyway",
    "vcs:": "the state of a git work tree is not looked at",
    "label:com.docker.image.source.entrypoint": "nor put into labels",
    "label:org.opencontainers.image.revision": "nor put into labels",
    "label:org.opencontainers.image.source": "nor put into labels",
    "buildinfo-attrs": "the exporter knows build information no more",
    "push": "an engine pushes after the build, whatever its image store",
}
"""What buildx sends and the client does not, and why; `push` to engines alone."""

SENT_OTHERWISE = {
    "filename": "a Dockerfile of this machine is sent under one name",
    "name": "names are complete, and an image always has one",
    "context": "the address of an upload is drawn",
}
"""What both send with other values, and why."""


@dataclass(frozen=True)
class Outcome:
    """What the command line came to.

    Attributes:
        code: the exit code.
        request: what a daemon was asked for, if it was.
        output: what was written to standard error.
    """

    code: int
    request: SolveRequest | None
    output: str


class _Asked:
    request: SolveRequest | None = None

    def note(self, build: ImageBuild) -> None:
        self.request = solve_request(build, "session")


def _push(request: BuildRequest) -> BuildOutcome:
    digest = "sha256:" + "1" * 64
    for name in request.pushed:
        emit(ImagePushed(f"{parse_build_target(name).repository}@{digest}"))
    if request.pushed and request.reference is not None:
        return BuildOutcome(f"{request.reference.repository}@{digest}")
    return BuildOutcome(request.image_name or digest)


def _engine_features(driver: str) -> EngineFeatures:
    return EngineFeatures(
        "Docker Engine 28.5.2 (linux/amd64)",
        has_containerd_store=driver == "containerd",
        host_gateway="172.17.0.1" if driver == "containerd" else "172.31.0.1",
        has_resources=True,
    )


def _daemon_features() -> DaemonFeatures:
    labels = {"org.mobyproject.buildkit.worker.executor": "oci"}
    return DaemonFeatures.of("BuildKit", [Worker("id", labels, ("linux/amd64",), "v0.32.2")])


def _local_builder(driver: str, asked: _Asked) -> LocalImageBuilder:
    class Planning(LocalImageBuilder):
        def _build(self, request: BuildRequest) -> BuildOutcome:
            job = request.job(
                proxies=request.proxies(), frontend="dockerfile", will_push=bool(request.pushed)
            )
            asked.note(plan_build(job, _engine_features(driver)).build)
            return _push(request)

        @contextmanager
        def _open_daemons(self, keychain: Keychain) -> Iterator[Sequence[OpenDaemon]]:
            yield (OpenDaemon("", None, _engine_features(driver), ()),)  # type: ignore[arg-type]

    return Planning(builder="buildkit")


def _remote_builder(asked: _Asked) -> BuildKitImageBuilder:
    class Planning(BuildKitImageBuilder):
        def _build(self, request: BuildRequest) -> BuildOutcome:
            job = request.job(
                proxies=request.proxies(), frontend="dockerfile", will_push=bool(request.pushed)
            )
            asked.note(plan_build(job, _daemon_features()).build)
            return _push(request)

        @contextmanager
        def _open_daemons(self, keychain: Keychain) -> Iterator[Sequence[OpenDaemon]]:
            yield (OpenDaemon("", None, _daemon_features(), ()),)  # type: ignore[arg-type]

    return Planning(addresses="unix:///nowhere")


def run(
    driver: str, words: Sequence[str], monkeypatch: pytest.MonkeyPatch, *, stdin: bytes = b""
) -> Outcome:
    """Run `imagebuilders build` up to the request that a daemon would get.

    Args:
        driver: `remote`, `containerd` or `graph`.
        words: what stands behind `build`.
        monkeypatch: undoes what is put in place for it.
        stdin: what standard input holds.
    """
    asked = _Asked()
    builder = _remote_builder(asked) if driver == "remote" else _local_builder(driver, asked)

    def question(_client: object, build: ImageBuild, *_others: object, **_more: object) -> Any:
        asked.note(build)
        return {"result.json": b"{}", "result.txt": b"(text)"}

    error = io.StringIO()
    with monkeypatch.context() as patches:
        patches.setattr(frontend_calls, "run_build", question)
        patches.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patches.setattr(sys, "stdout", io.StringIO())
        patches.setattr(sys, "stderr", error)
        store = LocalArtifactStore(path="unused")
        with Stack(image_builder=builder, artifact_store=store, name="s").activate() as stack:
            if _pushes_bare_names(words):
                stack.container_registry = DefaultContainerRegistry(uri="docker.io/library")
            code = main(("build", *_named(driver, words)))
    return Outcome(code, asked.request, error.getvalue())


def _after(words: Sequence[str], *flags: str) -> list[str]:
    """Return the values of flags."""
    found = [value for word, value in pairwise(words) if word in flags]
    split = [word.partition("=") for word in words]
    return [*found, *(value for name, equals, value in split if equals and name in flags)]


def _pushes_bare_names(words: Sequence[str]) -> bool:
    """Tell whether an image is pushed to Docker Hub, which its name need not say to buildx."""
    tags = _after(words, "-t", "--tag")
    return "--push" in words and bool(tags) and "/" not in tags[0]


def _named(driver: str, words: Sequence[str]) -> list[str]:
    """Return a command line that says what buildx takes for granted."""
    added: list[str] = []
    outputs = _after(words, "-o", "--output")
    if not _after(words, "-t", "--tag") and not any("name=" in output for output in outputs):
        added += ["-t", NAME]
    asks = any(outputs) or not {"--load", "--push", "--check"}.isdisjoint(words)
    asks = asks or bool({*_after(words, "--call", "--print")} - {"build", "", "format=json"})
    if driver == "remote" and not asks:
        # A build whose result would be nowhere is refused, and so is told that it is meant.
        added += ["-o", "type=cacheonly"]
    return [*added, *words]


def archive(*, gzip: bool) -> bytes:
    """Return what the recorded command lines had on standard input: a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if gzip else "w") as tar:
        for name, text in (("Dockerfile", b"FROM scratch\nCOPY a.txt /\n"), ("a.txt", b"a\n")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return buffer.getvalue()


# --- the requests, in a form in which they can be compared ---------------------


def expected(request: Mapping[str, Any], *, engine_pushes: bool = False) -> dict[str, Any]:
    """Return what buildx asked for, without what the client does not send.

    Args:
        request: its request.
        engine_pushes: whether an engine is to push the image after the build.
    """

    def kept(attributes: Mapping[str, str], *without: str) -> dict[str, Any]:
        return {
            name: value
            for name, value in attributes.items()
            if not f"{name}={value}".startswith((*_NOT_SENT, *without))
        }

    attributes = kept(request["FrontendAttrs"])
    pushes = ("push=",) if engine_pushes else ()
    exporters = [
        (each["Type"], kept(each.get("Attrs", {}), *pushes))
        for each in request.get("Exporters", [])
    ]
    return {
        "Frontend": request["Frontend"],
        "FrontendAttrs": _comparable(attributes),
        "Exporters": [(kind, _complete(said)) for kind, said in exporters],
        "Exports": [
            (each["Type"], each.get("Attrs", {}))
            for each in request.get("Cache", {}).get("Exports", [])
        ],
        "Entitlements": list(dict.fromkeys(request.get("Entitlements", []))),
    }


_NOT_SENT = tuple(name for name in NOT_SENT if name != "push")


def sent(request: SolveRequest) -> dict[str, Any]:
    """Return what the client asked for."""
    attributes: dict[str, Any] = {
        name: re.sub(r"(?<=oci-layout://)[0-9a-f]{25}", "STORE", value)
        for name, value in request.FrontendAttrs.items()
        if name != "dockerfilekey"
    }
    return {
        "Frontend": request.Frontend,
        "FrontendAttrs": _comparable(attributes),
        "Exporters": [
            (each.Type, _complete({**each.Attrs, "unpack": None})) for each in request.Exporters
        ],
        "Exports": [(each.Type, dict(each.Attrs)) for each in request.Cache.Exports],
        "Entitlements": list(request.Entitlements),
    }


def _comparable(attributes: dict[str, Any]) -> dict[str, Any]:
    found = dict(attributes)
    if "cache-imports" in found:
        found["cache-imports"] = [
            {"Attrs": {}, **each} for each in json.loads(found["cache-imports"])
        ]
    if not found.get("context", "").startswith(("git", "http", "ssh")) or found[
        "context"
    ].startswith("http://buildkit-session/"):
        if "context" not in found:
            found.pop("filename", None)
        else:
            found["context"] = "http://buildkit-session/UPLOAD"
    return found


def _complete(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an exporter with complete names, if any."""
    found = {name: value for name, value in attributes.items() if value is not None}
    names = found.pop("name", "")
    complete = ",".join(str(parse_build_target(name)) for name in names.split(",") if name)
    if complete and complete != str(parse_build_target(NAME)):
        found["name"] = complete
    return found
