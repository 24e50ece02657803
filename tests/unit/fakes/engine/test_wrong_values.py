"""Wrong values given to the engine double are refused where they are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes import FakeDockerEngine

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
    with pytest.raises(TypeError, match=r"is a shell pattern, a str as in 'ls \*', not \['ls'\]"):
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
    assert engine.hub.paths() == []


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
