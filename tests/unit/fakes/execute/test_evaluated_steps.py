"""RUN steps of the classic builder that an emulated shell evaluates."""

from __future__ import annotations

import io
from collections.abc import Callable

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import Entry, pack
from fakes.shell import Process

Build = Callable[..., list[str]]


def _steps(engine: FakeDockerEngine) -> list[str | None]:
    return [step.executed for step in engine.builds[-1].steps]


def test_a_run_leaves_files_with_owners_and_modes(engine: FakeDockerEngine, build: Build) -> None:
    """What a shell would have done is in the image, and its record says who did it."""
    build(
        "FROM debian:12\nRUN useradd app && mkdir -p /srv/app && echo hi > /srv/app/x "
        "&& chown -R app:app /srv/app && chmod 640 /srv/app/x && rm -r /mnt"
    )
    tree = engine.image_tree("app:1")
    file = tree["/srv/app/x"]
    assert (file.data, file.mode, file.uid, file.gid) == (b"hi\n", 0o640, 1000, 1000)
    assert "/mnt" not in tree
    assert b"app:x:1000:1000" in tree["/etc/passwd"].data
    assert _steps(engine) == [None, "shell"]
    assert [m.name for m in engine.image("app:1").layers[-1].members if ".wh." in m.name] == [
        ".wh.mnt"
    ]


def test_user_folder_and_variables(build: Build) -> None:
    """A command runs as the image says: by its user, in its folder, with its variables."""
    said = build(
        "FROM debian:12\nARG b=2\nENV a=1\nWORKDIR /srv/x\nUSER 5:6\n"
        'RUN echo "$a$b $(id -u):$(id -g) $(pwd)"\n'
        'SHELL ["/bin/bash", "-c"]\nRUN x=(4 5); echo "${x[1]}"\n'
    )
    assert "12 5:6 /srv/x" in said
    assert "5" in said


def test_what_it_does_not_know_goes_to_the_rules(engine: FakeDockerEngine, build: Build) -> None:
    """In a script each command goes its own way; a rule sees the words of its own command."""
    engine.on_run("pip install *", files={"/site/a.py": "a"}, env={"A": "1"}, output="installed\n")
    said = build(
        "FROM debian:12\nRUN apt-get update && echo x > /etc/y && pip install 'a'\n"
        "RUN pip install b\nRUN apt-get update\nRUN echo $A"
    )
    tree = engine.image_tree("app:1")
    assert (tree["/etc/y"].data, tree["/site/a.py"].data) == (b"x\n", b"a")
    assert said.count("installed") == 2
    assert said[-4:-3] == ["1"] or "1" in said
    assert _steps(engine) == [None, "shell", "rule", None, "shell"]
    assert engine.unused_rules() == []


def test_a_function_does_one_command_of_a_script(engine: FakeDockerEngine, build: Build) -> None:
    """It sees the files and the input that the commands before it made."""

    def compile_it(process: Process) -> int:
        assert process.stdin.read() == b"one\n"
        process.files["/out/a.o"] = process.files["/src/a.c"].upper()
        process.print(process.environment["CC"])
        return 3

    engine.on_run("cc *", compile_it)
    said = build(
        "FROM debian:12\nENV CC=gcc\nRUN mkdir /src && echo int > /src/a.c; "
        "echo one | cc -c a.c; echo code $?"
    )
    assert engine.image_tree("app:1")["/out/a.o"].data == b"INT\n"
    assert {"gcc", "code 3"} <= set(said)


def test_a_rule_for_the_whole_command_goes_before(engine: FakeDockerEngine, build: Build) -> None:
    """What a test said of a RUN holds, also where the shell would know better."""
    engine.on_run("mkdir /a", files={"/b": ""})
    build("FROM debian:12\nRUN mkdir /a")
    assert "/a" not in engine.image_tree("app:1")
    assert "/b" in engine.image_tree("app:1")
    assert _steps(engine) == [None, "rule"]


def test_a_failing_command_fails_the_build(build: Build) -> None:
    """With its exit code, in the engine's words."""
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code: 7") as caught:
        build("FROM debian:12\nRUN echo oops >&2; exit 7")
    assert any("oops" in line.get("stream", "") for line in caught.value.build_log)


def test_what_is_not_known_can_be_refused() -> None:
    """An engine that refuses fails the build at the command in the middle of a script."""
    engine = FakeDockerEngine(execute="shell", run_policy="refuse")
    engine.seed_image("debian:12")
    client = FakeDockerClient(engine)
    try:
        with pytest.raises(docker.errors.BuildError, match=r"no on_run\(\) rule.*'apt-get update'"):
            client.images.build(
                fileobj=_context("FROM debian:12\nRUN apt-get update; echo never > /x"),
                custom_context=True,
            )
    finally:
        client.close()


def _context(dockerfile: str) -> io.BytesIO:
    return io.BytesIO(pack({"Dockerfile": dockerfile}))


def test_a_program_that_is_not_there(build: Build) -> None:
    """Where an image says which programs it has, a missing one is missed as by a real runtime."""
    files = {"sh": Entry(b"\x7fELF real", 0o755)}
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code: 127"):
        build("FROM scratch\nCOPY sh /bin/sh\nRUN nosuch", files)
    with pytest.raises(docker.errors.BuildError, match='exec: "nosuch": executable file not found'):
        build('FROM scratch\nCOPY sh /bin/sh\nRUN ["nosuch", "x"]', files)


def test_a_rule_given_later_is_not_hidden_by_the_cache(
    engine: FakeDockerEngine, build: Build
) -> None:
    """A script of which a command was only recorded is done again once a rule knows it."""
    dockerfile = "FROM debian:12\nRUN apt-get update && echo x > /x"
    build(dockerfile)
    build(dockerfile)
    assert [step.cached for step in engine.builds[-1].steps[1:]] == [True]
    engine.on_run("apt-get update", files={"/var/lib/apt/lists/a": ""})
    build(dockerfile)
    assert [step.cached for step in engine.builds[-1].steps[1:]] == [False]
    assert "/var/lib/apt/lists/a" in engine.image_tree("app:1")


def test_what_is_written_into_a_volume_is_lost(engine: FakeDockerEngine, build: Build) -> None:
    """As with the real builder, whose volumes end with the step's container."""
    build("FROM debian:12\nRUN mkdir /v && echo 1 > /v/a\nVOLUME /v\nRUN cat /v/a > /b; rm /v/a")
    tree = engine.image_tree("app:1")
    assert (tree["/v/a"].data, tree["/b"].data) == (b"1\n", b"1\n")


def test_the_runtimes_own_files_are_in_no_layer(engine: FakeDockerEngine, build: Build) -> None:
    """Devices, hosts and the host name are there for commands, and for them alone."""
    said = build(
        "FROM debian:12\nRUN echo x > /dev/shm/a; echo y > /dev/null; "
        "echo 1.2.3.4 a >> /etc/hosts; grep -c . /etc/hosts; test -s /etc/hostname && echo named"
    )
    assert {"7", "named"} <= set(said)
    members = [m.name for layer in engine.image("app:1").layers[1:] for m in layer.members]
    assert members == []


def test_links_and_times_of_a_layer(engine: FakeDockerEngine, build: Build) -> None:
    """Hard links stay one file, symbolic links lead where they were pointed, times are kept."""
    build("FROM debian:12\nRUN cd /srv && echo a > a && ln a b && ln -s a c && touch -d @5 a")
    tree = engine.image_tree("app:1")
    assert tree["/srv/a"].inode == tree["/srv/b"].inode != 0
    assert tree["/srv/c"].link == "a"
    assert tree["/srv/a"].mtime == 5


def test_hosts_that_a_build_adds(build: Build) -> None:
    """They are in the file of hosts that its commands see."""
    said = build("FROM debian:12\nRUN cat /etc/hosts", extra_hosts={"db.local": "10.0.0.5"})
    assert "10.0.0.5\tdb.local" in said
