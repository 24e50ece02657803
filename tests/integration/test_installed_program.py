"""The installed program, as a process: each command and flag once, with doubles behind it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakes import FakeAWS, FakeBuildKit, FakeDockerEngine, FakeRegistry

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "imagebuilders")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

DOCKERFILE = """\
FROM scratch AS files
ARG WORD=none
COPY one.txt /one
FROM files AS final
LABEL word=$WORD
COPY two.txt /two
"""


@dataclass(frozen=True)
class Program:
    """The program in a working directory of its own, with doubles that it finds.

    Attributes:
        folder: the working directory, with an application in `app`.
        engine: the engine.
        environment: the environment.
    """

    folder: Path
    engine: FakeDockerEngine
    environment: dict[str, str]

    def run(
        self, *words: str, code: int = 0, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        ended = subprocess.run(
            [PROGRAM, *words],
            cwd=self.folder,
            env={**self.environment, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == code, ended.stderr + ended.stdout
        assert "Traceback" not in ended.stderr
        return ended


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program."""
    app = tmp_path / "work" / "app"
    app.mkdir(parents=True)
    (app / "Dockerfile").write_text(DOCKERFILE)
    (app / "one.txt").write_text("one")
    (app / "two.txt").write_text("two")
    kept = ("PATH", "LANG", "COVERAGE_PROCESS_START")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "HOME": str(tmp_path / "home"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "PYTHONWARNINGS": "error",
    }
    engine = FakeDockerEngine("28.5")
    with engine.serve() as host:
        yield Program(app.parent, engine, {**environment, "DOCKER_HOST": host})


def test_build(program: Program) -> None:
    """Its name is the result; steps, their output and the sum are on standard error."""
    ended = program.run("build", "-t", "shop:1", "app")
    assert ended.stdout == "shop:1\n"
    lines = ended.stderr.splitlines()
    assert lines[0].startswith("building shop:1 with Docker Engine")
    assert "[final 1/1] COPY two.txt /two" in ended.stderr
    image_id = program.engine.image("shop:1").id
    last = rf"finished shop:1 in [\d.]+s, 0 of 2 steps cached, \d+ B, {image_id}"
    assert re.fullmatch(last, lines[-1])
    assert "layers: " not in ended.stderr


def test_build_without_a_name(program: Program) -> None:
    """The image's ID is the result."""
    image_id = program.run("build", "app").stdout.strip()
    assert program.engine.image(image_id).id == image_id
    assert program.run("build", "-q", "app").stdout.strip() == image_id


def test_flags_that_take_values(program: Program) -> None:
    """Short and long, apart or joined, several of a kind."""
    (program.folder / "other").write_text("FROM scratch\nARG WORD\nLABEL word=$WORD\n")
    program.run(
        *("build", "-f", "other", "--build-arg", "WORD=said", "--label", "a=b", "--label=c=d"),
        *("-tone:1", "-t=two:1", "--tag", "three:1", "--platform", "linux/amd64", "--pull"),
        *("--progress=plain", "--add-host", "h:10.0.0.1", "--network", "none"),
        *("--shm-size", "64m", "--ulimit", "nofile=10:20", "--cgroup-parent", "", "app"),
        *("--iidfile", "iid", "--metadata-file", "said.json", "--no-cache-filter", "x"),
        *("--allow", "network.host", "--cache-from", "two:1", "--secret", "id=s,src=app/one.txt"),
        *("--build-context", "more=app", "--policy", "disabled=true"),
    )
    image = program.engine.image("one:1")
    assert image.parsed["config"]["Labels"] == {"word": "said", "a": "b", "c": "d"}
    assert {program.engine.image(f"{name}:1").id for name in ("two", "three")} == {image.id}
    assert (program.folder / "iid").read_text() == image.id
    said = json.loads((program.folder / "said.json").read_text())
    assert said["containerimage.digest"] == image.id


def test_stages_and_questions(program: Program) -> None:
    """`--target`, `--check`, `--call`, and a Dockerfile on standard input."""
    program.run("build", "app", "--target", "files", "-t", "files:1")
    assert len(program.engine.image("files:1").layers) == 1
    assert "files" in program.run("build", "app", "--call=targets").stdout
    assert "WORD" in program.run("build", "app", "--call", "outline").stdout
    assert "no warnings" in program.run("build", "app", "--check").stdout.lower()
    ended = program.run("build", "app", "-f", "-", "-t", "in:1", stdin="FROM scratch\nLABEL a=b\n")
    assert ended.stdout == "in:1\n"


@pytest.mark.parametrize("kind", ["folder", "tar", "stdout", "cacheonly"])
def test_outputs(program: Program, kind: str) -> None:
    """Folders and archives need no name, and have none."""
    flags = {
        "folder": ("-o", "out"),
        "tar": ("--output", "type=tar,dest=out.tar"),
        "stdout": ("-o", "-"),
        "cacheonly": ("-o", "type=cacheonly"),
    }
    ended = subprocess.run(
        [PROGRAM, "build", "app", *flags[kind]],
        cwd=program.folder,
        env=program.environment,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert bool(ended.stdout) is (kind == "stdout")
    if kind == "folder":
        assert (program.folder / "out" / "two").read_text() == "two"
    assert (program.folder / "out.tar").exists() is (kind == "tar")


def test_push(program: Program) -> None:
    """Every name is pushed, and the digests are the result."""
    with FakeRegistry() as registry:
        names = [f"{registry.address}/team/{name}:1" for name in ("a", "b")]
        ended = program.run("build", "app", "--push", "-t", names[0], "-t", names[1])
        digest = registry.manifest("team/a:1").digest
    assert ended.stdout.splitlines() == [f"{name[:-2]}@{digest}" for name in names]
    assert ended.stderr.splitlines()[-1].endswith(digest)


def test_json(program: Program) -> None:
    """Each line is an event of the library with the time, and the result is the last."""
    ended = program.run("build", "app", "-t", "shop:1", "--json")
    records = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.stderr == ""
    assert records[0]["event"] == "build_started"
    assert records[-1]["event"] == "result"
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert all(re.fullmatch(stamp, record["time"]) for record in records[:-1])
    raw = program.run("build", "app", "-t", "shop:1", "--progress", "rawjson")
    assert raw.stdout == "shop:1\n"
    assert json.loads(raw.stderr.splitlines()[0])["event"] == "build_started"


def test_explained_and_reproducible(program: Program) -> None:
    """Flags that buildx does not have."""
    for word in ("a", "b"):
        (program.folder / "app" / "two.txt").write_text(word)
        ended = program.run("build", "app", "-t", "shop:1", "--explain-cache", "--reproducible")
    assert "not cached: line 6, COPY two.txt /two: " in ended.stderr
    assert "two.txt" in ended.stderr.splitlines()[-2]


@pytest.mark.parametrize("name", ["local", "classic", "default"])
def test_builders_of_the_engine(program: Program, name: str) -> None:
    """`--builder` names what builds; `classic` is the engine's older builder."""
    ended = program.run("build", "app", "--builder", name, "-t", "shop:1")
    assert ended.stdout == "shop:1\n"
    paths = {request.path.rpartition("/")[2] for request in program.engine.requests}
    assert ("build" in paths) is (name == "classic")


def test_builders_without_an_engine(program: Program) -> None:
    """`buildkit` is a remote worker, `daemonless` needs nothing."""
    nowhere = "unix:///nowhere.sock"
    with FakeBuildKit().serve() as address:
        flags = ("--builder", "buildkit", "-o", "type=oci,dest=a.tar", "-q")
        ended = program.run("build", "app", *flags, BUILDKIT_HOST=address, DOCKER_HOST=nowhere)
        assert DIGEST.fullmatch(ended.stdout.strip())
    flags = ("--builder", "daemonless", "-o", "type=oci,dest=b.tar", "--json")
    ended = program.run("build", "app", *flags, DOCKER_HOST=nowhere)
    result = json.loads(ended.stdout.splitlines()[-1])
    assert (result["image"], bool(DIGEST.fullmatch(result["digest"]))) == (None, True)


def test_build_in_code_build(program: Program) -> None:
    """`aws` is CodeBuild with the stack's settings; the image is pushed to ECR."""
    with FakeAWS() as aws:
        aws.make_bucket("contexts")
        aws.code_build.add_project("images")
        settings = {"IMAGE_BUILDER__PROJECT": "images", "IMAGE_BUILDER__POLL_INTERVAL": "0.05"}
        settings |= {"IMAGE_BUILDER__FLAVOR": "aws", "CONTAINER_REGISTRY__FLAVOR": "ecr"}
        settings |= {"ARTIFACT_STORE__FLAVOR": "s3", "ARTIFACT_STORE__PATH": "s3://contexts"}
        settings |= {"ARTIFACT_STORE__ADDRESSING_STYLE": "path"}
        for name, value in aws.registry_settings.items():
            settings[f"CONTAINER_REGISTRY__{name.upper()}"] = value
        variables = {f"IMAGEBUILDERS_{name}": value for name, value in settings.items()}
        variables |= aws.environment
        there = replace(program, environment={**program.environment, **variables})
        name = f"{aws.registry.address}/team/app:1"
        ended = there.run("build", "app", "--builder", "aws", "--push", "-t", name)
        digest = aws.registry.manifest("team/app:1").digest
        assert ended.stdout == f"{aws.registry.address}/team/app@{digest}\n"
    assert "CodeBuild: BUILD\n" in ended.stderr
    assert not program.engine.requests


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--builder", "aws"), "IMAGEBUILDERS_IMAGE_BUILDER__PROJECT"),
        (("--builder", "elsewhere", "-o", "type=cacheonly"), "elsewhere"),
        (("--builder", "daemonless"), "needs a name, or the option 'outputs'"),
        (("--builder", "buildkit"), "or the option 'push' or 'outputs'"),
        (("--push",), "-t localhost:5000/app:1"),
        (("-o", "type=registry"), "needs a name"),
        (("-t", ""), "malformed"),
        (("-t", "Shop"), "malformed"),
    ],
)
def test_wrong_usage(program: Program, words: tuple[str, ...], says: str) -> None:
    """It ends with 2, and says what to do."""
    with FakeBuildKit().serve() as address:
        assert says in program.run("build", "app", *words, code=2, BUILDKIT_HOST=address).stderr
    assert not program.engine.builds


def test_modules_and_script_are_the_same(program: Program) -> None:
    """`python -m imagebuilders` is the program, too."""
    ended = subprocess.run(
        [sys.executable, "-m", "imagebuilders", "--version"], capture_output=True, text=True
    )
    assert ended.stdout == program.run("--version").stdout


def test_push_command(program: Program) -> None:
    """What the engine has is pushed, with each of its flags."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/app:1"
        program.run("build", "app", "-q", "-t", name)
        ended = program.run("push", name)
        digest = registry.manifest("team/app:1").digest
        assert ended.stdout == f"{registry.address}/team/app@{digest}\n"
        assert program.run("push", "-q", name).stderr == ""
        assert program.run("push", "--progress=none", name).stderr == ""
        records = program.run("push", "--json", name).stdout.splitlines()
    assert json.loads(records[-1])["digest"] == digest
    assert "localhost:5000/app" in program.run("push", "app", code=2).stderr


def test_context_commands(program: Program) -> None:
    """Each with its flags."""
    (program.folder / "app" / "app.Dockerfile.dockerignore").write_text("one.txt\n")
    (program.folder / "app" / "app.Dockerfile").write_text(DOCKERFILE)
    flags = ("-f", "app/app.Dockerfile", "app")
    assert "two.txt" in program.run("context", "ls", "-a", "app").stdout
    assert "one.txt" not in program.run("context", "ls", *flags).stdout
    assert DIGEST.search(program.run("context", "digest", "app", "--json").stdout)
    explained = program.run("context", "explain", "-C", "app", "one.txt", *flags[:2])
    assert "line 1" in explained.stdout
    program.run("context", "tar", "-z", "--keep-times", "-o", "a.tar.gz", *flags)
    with tarfile.open(program.folder / "a.tar.gz") as archive:
        assert "one.txt" not in archive.getnames()


def test_reports(program: Program) -> None:
    """A page beside the build, and one of its JSON lines."""
    ended = program.run("build", "app", "-t", "shop:1", "--report", "a.html", "--json")
    page = (program.folder / "a.html").read_text()
    assert "COPY two.txt /two" in page
    assert "/two" in page
    again = program.run(
        *("report", "-", "-f", "app/Dockerfile", "--image", "shop:1", "--mask", "none"),
        stdin=ended.stdout,
    )
    assert again.stdout.count("<details") == page.count("<details")
    program.run("report", "-o", "b.html", stdin=ended.stdout)
    assert (program.folder / "b.html").exists()
    assert "build --json" in program.run("report", code=1, stdin="x\n").stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(program: Program, shell: str) -> None:
    """The script is printed, and the program answers what it asks."""
    assert f"{shell}_complete" in program.run("completion", shell).stdout
    ended = program.run(
        _IMAGEBUILDERS_COMPLETE=f"{shell}_complete",
        COMP_WORDS="imagebuilders build app --target fi",
        COMP_CWORD="fi" if shell == "fish" else "4",
    )
    assert "files" in ended.stdout


def test_suggestions(program: Program) -> None:
    """Only of what is very like."""
    ended = program.run("build", "app", "--no-cash", code=2)
    assert "Did you mean --no-cache?" in ended.stderr
    ended = program.run("push", "app", "--secret", "x", code=2)
    assert "Did you mean" not in ended.stderr
    assert "Did you mean build?" in program.run("bild", code=2).stderr
