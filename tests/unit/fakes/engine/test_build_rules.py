"""RUN by policy, and what a build leaves behind to look at."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.http.messages import Request

Build = Callable[..., str]


def test_run_is_recorded_and_says_so(engine: FakeDockerEngine, build: Build) -> None:
    """Without a rule a RUN changes nothing, and its record does not claim otherwise."""
    engine.seed_image("base")
    build("FROM base\nRUN make\nENV a=1", tag="x:1")
    record = engine.builds[-1]
    assert [step.executed for step in record.steps] == [None, None, None]
    assert engine.image_tree("x:1") == engine.image_tree("base")


def test_run_can_be_refused() -> None:
    """An engine that refuses fails the build at the RUN."""
    engine = FakeDockerEngine(run_policy="refuse")
    engine.seed_image("base")
    engine.on_run("true")
    client = FakeDockerClient(engine)
    try:
        with pytest.raises(docker.errors.BuildError, match="no on_run"):
            _build(client, "FROM base\nRUN true\nRUN false")
    finally:
        client.close()


def _build(client: FakeDockerClient, dockerfile: str) -> None:
    context = io.BytesIO(pack({"Dockerfile": dockerfile}))
    client.images.build(fileobj=context, custom_context=True)


def test_run_has_the_effects_it_is_given(engine: FakeDockerEngine, build: Build) -> None:
    """Files appear and vanish, variables are set, and the layer is real."""
    engine.seed_image("base", files={"/old": "1", "/keep/me": "2"})
    engine.on_run(
        "pip install *",
        files={"/site/pkg.py": "x = 1", "/old": None, "/empty/": ""},
        env={"PKG": "1"},
    )
    build("FROM base\nRUN pip install pkg", tag="x:1")
    tree = engine.image_tree("x:1")
    assert tree["site/pkg.py"].data == b"x = 1"
    assert "old" not in tree
    assert tree["empty"].kind == "dir"
    assert ".wh.old" in [m.name for m in engine.image("x:1").layers[-1].members]
    assert "PKG=1" in engine.image("x:1").parsed["config"]["Env"]
    assert engine.builds[-1].steps[-1].executed == "rule"


def test_the_newest_rule_wins(engine: FakeDockerEngine, build: Build) -> None:
    """A test can override what a fixture set up."""
    engine.seed_image("base")
    engine.on_run("*", exit_code=1)
    engine.on_run("make *")
    build("FROM base\nRUN make all")
    with pytest.raises(docker.errors.BuildError):
        build("FROM base\nRUN other")


def test_records_tell_what_was_asked_for(engine: FakeDockerEngine, build: Build) -> None:
    """Names, arguments, files and steps of a build."""
    build(
        "FROM scratch\nARG v\nCOPY a /",
        {"a": "1"},
        tag="x:1",
        buildargs={"v": "2"},
        labels={"l": "1"},
    )
    record = engine.builds[-1]
    assert record.tags == ["x:1"]
    assert record.build_args == {"v": "2"}
    assert record.context_files == ["Dockerfile", "a"]
    assert [step.cached for step in record.steps] == [False] * 4
    assert record.image_id == engine.image("x:1").id


def test_a_build_pulls_with_the_credentials_it_is_sent(engine: FakeDockerEngine) -> None:
    """A base image of a private registry is pulled with the client's own login."""
    from fakes import FakeRegistry

    with FakeRegistry(auth="basic", users={"a": "b"}) as registry:
        registry.seed("base:1", files={"/x": "1"})
        client = FakeDockerClient(engine)
        try:
            name = f"{registry.address}/base:1"
            with pytest.raises(docker.errors.BuildError, match="no basic auth credentials"):
                _build(client, f"FROM {name}\nENV a=1")
            login = {registry.address: {"username": "a", "password": "b"}}
            vars(client.api)["_auth_configs"]["auths"] = login
            _build(client, f"FROM {name}\nENV a=1")
        finally:
            client.close()


def test_a_seeded_hub_serves_builds_and_pulls(
    engine: FakeDockerEngine, client: FakeDockerClient, build: Build
) -> None:
    """A name of the hub is pulled once, with the lines a pull prints."""
    engine.seed_hub("python:3.12-slim", env={"PYTHON": "3.12"})
    build("FROM python:3.12-slim\nENV a=1", tag="x:1")
    assert "PYTHON=3.12" in engine.image("x:1").parsed["config"]["Env"]
    assert client.images.pull("python", "3.12-slim").tags == ["python:3.12-slim"]
    found = client.images.search("python")
    assert [entry["name"] for entry in found] == ["python"]
    url = f"{client.api.base_url}/v1.41/distribution/python:3.12-slim/json"
    described = client.api.get(url).json()
    assert described["Platforms"] == [{"architecture": "amd64", "os": "linux"}]


@pytest.mark.parametrize("version", ["20.10", "26.1", "28.5"])
@pytest.mark.parametrize("dockerfile", ["\\", "FROM scratch\n\\\n"])
def test_a_line_that_only_continues_is_no_instruction(version: str, dockerfile: str) -> None:
    """It is refused by its number, without a word to name."""
    client = FakeDockerClient(FakeDockerEngine(version))
    try:
        with pytest.raises(docker.errors.APIError, match=r"line \d: unknown instruction: \"?\)?$"):
            _build(client, dockerfile)
    finally:
        client.close()


_RUN = {"Dockerfile": "FROM base\nRUN make\n"}


def test_containers_of_steps_go_unless_they_are_to_stay(engine: FakeDockerEngine) -> None:
    """A request that does not say so has them removed."""
    engine.seed_image("base")
    for query, left in (("", 0), ("rm=0&nocache=1", 1)):
        response = engine.handle(Request("POST", f"/build?{query}", body=[pack(_RUN)]))
        assert not isinstance(response.body, bytes)
        removed = b"Removed intermediate container" in b"".join(response.body)
        assert (removed, len(engine.containers.all())) == (left == 0, left)


def test_a_build_that_nobody_listens_to_leaves_no_container(engine: FakeDockerEngine) -> None:
    """It ends where it is, and the container of the step at work goes as at its end."""
    engine.seed_image("base")
    response = engine.handle(Request("POST", "/build", body=[pack(_RUN)]))
    assert not isinstance(response.body, bytes)
    stream = iter(response.body)
    while b"Running in" not in next(stream):
        assert engine.containers.all() == []
    assert len(engine.containers.all()) == 1
    del stream, response
    assert engine.containers.all() == []
    assert len(engine.images.all()) == 1


def test_what_a_rule_does_not_say_succeeds(engine: FakeDockerEngine, build: Build) -> None:
    """The exit code of each kind of rule is 0 unless it is given."""
    engine.seed_image("base", cmd=["serve"])
    engine.on_run("make", output="made\n")
    engine.on_container("base", command="once", output="done\n")
    engine.on_container("base", command="serve", service=True)
    engine.on_exec("ls", output="a\n")
    build("FROM base\nRUN make", tag="x:1")
    with contextlib.closing(FakeDockerClient(engine)) as client:
        assert client.containers.run("base", "once", detach=True).wait()["StatusCode"] == 0
        assert client.containers.run("base", detach=True).exec_run("ls") == (0, b"a\n")


def test_what_is_not_there_cannot_be_run(engine: FakeDockerEngine, build: Build) -> None:
    """An image without a file has no shell, unless a rule says what its command does."""
    words = 'exec: "{0}": stat {0}: no such file or directory'
    for line, program in (("RUN make", "/bin/sh"), ('RUN ["/x/make", "a"]', "/x/make")):
        with pytest.raises(docker.errors.BuildError, match=words.format(program)):
            build(f"FROM scratch\nWORKDIR /x\n{line}")
    with pytest.raises(docker.errors.BuildError, match=r"executable file not found in \$PATH"):
        build('FROM scratch\nRUN ["make"]')
    build("FROM scratch\nCOPY a /a\nRUN make", {"a": "a"})
    engine.on_run("make", files={"/made": "1"})
    build("FROM scratch\nRUN make", tag="x:1")
    assert list(engine.image_tree("x:1")) == ["made"]
