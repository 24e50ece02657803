"""Each command and flag of the installed program, used by a process, with doubles behind it.

A session is what a person types, line after line; the last line's output and exit code are looked
at. A command or a flag that no session uses fails a test, so a new one needs its line here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from fakes import FakeBuildKit, FakeDockerEngine, FakeRegistry
from imagebuilders.cli.command import command

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "imagebuilders")
SCANNER = "docker/buildkit-syft-scanner:stable-1"

FILES = {
    "app/Dockerfile": """\
FROM scratch AS files
ARG WORD=none
COPY one.txt /one
FROM files AS final
LABEL word=$WORD
COPY two.txt /two
""",
    "app/other": "FROM scratch\nARG WORD\nLABEL word=$WORD\nCOPY two.txt /one\n",
    "app/other.dockerignore": "one.txt\n",
    "app/based": "FROM base:1\nCOPY one.txt /one\n",
    "app/run": "FROM scratch\nARG WORD\nRUN make\nCOPY one.txt /one\n",
    "app/one.txt": "one\n",
    "app/two.txt": "two\n",
    "compose.yaml": """\
services:
  web:
    image: ${REGISTRY}/web:1
    build: {context: app, target: final, args: {WORD: "${WORD:-unsaid}"}}
  tool:
    image: ${REGISTRY}/tool:1
    build: {context: app, target: files}
  made:
    image: ${REGISTRY}/made:1
    build: {context: app, dockerfile: run}
""",
}


@dataclass(frozen=True)
class Session:
    """What is typed, and what becomes of it.

    Attributes:
        lines: each is a command line without the program's name, and reads what the one before
            wrote; all but the last end well. `$REGISTRY` is the address of the registry.
        says: patterns that the last line's output, standard error after standard output, has.
        code: the last line's exit code.
    """

    lines: str
    says: Sequence[str]
    code: int = 0

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line."""
        return [shlex.split(line) for line in self.lines.strip().splitlines()]


ONE_ID = r"\Asha256:[0-9a-f]{64}\n\Z"
LAST_RECORD = r'\{"event": "%s"[^\n]*\n\Z'

BUILDS = [
    Session("build app -q --tag a:1", [ONE_ID]),
    Session("build app --quiet -t a:2", [ONE_ID]),
    Session("build app -t a:3 --progress plain", [r"\Aa:3\n", r"finished a:3 in "]),
    Session("build app -t a:4 --json", [LAST_RECORD % "result"]),
    Session("build app -t a:5 -f app/other --build-arg WORD=said\ninspect a:5", ["word=said"]),
    Session("build app -q -t a:6 --file app/other --label k=v\ninspect a:6", ["k=v"]),
    Session("build app -t a:7 --target files\ninspect a:7", ["in 1 layer"]),
    Session("build app -t a:8 --platform linux/arm64\ninspect a:8", [r"(?m)^linux/arm64"]),
    Session(
        "build app -t a:9 -f app/based --build-context base:1=app\ninspect a:9", ["in 2 layers"]
    ),
    Session("build app -t a:10 --reproducible\ninspect a:10", ["made 1980-01-01"]),
    Session("build app -t a:11 --no-cache", ["0 of 2 steps cached"]),
    Session(
        "build app -t a:12\nbuild app -t a:12 --no-cache-filter final", ["1 of 2 steps cached"]
    ),
    Session(
        "build app -t a:13 -f app/run --explain-cache\n"
        "build app -t a:13 -f app/run --explain-cache --build-arg WORD=new",
        ["not cached: line 3, RUN make: .*WORD"],
    ),
    Session("build app -q -t a:14 --report page.html\ncontext ls .", [r"page\.html"]),
    Session("build app -q -t a:15 --iidfile iid --metadata-file m\ncontext ls .", ["iid", " m\n"]),
    Session("build app -o out\ncontext ls out", ["one", "two"]),
    Session("build app -q --output type=tar,dest=out.tar\ncontext ls .", [r"out\.tar"]),
    Session("build app -t a:16 --load -o out\ninspect a:16", ["in 2 layers"]),
    Session("build app -t a:17 -D -q", ["DEBUG imagebuilders.*DOCKER_HOST"]),
    Session("build app -t a:18 --debug -q", ["DEBUG imagebuilders.*DOCKER_HOST"]),
    Session("build app --check", ["no warnings"]),
    Session("build app --call outline", ["WORD"]),
    Session("build app --print targets", ["final .default."]),
    Session(
        "build app -t a:19 --add-host h:10.0.0.1 --allow network.host --cgroup-parent g --pull "
        "--network host --shm-size 64m --ulimit nofile=1:2 --policy disabled=true "
        "--secret id=s,src=app/one.txt\n"
        "history inspect",
        ["add-hosts=h=10.0.0.1", "cgroup-parent=g", "shm-size=67108864", "nofile=1:2"],
    ),
    Session("build app -t a:20 --ssh id=app/one.txt", ["app/one.txt"], code=2),
    Session("build app -t a:21 --ssh default", ["finished a:21"]),
    Session("build app -q -t $REGISTRY/pushed:1 --push", [r"\A127[^\n]*/pushed@sha256:"]),
    Session(
        "build app -q -t $REGISTRY/same:1 --push --skip-unchanged\n"
        "build app -t $REGISTRY/same:1 --push --skip-unchanged",
        [r"skipped 127[^\n]*/same:1: unchanged"],
    ),
    # Of the daemon itself: attestations, annotations and caches.
    Session(
        "build app -q --builder far --sbom true -o type=oci,dest=image.tar\ninspect image.tar",
        ["attested .*spdx"],
    ),
    Session(
        "build app --builder far --sbom generator=none/such:1 -o type=cacheonly",
        ["is the scanner", "generator=NAME"],
        code=1,
    ),
    Session(
        "build app -q --builder far --provenance mode=max -o type=oci,dest=image.tar\n"
        "inspect image.tar",
        ["attested .*slsa.dev/provenance"],
    ),
    Session(
        "build app -q --builder far --attest type=provenance -o type=oci,dest=image.tar\n"
        "inspect image.tar",
        ["attested .*slsa.dev/provenance"],
    ),
    Session(
        "build app -q --builder far --annotation k=v -o type=oci,dest=image.tar\n"
        "inspect --json image.tar",
        ['"annotations": {"k": "v"}'],
    ),
    Session(
        "build app -q --builder far -o type=cacheonly --cache-to type=local,dest=kept\n"
        "build app --builder far -o type=cacheonly --cache-from type=local,src=kept",
        ["importing cache manifest from local:"],
    ),
    Session(
        "build app -q --builder daemonless -f app/based --file-list-cache lists "
        "-o type=oci,dest=a.tar --build-context base:1=docker-image://$REGISTRY/base:1\n"
        "context ls .",
        ["lists"],
    ),
    # What only the engine's older builder has.
    Session("build app --builder classic -t a:22 --resource memory=2g", ["finished a:22"]),
    Session(
        "build app --builder classic -t a:23 -m 64m --memory-swap 128m -c 512 --cpu-period 100 "
        "--cpu-quota 50 --cpuset-cpus 0 --cpuset-mems 0 --isolation default --compress --rm "
        "--force-rm",
        ["finished a:23"],
    ),
    Session("build app --builder classic -t a:24 --memory 64m --cpu-shares 512", ["finished a:24"]),
    Session("build app --builder classic -t a:25 --squash", ["squash is only supported"], code=1),
]

BAKES = [
    Session("bake -q", [r"\A(sha256:[0-9a-f]{64}\n){3}\Z"]),
    Session("bake --quiet tool", [ONE_ID]),
    Session("bake --print web --set web.args.WORD=over", ['"WORD": "over"']),
    Session("bake --print web --var WORD=of-a-variable", ['"WORD": "of-a-variable"']),
    Session("bake -f compose.yaml --list targets", ["default\tmade, tool, web"]),
    Session("bake --file compose.yaml --check web", ["no warnings"]),
    Session("bake --call targets web", ["final .default."]),
    Session("bake --push tool", [r"\A127[^\n]*/tool@sha256:"]),
    Session("bake --load --pull --no-cache --parallel 1 web", ["0 of 2 steps cached"]),
    Session("bake --progress plain --metadata-file said.json web\ncontext ls .", ["said.json"]),
    Session("bake --allow fs=. --json tool", [LAST_RECORD % "result"]),
    Session(
        "bake --explain-cache -q made\nbake --explain-cache --set made.args.WORD=baked made",
        ["not cached: line 3, RUN make: .*WORD"],
    ),
    Session(
        "bake -q --builder far --push --sbom true --provenance mode=max tool\n"
        "inspect docker://$REGISTRY/tool:1",
        ["spdx", "slsa"],
    ),
]

IMAGES = [
    Session("push $REGISTRY/shop:1", [r"\A127[^\n]*/shop@sha256:"]),
    Session("push --progress plain $REGISTRY/shop:1", ["pushed 127"]),
    Session("push -q $REGISTRY/shop:1", [r"\A127[^\n]*/shop@sha256:[0-9a-f]{64}\n\Z"]),
    Session("push --quiet $REGISTRY/shop:1", [r"\A127[^\n]*/shop@sha256:[0-9a-f]{64}\n\Z"]),
    Session("push --json $REGISTRY/shop:1", [LAST_RECORD % "result"]),
    Session("inspect $REGISTRY/shop:1", ["COPY one.txt /one"]),
    Session("inspect --json $REGISTRY/shop:1", ['"created_by": "COPY one.txt /one']),
    Session("diff $REGISTRY/shop:1 $REGISTRY/shop:1", ["the same files"]),
    Session("diff $REGISTRY/shop:1 $REGISTRY/shop:2 --text", ["~ /one", "-one", r"\+two"]),
    Session("diff $REGISTRY/shop:1 $REGISTRY/shop:2 --exit-code", ["- /two"], code=3),
    Session("diff $REGISTRY/shop:1 $REGISTRY/shop:2 --json", [LAST_RECORD % "difference"]),
    Session(
        "diff docker://$REGISTRY/base:1 docker://$REGISTRY/base:1 --platform linux/arm64",
        ["the same files"],
    ),
    Session(
        "diff $REGISTRY/shop:1 $REGISTRY/shop:1 --platform linux/arm64",
        ["is for linux/amd64, not for linux/arm64"],
        code=1,
    ),
]

DAEMONS = [
    Session("build app -t a:31\nhistory -n 1", [r"\ABUILD[^\n]*\n[^\n]* completed [^\n]*\n\Z"]),
    Session(
        "build app -t a:32\nhistory --limit 1", [r"\ABUILD[^\n]*\n[^\n]* completed [^\n]*\n\Z"]
    ),
    Session("build app -t a:50\nhistory ls -n 1", [r"\ABUILD[^\n]*\n[^\n]* completed [^\n]*\n\Z"]),
    Session("history ls --limit 1 --builder far --json", [r'"daemon": "BuildKit[^\n]*\n\Z']),
    Session("history --builder far --json", [r'"daemon": "BuildKit[^\n]*\n\Z']),
    Session("build app -t a:30\nhistory inspect", ["a:30", "completed", "filename="]),
    Session("history inspect --json --builder far", ['"failure": null']),
    Session("build app -t a:29\nhistory logs", ["COPY two.txt /two"]),
    Session("history logs --builder far --json", [LAST_RECORD % "step_finished"]),
    Session(
        "build app -o type=cacheonly --builder spare\nhistory rm ^0 --builder spare", [r"\A\w"]
    ),
    Session(
        "build app -o type=cacheonly --builder spare\nhistory rm -a --builder spare", [r"\A\w"]
    ),
    Session(
        "build app -o type=cacheonly --builder spare\n"
        "history rm --all --builder spare\n"
        "history --builder spare",
        [r"\AThere are no builds\.\n\Z"],
    ),
    Session(
        "build app -t a:33\ncache du --filter type=regular", [r"regular .*COPY one.txt", "In all: "]
    ),
    Session("cache du -a --builder far", ["source.local", "In all: "]),
    Session("cache du --all --json", [LAST_RECORD % "disk_usage"]),
    Session("cache du --local", ["in all"]),
    Session("cache prune --builder spare", ["give --force"], code=2),
    Session(
        "build app -o type=cacheonly --builder spare\n"
        "cache prune -f --builder spare --filter type=regular",
        ["Removed [12] records?, "],
    ),
    Session(
        "build app -o type=cacheonly --builder spare\n"
        "cache prune --force -a --builder spare --json",
        [LAST_RECORD % "pruned"],
    ),
    Session(
        "cache prune -f --all --builder spare --reserved-space 1g --max-used-space 2g "
        "--min-free-space 3g",
        ["Removed "],
    ),
    Session("cache prune --local -f --filter until=24h", ["Removed 0 files"]),
    Session("doctor", ["Docker Engine 28.5.2", "Nothing is wrong."]),
    Session("doctor --registry $REGISTRY", ["127[^\n]* answers"]),
    Session("doctor --json --platform linux/s390x", ['"error"[^\n]*linux/s390x'], code=1),
]

FILES_AND_SETTINGS = [
    Session("plan app", ["COPY one.txt /one", "one.txt -> /one"]),
    Session("plan app -f app/other --build-arg WORD=said", ["LABEL word=said"]),
    Session("plan app --file app/based --offline --platform linux/arm64", [r"\Alinux/arm64\n"]),
    Session("plan app -f app/based --build-context base:1=app", ["FROM base:1"]),
    Session("plan app --target files --json --label k=v", ['"Labels": {"k": "v"}']),
    Session("split app", ["Nothing needs a daemon"]),
    Session("split app -f app/run --base b:1", ["RUN make", "FROM b:1"]),
    Session("split app --file app/run --json", ['"needs_daemon": true']),
    Session("split app --target files", ["Nothing needs a daemon"]),
    Session("context ls app -f app/other", [r"two\.txt(?s:(?!one\.txt).)*\Z"]),
    Session("context ls app -a", ["one.txt"]),
    Session("context ls app --all --file app/other --json", [LAST_RECORD % "context"]),
    Session("context digest app", [ONE_ID]),
    Session("context digest app -f app/other", [ONE_ID]),
    Session("context digest --json app --file app/Dockerfile", [LAST_RECORD % "digest"]),
    Session("context hash app -f app/other", [ONE_ID]),
    Session("context hash --json app --file app/Dockerfile", [LAST_RECORD % "digest"]),
    Session("context explain app/one.txt", ["no ignore file in the working directory"]),
    Session("context explain -C app -f app/other app/one.txt", ["line 1"]),
    Session("context explain --context app --file app/other --json two.txt", ['"kept": true']),
    Session("context tar app\nbuild - -q --label k=v", [ONE_ID]),
    Session("context tar app -z -f app/other -o c.tar\ncontext ls .", [r"c\.tar"]),
    Session(
        "context tar app --gzip --keep-times --file app/other --json --output c.tar",
        [LAST_RECORD % "archive"],
    ),
    Session("stack show", ["image_builder: local"]),
    Session("stack show --json", [LAST_RECORD % "stack"]),
    Session("flavors", ["container_registry +ecr"]),
    Session("flavors --json", [LAST_RECORD % "flavor"]),
    Session("completion bash", ["bash_complete"]),
    Session("completion zsh", ["zsh_complete"]),
    Session("completion fish", ["fish_complete"]),
    Session(
        "build app -t a:26 --json\n"
        "report - -f app/Dockerfile --image $REGISTRY/shop:1 --mask two.txt",
        [r"(?is)\A<!doctype html>(?!.*two\.txt).*COPY one\.txt"],
    ),
    Session(
        "build app -t a:27 --json\nreport --output a.html --file app/Dockerfile\ncontext ls .",
        [r"a\.html"],
    ),
    Session("build app -t a:28 --json\nreport -o a.html\ncontext ls .", [r"a\.html"]),
    Session("--version", [r"\Aimagebuilders, version \d"]),
]

SESSIONS = [*BUILDS, *BAKES, *IMAGES, *DAEMONS, *FILES_AND_SETTINGS]


# --- what there is -----------------------------------------------------------------


def _commands_from(name: tuple[str, ...], found: click.Command) -> Iterator[tuple[str, ...]]:
    yield name
    if isinstance(found, click.Group):
        context = click.Context(found)
        for each in found.list_commands(context):
            inner = found.get_command(context, each)
            assert inner is not None
            yield from _commands_from((*name, each), inner)


COMMANDS = list(_commands_from((), command))


def _command(name: Sequence[str]) -> click.Command:
    found: click.Command = command
    for word in name:
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), word)
        assert inner is not None
        found = inner
    return found


def _flags(name: Sequence[str]) -> set[str]:
    """Return all spellings of a command's flags but those of `--help`."""
    options = [each for each in _command(name).params if isinstance(each, click.Option)]
    return {spelling for option in options for spelling in (*option.opts, *option.secondary_opts)}


def _used(words: Sequence[str]) -> tuple[tuple[str, ...], set[str]]:
    """Return the command that a line names, and the flags on it."""
    name: tuple[str, ...] = ()
    while words and (*name, words[0]) in COMMANDS:
        name, words = (*name, words[0]), words[1:]
    return name, {word.partition("=")[0] for word in words if word.startswith("-")}


def test_all_are_used() -> None:
    """Each command, and each spelling of its flags, stands in a session."""
    used: dict[tuple[str, ...], set[str]] = {}
    for session in SESSIONS:
        for words in session.commands:
            name, flags = _used(words)
            used.setdefault(name, set()).update(flags)
    groups = {name for name in COMMANDS if isinstance(_command(name), click.Group)}
    missing = [name for name in COMMANDS if name not in used and name not in groups]
    missing += [
        (*name, flag) for name in COMMANDS for flag in sorted(_flags(name) - used.get(name, set()))
    ]
    assert not missing


# --- the processes -----------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """The doubles, and what leads a process to them."""

    environment: dict[str, str]
    registry: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An engine, a daemon with one build and another without, and a registry with two images."""
    home = tmp_path_factory.mktemp("home")
    kept = ("PATH", "LANG", "COVERAGE_PROCESS_START")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"HOME": str(home), "DOCKER_CONFIG": str(home / "docker")}
    environment |= {"PYTHONWARNINGS": "error"}
    instances = home / "docker" / "buildx" / "instances"
    instances.mkdir(parents=True)
    with ExitStack() as opened:
        agent = opened.enter_context(socket.socket(socket.AF_UNIX))
        folder = opened.enter_context(TemporaryDirectory())  # a socket's path has to be short
        environment["SSH_AUTH_SOCK"] = f"{folder}/agent"
        agent.bind(environment["SSH_AUTH_SOCK"])
        agent.listen()
        environment["DOCKER_HOST"] = opened.enter_context(FakeDockerEngine("28.5").serve())
        registry = opened.enter_context(FakeRegistry())
        environment["REGISTRY"] = registry.address
        for name in ("far", "spare"):
            daemon = FakeBuildKit()
            daemon.seed_image(SCANNER)
            node = {"Name": name, "Endpoint": opened.enter_context(daemon.serve())}
            instance = {"Name": name, "Driver": "remote", "Nodes": [node]}
            (instances / name).write_text(json.dumps(instance))
        made = World(environment, registry.address)
        first = _files(tmp_path_factory.mktemp("first"))
        base = ("--platform", "linux/amd64,linux/arm64", "-t", f"{registry.address}/base:1")
        for words in (
            ("build", "app", "-q", "-t", f"{registry.address}/shop:2", "-f", "app/other"),
            ("build", "app", "-q", "-t", f"{registry.address}/shop:1"),
            ("build", "app", "-q", "--builder", "far", "--push", *base),
        ):
            assert _run(made, first, words).returncode == 0
        yield made


def _files(folder: Path) -> Path:
    (folder / "app").mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content)
    return folder


def _run(
    world: World, folder: Path, words: Sequence[str], stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, *words],
        cwd=folder,
        env=world.environment,
        input=stdin,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.lines.replace("\n", "; "))
def test_a_session(world: World, tmp_path: Path, session: Session) -> None:
    """Its last line ends as it should, and tells what was asked for."""
    folder = _files(tmp_path)
    codes, told, written = [], "", b""
    for line in session.commands:
        words = [word.replace("$REGISTRY", world.registry) for word in line]
        ended = _run(world, folder, words, written)
        written = ended.stdout
        told = (written + ended.stderr).decode("utf-8", "backslashreplace")
        assert "Traceback" not in told, told
        codes.append(ended.returncode)
    assert codes == [0] * (len(codes) - 1) + [session.code], told
    for pattern in session.says:
        assert re.search(pattern, told), f"{pattern}: {told}"


@pytest.mark.parametrize("name", COMMANDS, ids=lambda name: " ".join(name) or "imagebuilders")
def test_help(world: World, tmp_path: Path, name: tuple[str, ...]) -> None:
    """`-h` names each flag that is not hidden, and each command of a group."""
    ended = _run(world, tmp_path, [*name, "-h"])
    assert (ended.returncode, ended.stderr) == (0, b"")
    shown = ended.stdout.decode()
    found = _command(name)
    options = [each for each in found.params if isinstance(each, click.Option) and not each.hidden]
    assert all(spelling in shown for option in options for spelling in option.opts)
    inner = [each for each in COMMANDS if each and each[:-1] == name]
    commands = [each[-1] for each in inner if not _command(each).hidden]
    assert all(re.search(rf"(?m)^  {each} ", shown) for each in commands)
