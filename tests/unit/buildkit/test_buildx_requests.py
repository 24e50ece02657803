"""What is asked of a daemon, compared with what `docker buildx build` asks for the same options."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from imagebuilders.auth.keychain import Keychain
from imagebuilders.build_context import BuildContext
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.job import BuildJob
from imagebuilders.buildkit.build import solve_request
from imagebuilders.buildkit.engine_build import plan_build
from imagebuilders.buildkit.engine_features import EngineFeatures
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest
from imagebuilders.events import Event
from imagebuilders.exceptions import BuildOptionsError, ImageNameError
from imagebuilders.oci.reference import parse_build_target

DATA = Path(__file__).parents[2] / "data" / "buildx_requests.json.gz"
RECORDED = json.loads(gzip.decompress(DATA.read_bytes()))
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in RECORDED["cases"]}

NOT_SENT = {
    "attest:provenance": "no attestations unless asked for: one digest, as of a classic build",
    "prefer-image-digest": "the digest of the image in the store is what is wanted",
    "unpack": "an image that is pushed can be run from the engine as well",
    "buildinfo-attrs": "the exporter knows build information no more",
    "sharedkey:localdir": "the key of the session stands for all folders of the build",
}
"""What buildx sends and the client does not, and why."""

LEFT_OUT = {
    **dict.fromkeys(
        ("build-arg-04", "build-arg-20", "build-arg-23", "build-arg-24"),
        "the environment, and proxies of config.json, which have tests of their own",
    ),
    **dict.fromkeys(
        ("env-01", "env-02", "env-09", "env-11", "env-12", "env-30"),
        "the environment decides nothing that the call does not name",
    ),
    **dict.fromkeys(("env-04", "env-15", "env-17", "env-19", "env-25"), "buildx's own variables"),
    "env-29": "an image is asked for, so it is kept",
    **dict.fromkeys(
        ("cache-from-08", "cache-to-08"), "without a token the daemon tells what gha lacks"
    ),
    **dict.fromkeys(
        ("cache-from-21", "cache-from-22"), "credentials of a cache are not taken from elsewhere"
    ),
    "cache-from-06": "whether a digest is there is the daemon's to find out",
    "output-30": "a type that no exporter has is told before the build",
    "output-46": "an image is stored once, however often it is asked for",
    "build-arg-22": "one inline cache is enough",
    "ulimit-11": "a limit that is given twice is the caller's mistake, and the daemon's last word",
    "no-cache-08": "no stage is no stage",
    "platform-07": "the daemon's own platform is asked for by leaving the option out",
    **dict.fromkeys(
        ("output-23@graph", "output-27@graph", "output-50@graph"),
        "this image store passes over a push; with a registry, the engine pushes after the build",
    ),
    "pull-03": "a value that only a command line has",
    "secret-16": "an empty secret is a mistake",
    "secret-17": "a secret that cannot be read is told before the build",
    "secret-19": "a secret that cannot be read is told before the build",
    "tag-08": "an image's digest is not known before the build",
}
"""Command lines that mean something else here, and why."""

ACCEPTED = {
    "add-host-08": "what is no address is the daemon's to refuse",
    "ulimit-04": "the daemon knows the limits that its system has",
    "ulimit-09": "the daemon knows the limits that its system has",
    **dict.fromkeys(
        ("output-24", "output-26", "output-28"), "an image always has a name, to push it by"
    ),
    "output-25": "the daemon tells what its exporter does not know",
    "output-54": "a folder may have several platforms whatever the image store",
    "platform-11": "no platform is the daemon's own",
}
"""What buildx refuses and the client does not, and why."""

OPTIONS = {
    "--build-arg": "build_arg",
    "--label": "label",
    "--target": "target",
    "--platform": "platform",
    "--cache-from": "cache_from",
    "--cache-to": "cache_to",
    "--no-cache": "no_cache",
    "--no-cache-filter": "no_cache_filter",
    "--pull": "pull",
    "--network": "network",
    "--add-host": "add_host",
    "--shm-size": "shm_size",
    "--ulimit": "ulimit",
    "--secret": "secret",
    "--build-context": "build_context",
    "-o": "output",
    "--output": "output",
}
SWITCHES = {"--no-cache", "--pull"}
SINGLE = {"target", "network", "shm_size"}


def _options(arguments: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """Return what a command line says, as options of a build and names of the image."""
    options: dict[str, Any] = {}
    names: list[str] = []
    waiting = list(arguments)
    while waiting:
        flag, equals, value = waiting.pop(0).partition("=")
        if flag in SWITCHES:
            options[OPTIONS[flag]] = value != "false"
            continue
        if not equals:
            value = waiting.pop(0)
        if flag in ("-t", "--tag"):
            names.append(value)
        elif OPTIONS[flag] in SINGLE:
            options[OPTIONS[flag]] = value
        elif value or flag == "--secret":
            options.setdefault(OPTIONS[flag], []).append(value)
    return options, names


def _ask(case: Mapping[str, Any], told: list[Event]) -> tuple[SolveRequest, list[str]]:
    """Return what the client asks a daemon for."""
    arguments = [argument.replace("WORK", os.getcwd()) for argument in case["arguments"]]
    given, names = _options(arguments)
    options = DockerBuildOptions.from_any(given)
    full_names = tuple(str(parse_build_target(name)) for name in names or ["image"])
    job = BuildJob(
        BuildContext("ctx").build_snapshot(),
        options,
        full_names,
        Keychain({}),
        emit=told.append,
    )
    features = EngineFeatures(
        "Docker Engine 28.5.2 (linux/amd64)",
        has_containerd_store=case["id"].endswith("@containerd"),
        host_gateway="172.17.0.1" if case["id"].endswith("@containerd") else "172.31.0.1",
    )
    return solve_request(plan_build(job, features).build, "session"), names


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that the command lines name."""
    folder = tmp_path_factory.mktemp("work")
    for name, content in RECORDED["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.fixture(autouse=True)
def work_folder(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in that folder."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(files / "cache-dir"))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(files / "agent.sock"))


def _is_among(name: str, listed: Mapping[str, str]) -> bool:
    """Tell whether a case is listed, alone or for both image stores."""
    return name in listed or name.partition("@")[0] in listed


def _expected(request: Mapping[str, Any], *, has_name: bool) -> dict[str, Any]:
    """Return what buildx asks for, without what the client does not send."""

    def kept(attributes: Mapping[str, str]) -> dict[str, str]:
        return {
            name: value
            for name, value in attributes.items()
            if not name.startswith(tuple(NOT_SENT))
        }

    exporters = [
        (each["Type"], kept(each.get("Attrs", {}))) for each in request.get("Exporters", [])
    ]
    for _, exporter in exporters:
        named = exporter.pop("name", "").split(",")
        if has_name and named != [""]:
            exporter["name"] = ",".join(str(parse_build_target(name)) for name in named)
    attributes: dict[str, Any] = dict(kept(request["FrontendAttrs"]))
    if "cache-imports" in attributes:
        attributes["cache-imports"] = [
            {"Attrs": {}, **each} for each in json.loads(attributes["cache-imports"])
        ]
    return {
        "Frontend": request["Frontend"],
        "FrontendAttrs": attributes,
        "Exporters": exporters,
        "Exports": [
            (each["Type"], each.get("Attrs", {}))
            for each in request.get("Cache", {}).get("Exports", [])
        ],
        "Entitlements": request.get("Entitlements", []),
    }


def _sent(request: SolveRequest, *, has_name: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        name: re.sub(r"(?<=oci-layout://)[0-9a-f]{25}", "STORE", value)
        for name, value in request.FrontendAttrs.items()
    }
    if "cache-imports" in attributes:
        attributes["cache-imports"] = json.loads(attributes["cache-imports"])
    exporters = [(each.Type, dict(each.Attrs)) for each in request.Exporters]
    for _, exporter in exporters:
        exporter.pop("unpack", None)
        if not has_name:
            exporter.pop("name", None)
    return {
        "Frontend": request.Frontend,
        "FrontendAttrs": attributes,
        "Exporters": exporters,
        "Exports": [(each.Type, dict(each.Attrs)) for each in request.Cache.Exports],
        "Entitlements": list(request.Entitlements),
    }


@pytest.mark.parametrize(
    "name",
    [name for name, case in CASES.items() if "error" not in case and not _is_among(name, LEFT_OUT)],
)
def test_the_request_is_that_of_buildx(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributes, exporters, caches and entitlements are the same, but for what is listed."""
    case = CASES[name]
    for variable, value in case.get("environ", {}).items():
        monkeypatch.setenv(variable, value)
    told: list[Event] = []
    request, names = _ask(case, told)
    has_name = bool(names)
    assert _sent(request, has_name=has_name) == _expected(case["request"], has_name=has_name)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, case in CASES.items()
        if "error" in case and not _is_among(name, {**ACCEPTED, **LEFT_OUT})
    ],
)
def test_what_buildx_refuses_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the build, with an error that names the option."""
    for variable, value in CASES[name].get("environ", {}).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises((BuildOptionsError, ImageNameError)):
        _ask(CASES[name], [])


def test_every_difference_is_met() -> None:
    """What is listed as different is among what was recorded."""
    ids = {*CASES, *(name.partition("@")[0] for name in CASES)}
    assert {*LEFT_OUT, *ACCEPTED} <= ids
    recorded = json.dumps(RECORDED["cases"])
    assert all(f'"{name}' in recorded for name in NOT_SENT)
