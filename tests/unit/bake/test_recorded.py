"""What bake makes of files, compared with what `docker buildx bake` made of the same ones."""

from __future__ import annotations

import gzip
import io
import json
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import LocalImageBuilder, Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest
from imagebuilders.cli.main import main

DATA = Path(__file__).parents[2] / "data" / "bake.json.gz"
RECORDED = json.loads(gzip.decompress(DATA.read_bytes()))
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in RECORDED["cases"]}

BY_HCL = {"hcl-errors", "hcl-loop", "hcl-matrix", "hcl-validate", "hcl-two"}
"""What these sets of files show is HCL's own: expressions, their errors, files over one another."""

OTHERWISE = {
    "compose-full-07": "what is printed needs no agent; the build does",
    "hcl-basic-17": "what is printed needs no agent; the build does",
    "hcl-basic-24": "--set NAME.network is heeded: buildx loses its value",
    "hcl-basic-27": "--set NAME.ulimits is heeded: buildx loses its value",
    "hcl-basic-34": "--set NAME.no-cache-filter is heeded: buildx loses its value",
    **dict.fromkeys(
        ("hcl-basic-35", "hcl-basic-36", "hcl-basic-45", "hcl-basic-46", "hcl-basic-47"),
        "variables are gone from what buildx printed, which stands for the HCL here",
    ),
    "hcl-basic-37": "groups are printed by those who ask for them",
    "hcl-basic-38": "the list has one form",
}
"""What is done otherwise, and why."""

NOT_SENT = ("attest:provenance", "sharedkey:localdir", "local-sessionid", "filename")
"""No attestations unless asked for; the names and keys of folders are each client's own."""

OWN = ("image-resolve-mode", "local-sessionid", "filename", "dockerfilekey")
"""As in a classic build, an image that the engine has is taken; see above for the others."""


def _printed_hcl(fileset: str) -> str:
    """Return as JSON what buildx printed of all that an HCL file has."""
    merged: dict[str, Any] = {"group": {}, "target": {}}
    for name in ("hcl-basic-05", "hcl-basic-02", "hcl-basic-03", "hcl-objects-01"):
        case = CASES[name]
        if case["fileset"] == fileset:
            merged["group"].update(case["output"].get("group", {}))
            merged["target"].update(case["output"]["target"])
    merged["group"].pop("default", None)
    if fileset == "hcl-basic":
        merged["group"]["default"] = {"targets": ["web", "db"]}
    return json.dumps(merged)


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without what the cases set."""
    for name in ("SOURCE_DATE_EPOCH", "B", "TAG", "Y", "TOK", "BUILDX_BAKE_FILE", "N"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    folder = tmp_path / "case"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def _prepare(case: Mapping[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write the files of a case and set its environment; return its command line."""
    files = {**RECORDED["common_files"], **RECORDED["filesets"][case["fileset"]]}
    for name, content in files.items():
        path = folder / name.replace("docker-bake.hcl", "docker-bake.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        is_hcl = name.endswith(".hcl")
        path.write_text(_printed_hcl(case["fileset"]) if is_hcl else content)
    for name, value in case.get("env", {}).items():
        value = value.replace("ROOT", str(folder.parent))
        monkeypatch.setenv(name, value.replace("docker-bake.hcl", "docker-bake.json"))
    words = [word.replace("docker-bake.hcl", "docker-bake.json") for word in case["argv"]]
    return ["bake", *words]


def _normal(output: Mapping[str, Any]) -> dict[str, Any]:
    """Sort what has no order of its own."""
    found = json.loads(json.dumps(output))
    for target in found.get("target", {}).values():
        target.get("ulimits", []).sort()
    return dict(found)


def _printing() -> list[str]:
    return [
        name
        for name, case in CASES.items()
        if {"--print", "--list"} & set(case["argv"])
        and case["fileset"] not in BY_HCL
        and name not in OTHERWISE
    ]


@pytest.mark.parametrize("name", _printing())
def test_the_targets_are_those_of_buildx(
    name: str,
    work_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What is printed is the same, and what is refused is refused."""
    case = CASES[name]
    code = main(_prepare(case, work_folder, monkeypatch))
    printed = capfd.readouterr().out
    if case.get("exit"):
        assert code == 2
        assert printed == ""
    elif "--list" in case["argv"]:
        assert printed == case["output"]
    else:
        assert code == 0
        assert _normal(json.loads(printed)) == _normal(case["output"])


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if "docker-bake.hcl" in str(RECORDED["filesets"])
             and case["fileset"].startswith("hcl-") and name.endswith("-01")]
)  # fmt: skip
def test_hcl_is_refused_with_what_turns_it_into_json(
    name: str,
    work_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The message has the command."""
    for file, content in RECORDED["filesets"][CASES[name]["fileset"]].items():
        (work_folder / file).write_text(content)
    assert main(["bake"]) == 2
    assert "docker buildx bake -f docker-bake.hcl --print" in capfd.readouterr().err


# --- requests --------------------------------------------------------------------


@pytest.fixture
def daemon(tmp_path: Path, work_folder: Path) -> Iterator[ScriptedBuildKit]:
    """A daemon that keeps images in containerd, with the active stack's builder in front of it."""

    def script(build: ScriptedBuild) -> dict[str, str]:
        return build.export()

    def answer(build: ScriptedBuild, question: object) -> dict[str, bytes]:
        return {"containerimage.config": b"{}"}

    made = ScriptedBuildKit(script, containerd_store=True, frontend=answer)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=made))
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    builder = LocalImageBuilder(docker_client=client)
    with Stack(image_builder=builder, artifact_store=store, name="mine").activate():
        yield made
    client.close()


def _kept(attributes: Mapping[str, str], left_out: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value
        for name, value in attributes.items()
        if not name.startswith((*left_out, "input-metadata"))
        or (name == "image-resolve-mode" and value == "pull")
    }


def _requested(request: SolveRequest) -> dict[str, Any]:
    return {
        "attributes": _kept(request.FrontendAttrs, OWN),
        "entitlements": sorted(set(request.Entitlements)),
        "cache": [(each.Type, dict(each.Attrs)) for each in request.Cache.Exports],
    }


def _expected(request: Mapping[str, Any]) -> dict[str, Any]:
    exports = request.get("Cache", {}).get("Exports", [])
    return {
        "attributes": _kept(request["FrontendAttrs"], (*NOT_SENT, "dockerfilekey")),
        "entitlements": sorted(set(request.get("Entitlements", []))),
        "cache": [(each["Type"], each.get("Attrs", {})) for each in exports],
    }


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, case in CASES.items()
        if case.get("control_solve") and case["fileset"] not in BY_HCL
        and "--call" not in case["argv"]
    ],
)  # fmt: skip
def test_the_requests_are_those_of_buildx(
    name: str, daemon: ScriptedBuildKit, work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each target asks the daemon for the same, but for what is listed above."""
    case = CASES[name]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    words = _prepare(case, work_folder, monkeypatch)
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(work_folder.parent / "agent.sock"))
        # Agents and keys are the session's; the key that was recorded is none.
        main([*words, *(["--set", "web.ssh=default"] if "SSH_AUTH_SOCK" in str(case) else [])])
    key = lambda each: json.dumps(each, sort_keys=True)  # noqa: E731
    asked = [_requested(request) for request in daemon.requests if request.Frontend]
    assert sorted(asked, key=key) == sorted(map(_expected, case["control_solve"]), key=key)


def test_what_is_not_allowed_is_told(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the flags that allow it, as buildx does."""
    assert main(_prepare(CASES["compose-full-08"], work_folder, monkeypatch)) == 2
    assert "--allow=network.host --allow=ssh" in capfd.readouterr().err


def test_every_case_is_shown_or_listed() -> None:
    """None is left out in silence, and the lists name nothing else."""
    assert set(OTHERWISE) <= set(CASES)
    assert {case["fileset"] for case in CASES.values()} >= BY_HCL
