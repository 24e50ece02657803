"""Wrong values given to the engine double are refused where they are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.engine.faults import Fault
from fakes.engine.http import Request
from fakes.engine.image_tree import ImageTree
from fakes.engine.routes.table import endpoints

_RULES = ("on_run", "on_container", "on_exec")


@pytest.fixture
def engine() -> FakeDockerEngine:
    """An engine of the oldest version."""
    return FakeDockerEngine()


@pytest.mark.parametrize("rule", _RULES)
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"files": {"/a": 3}}, TypeError, r"files\['/a'\] is a str, bytes or None, not 3 \(int\)"),
        ({"files": {Path("/a"): ""}}, TypeError, r"a path in files is a str, not PosixPath"),
        ({"files": ["/a"]}, TypeError, r"files is a mapping of path to content .*, not \['/a'\]"),
        ({"output": 3}, TypeError, r"output is a str.*, not 3 \(int\)"),
        ({"error_output": None}, TypeError, r"error_output is a str.*, not None"),
        ({"exit_code": "1"}, TypeError, r"exit_code is an int, not '1' \(str\)"),
        ({"exit_code": True}, TypeError, "exit_code is an int, not True"),
        ({"exit_code": 256}, ValueError, "exit_code is 0 to 255, not 256"),
        ({"exit_code": -1}, ValueError, "exit_code is 0 to 255, not -1"),
    ],
)
def test_effects_of_a_wrong_type(
    engine: FakeDockerEngine,
    rule: str,
    arguments: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    """The words name the argument, what it is to be and what was given."""
    with pytest.raises(error, match=words):
        getattr(engine, rule)("x", **arguments)


@pytest.mark.parametrize("rule", _RULES)
def test_a_pattern_is_text(engine: FakeDockerEngine, rule: str) -> None:
    """A list of words would match no command."""
    with pytest.raises(TypeError, match=r"is a shell pattern .* expression.*, not \['ls'\]"):
        getattr(engine, rule)(["ls"])


@pytest.mark.parametrize(("rule", "name"), [("on_container", "command"), ("on_exec", "image")])
def test_the_second_pattern_is_text(engine: FakeDockerEngine, rule: str, name: str) -> None:
    """It is looked at like the first."""
    with pytest.raises(TypeError, match=f"{name} is a shell pattern"):
        getattr(engine, rule)("x", **{name: ["ls"]})


@pytest.mark.parametrize("rule", ["on_container", "on_exec"])
@pytest.mark.parametrize(
    ("delay", "error"),
    [("1s", TypeError), (None, TypeError), (-1, ValueError), (float("inf"), ValueError)],
)
def test_a_delay_is_a_number(
    engine: FakeDockerEngine, rule: str, delay: Any, error: type[Exception]
) -> None:
    """Nobody could wait for anything else."""
    with pytest.raises(error, match=r"delay is .* seconds.*, not "):
        getattr(engine, rule)("x", delay=delay)


def test_a_service_is_true_or_false(engine: FakeDockerEngine) -> None:
    """A word that says no would be taken for yes."""
    wrong: Any = "no"
    with pytest.raises(TypeError, match="service is True or False, not 'no'"):
        engine.on_container(service=wrong)


def test_the_environment_of_a_run_is_text(engine: FakeDockerEngine) -> None:
    """A number is not made into text."""
    wrong: Any = {"PORT": 80}
    with pytest.raises(TypeError, match=r"env\['PORT'\] is a str, not 80 \(int\)"):
        engine.on_run("x", env=wrong)
    with pytest.raises(TypeError, match="env is a mapping of name to value"):
        engine.on_run("x", env=wrong["PORT"])


def test_bytes_are_printed_by_containers_only(engine: FakeDockerEngine) -> None:
    """What a build prints is text."""
    wrong: Any = b"x"
    engine.on_container(output=b"x")
    engine.on_exec(error_output=b"x")
    with pytest.raises(TypeError, match="output is a str, not b'x'"):
        engine.on_run("x", output=wrong)


@pytest.mark.parametrize("seed", ["seed_image", "seed_hub"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"cmd": "nginx -g"}, r"cmd is a list of words, not 'nginx -g' \(str\)"),
        ({"entrypoint": "sh"}, "entrypoint is a list of words, not 'sh'"),
        ({"entrypoint": 3}, "entrypoint is a list of words, not 3"),
        ({"cmd": ["a", 3]}, r"cmd is a list of words, each a str, not 3 \(int\)"),
        ({"exposed_ports": "80/tcp"}, "exposed_ports is a list of ports as in '80/tcp', not"),
        ({"exposed_ports": [80]}, "exposed_ports is a list of ports .*, not 80"),
        ({"on_build": "RUN x"}, "on_build is a list of instructions, not 'RUN x'"),
        ({"files": {"/a": Path("x")}}, r"files\['/a'\] is a str or bytes, not PosixPath"),
        ({"files": {"/a": None}}, r"files\['/a'\] is a str or bytes, not None"),
        ({"files": "/a"}, "files is a mapping of path to content"),
        ({"env": ["A=1"]}, r"env is a mapping of name to value, .*, not \['A=1'\]"),
        ({"labels": {"a": 1}}, r"labels\['a'\] is a str, not 1"),
        ({"labels": {1: "a"}}, "a name in labels is a str, not 1"),
        ({"working_dir": Path("/app")}, "working_dir is a str, not PosixPath"),
        ({"user": 1000}, "user is a str, not 1000"),
    ],
)
def test_seeded_content_of_a_wrong_type(
    engine: FakeDockerEngine, seed: str, content: dict[str, Any], words: str
) -> None:
    """It is refused, and nothing is seeded."""
    with pytest.raises(TypeError, match=words):
        getattr(engine, seed)("base:1", **content)
    assert engine.images.all() == []
    assert engine.registries.hub.paths() == []


def test_a_seeded_name_is_text(engine: FakeDockerEngine) -> None:
    """A name that is none leaves no image without a name behind."""
    wrong: Any = 3
    with pytest.raises(TypeError, match="name is an image's name, a str as in 'app:1', not 3"):
        engine.seed_image(wrong)
    with pytest.raises(ValueError, match="'UPPER'"):
        engine.seed_image("UPPER")
    assert engine.images.all() == []


def test_what_can_be_seeded(engine: FakeDockerEngine) -> None:
    """Tuples are lists too, and an executable is what begins as a script does."""
    engine.seed_image(
        "base:1", cmd=("a", "b"), exposed_ports=("80",), files={"/a": b"", "/b": "#!"}
    )
    config = engine.image("base:1").parsed["config"]
    assert (config["Cmd"], config["ExposedPorts"]) == (["a", "b"], {"80/tcp": {}})
    tree = engine.image_tree("base:1")
    assert (tree["a"].mode, tree["b"].mode) == (0o644, 0o755)


def test_files_of_an_image_are_found_with_a_slash_and_without(engine: FakeDockerEngine) -> None:
    """Iterating gives paths without one, which is how two images compare."""
    for name in ("base:1", "base:2"):
        engine.seed_image(name, files={"/etc/a": "1"})
    tree = engine.image_tree("base:1")
    assert tree["/etc/a"] is tree["etc/a"]
    assert ("/etc/a" in tree, "etc/a" in tree, "/etc/b" in tree) == (True, True, False)
    assert ("etc" in tree, tree["etc"].kind, list(tree), len(tree)) == (True, "dir", ["etc/a"], 1)
    assert tree == engine.image_tree("base:2")
    assert repr(tree) == "<ImageView of base:1: etc/a>"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("POST build", "no '/' before the path of 'POST build'"),
        ("build", "no '/' before the path of 'build'"),
        ("", "no '/' before the path of ''"),
        ("POTS /build", "no method 'POTS' in the endpoint 'POTS /build'; known: DELETE, GET, HEAD"),
        ("GET /build", "the engine has no endpoint 'GET /build'; the nearest is 'POST /build'"),
        ("POST /images/*/psuh", r"the nearest is 'POST /images/\*/push'"),
        ("POST /containers/app/strat", r"the nearest is 'POST /containers/\*/start'"),
        ("GET /v1.41/images/json", "the nearest is 'GET /images/json'"),
    ],
)
def test_endpoints_nobody_asks_for(engine: FakeDockerEngine, endpoint: str, words: str) -> None:
    """A fault that could never happen is refused, with what may have been meant."""
    with pytest.raises(ValueError, match=words):
        engine.faults.fail(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        *("*", "/*", "/_ping", "POST *", "*/push", "OPTIONS /build", "/bu??d", "/[!a]uild"),
        *(
            "POST /images/*/push",
            "POST /images/*push",
            "POST /images/registry.example:5000/a/b/push",
        ),
        *("GET /im*", "*app*json", "DELETE /containers/one", "GET /plugins/a/b", "GET /swarm"),
        *("GET /networks", "GET /networks/", "GET /containers/*/attach/ws"),
    ],
)
def test_endpoints_somebody_may_ask_for(engine: FakeDockerEngine, endpoint: str) -> None:
    """Any pattern that some path of the engine matches is taken."""
    assert engine.faults.drop(endpoint).endpoint == endpoint


def test_every_endpoint_of_the_engine_can_fail(engine: FakeDockerEngine) -> None:
    """None of its routes is refused."""
    for method, pattern in endpoints():
        path = pattern.replace("*", "x")
        engine.faults.fail(f"{method} {path}", times=None)
        engine.faults.fail(path)


def test_a_method_in_any_case(engine: FakeDockerEngine) -> None:
    """It is compared as HTTP's methods are written."""
    assert engine.faults.drop("post /build").matches(Request("POST", "/build"))
    assert not engine.faults.drop("post  /build").matches(Request("GET", "/build"))


@pytest.mark.parametrize(
    ("fault", "arguments", "error", "words"),
    [
        ("fail", {"status": "500"}, TypeError, r"status is an int, not '500' \(str\)"),
        ("fail", {"status": 99}, ValueError, "status is 200 to 599, not 99"),
        ("fail", {"status": 599}, ValueError, "status is one that HTTP knows, not 599"),
        ("fail", {"message": b"x"}, TypeError, "message is a str, not b'x'"),
        ("fail", {"times": 0}, ValueError, "times is 1 or more or None, not 0"),
        ("fail", {"times": "2"}, TypeError, "times is an int or None, not '2'"),
        ("drop", {"after": -1}, ValueError, "after is 0 or more, not -1"),
        ("drop", {"after": None}, TypeError, "after is an int, not None"),
        ("delay", {"seconds": "1s"}, TypeError, "seconds is a number of seconds, not '1s'"),
        ("delay", {"seconds": -0.1}, ValueError, "seconds is 0 seconds or more, not -0.1"),
        ("cut", {"after_bytes": -1}, ValueError, "after_bytes is 0 or more, not -1"),
        ("cut", {"after_bytes": 1.5}, TypeError, "after_bytes is an int, not 1.5"),
        ("answer", {"content": "x"}, TypeError, r"content is bytes or a list .*, not 'x' \(str\)"),
        ("answer", {"content": {"a": 1}}, TypeError, r"one message is a list of one: \[{"),
        ("answer", {"content": 3}, TypeError, r"content is bytes or a list .*, not 3 \(int\)"),
        ("answer", {"content": ["x"]}, TypeError, r"not of 'x' \(str\)"),
        ("answer", {"content": b"", "status": 1000}, ValueError, "status is 200 to 599"),
        ("answer", {"content": b"", "then": "x"}, ValueError, "'x'; known: end, break, hang"),
        ("answer", {"content": b"", "then": None}, TypeError, "then is a str, not None"),
    ],
)
def test_faults_of_a_wrong_value(
    engine: FakeDockerEngine,
    fault: str,
    arguments: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    """The words say what was given and what is known; nothing is planned."""
    with pytest.raises(error, match=words):
        getattr(engine.faults, fault)("/build", **arguments)
    assert engine.faults.take(Request("POST", "/build")) == []


def test_a_fault_of_ones_own(engine: FakeDockerEngine) -> None:
    """It is looked at like those that the methods make."""
    with pytest.raises(ValueError, match="the nearest is 'POST /build'"):
        engine.faults.add(Fault("POST /bild"))
    wrong: Any = 3
    with pytest.raises(TypeError, match="an endpoint is a str as in 'POST /build', not 3"):
        engine.faults.add(Fault(wrong))


@pytest.mark.parametrize("fault", ["die_at_step", "no_space_at_step"])
def test_instructions_that_are_none(engine: FakeDockerEngine, fault: str) -> None:
    """No build reaches them."""
    with pytest.raises(ValueError, match=r"'copi'.*; known: (copy, )?add"):
        getattr(engine.faults, fault)("copi")
    with pytest.raises(TypeError, match="keyword is a str, not 3"):
        getattr(engine.faults, fault)(3)


def test_the_words_of_a_denied_push(engine: FakeDockerEngine) -> None:
    """They are text."""
    wrong: Any = 3
    with pytest.raises(TypeError, match="message is a str, not 3"):
        engine.faults.deny_push(wrong)


def test_an_image_that_is_not_there(engine: FakeDockerEngine) -> None:
    """The words tell which names there are, however one looks."""
    for look in (engine.image, engine.image_tree):
        with pytest.raises(
            LookupError, match=r"^No such image: x:latest; names in the engine: none$"
        ):
            look("x")
    engine.seed_image("app:1")
    engine.seed_image("registry.example/b")
    words = "names in the engine: app:1, registry.example/b:latest$"
    for look in (engine.image, engine.image_tree):
        with pytest.raises(LookupError, match=words):
            look("x")
    wrong: Any = None
    with pytest.raises(TypeError, match="name is an image's name, a str as in 'app:1', not None"):
        engine.image(wrong)


def test_a_tree_below_a_file(engine: FakeDockerEngine) -> None:
    """A file is there, but is no folder."""
    engine.seed_image("app:1", files={"/app/main.py": ""})
    words = "^/app/main.py in the image app:1 is a file, not a folder$"
    with pytest.raises(LookupError, match=words):
        ImageTree(engine, "app:1", below="app/main.py")


def test_what_an_engine_shows_of_itself(engine: FakeDockerEngine) -> None:
    """Its version, and how much is in it."""
    assert repr(engine) == "<FakeDockerEngine 29.7.2, 0 images, 0 containers>"


@pytest.mark.parametrize("wrong", ["28.5", FakeDockerEngine])
def test_a_client_of_something_else(wrong: Any) -> None:
    """A version or the class is no engine."""
    with pytest.raises(TypeError, match=r"engine is a FakeDockerEngine, not .* \((str|type)\)"):
        FakeDockerClient(wrong)
