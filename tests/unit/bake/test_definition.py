"""What of a definition is to be built: groups, inheritance, overrides, links, permissions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imagebuilders.bake.definition import BakePlan
from imagebuilders.bake.files import read_definition
from imagebuilders.bake.permissions import check_permissions
from imagebuilders.bake.tasks import TargetBuild, target_builds
from imagebuilders.exceptions import BakeError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _plan(*names: str, sets: tuple[str, ...] = (), **sections: Any) -> BakePlan:
    Path("docker-bake.json").write_text(json.dumps(sections))
    definition = read_definition(environment={})
    return definition.plan(names, overrides=sets, environment={})


def _build(sets: tuple[str, ...] = (), **target: Any) -> TargetBuild:
    (build,) = target_builds(_plan(sets=sets, target={"default": target}), "project")
    return build


def test_groups_may_hold_groups() -> None:
    """Each target once; wildcards choose among all names."""
    sections: dict[str, Any] = {
        "group": {"all": {"targets": ["some", "c"]}, "some": {"targets": ["a", "b"]}},
        "target": {"a": {}, "b": {}, "c": {}},
    }
    assert list(_plan("all", **sections).targets) == ["a", "b", "c"]
    assert list(_plan("[ab]", **sections).targets) == ["a", "b"]
    with pytest.raises(BakeError, match=r"no target or group 'x\*'"):
        _plan("x*", **sections)


def test_inheritance() -> None:
    """Arguments are merged, tags replaced, caches added to."""
    plan = _plan(
        "b",
        target={
            "a": {"args": {"A": "1", "B": "1"}, "tags": ["a"], "cache-from": ["x"]},
            "b": {"inherits": ["a"], "args": {"B": "2"}, "tags": ["b"], "cache-from": ["y"]},
        },
    )
    target = plan.targets["b"]
    assert target.args == {"A": "1", "B": "2"}
    assert target.tags == ("b",)
    assert [entry["ref"] for entry in target.cache_from] == ["x", "y"]


def test_targets_that_need_one_another_are_refused() -> None:
    """The circle is told."""
    with pytest.raises(BakeError, match="a → b → a"):
        _plan(
            "a",
            target={
                "a": {"contexts": {"x": "target:b"}},
                "b": {"contexts": {"x": "target:a"}},
            },
        )


def test_what_only_others_need_is_not_kept() -> None:
    """It is built for the cache alone, and its entitlements are those of who needs it."""
    plan = _plan("a", target={"a": {"contexts": {"x": "target:b"}}, "b": {"network": "host"}})
    assert plan.linked == {"b"}
    assert plan.targets["b"].output == ({"type": "cacheonly"},)
    assert plan.targets["a"].entitlements == ("network.host",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a", "TARGET.KEY=VALUE"),
        ("a.tags", "the value is missing"),
        ("z.tags=1", "no target 'z'"),
        ("a.bogus=1", "no key 'bogus'"),
        ("a.args=1", "args needs a name"),
        ("a.secret=id=x", "secret needs a name"),
        ("a.secret.t=env=X", "no such secret"),
        ("a.pull=maybe", "true or false"),
        ("a.cache-to=mode=max", "has no type"),
    ],
)
def test_wrong_overrides_are_refused(text: str, words: str) -> None:
    """What is wrong with it."""
    with pytest.raises(BakeError, match=words):
        _plan("a", sets=(text,), target={"a": {}})


def test_overrides() -> None:
    """Values replace, `+` adds, secrets keep their names."""
    plan = _plan(
        "a",
        sets=(
            "a.tags+=y",
            "a.ulimits=nofile=1",
            "a.secret.t=env=X",
            "*.push=true",
            "a.network=none",
        ),
        target={"a": {"tags": ["x"], "secret": ["id=t,src=s"], "ulimits": ["nproc=1"]}},
    )
    target = plan.targets["a"]
    assert target.tags == ("x", "y")
    assert target.ulimits == ("nofile=1",)
    assert target.secret == ({"env": "X", "id": "t"},)
    assert target.output == ({"type": "image", "push": "true"},)
    assert target.network == "none"


# --- JSON ------------------------------------------------------------------------


def test_variables_are_evaluated() -> None:
    """From defaults, the environment, and `--var`."""
    text = {
        "variable": {"a": {"default": "1"}, "b": {"default": "${a}2"}, "n": {"default": 3}},
        "target": {"default": {"args": {"B": "${b}", "N": "${n}", "E": "$${a}"}}},
    }
    Path("docker-bake.json").write_text(json.dumps(text))

    def arguments(**given: Any) -> dict[str, str]:
        plan = read_definition(**{"environment": {}, **given}).plan(environment={})
        return dict(plan.targets["default"].args)

    assert arguments() == {"B": "12", "N": "3", "E": "${a}"}
    assert arguments(environment={"a": "x", "n": "4.0"}) == {"B": "x2", "N": "4", "E": "${a}"}
    assert arguments(environment={"a": "x"}, variables={"a": "y"})["B"] == "y2"
    looked_up = {"a": "x", "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP": "1"}
    assert arguments(environment=looked_up)["B"] == "12"


@pytest.mark.parametrize(
    "sections",
    [
        {"target": {"default": {"args": {"A": "${upper(x)}"}}}},
        {"target": {"default": {"args": {"A": "%{ if x }a%{ endif }"}}}},
        {"target": {"default": {"matrix": {"a": ["b"]}}}},
        {"function": {"f": {}}},
    ],
)
def test_what_is_hcls_own_is_refused(sections: dict[str, Any]) -> None:
    """With the command that turns it into JSON."""
    with pytest.raises(BakeError, match=r"docker buildx bake -f docker-bake\.json --print"):
        _plan(**sections)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a mapping"),
        ('{"target": {"a b": {}}}', "no target can be called 'a b'"),
        ('{"target": {"default": {"tags": "x"}}}', "target.default.tags: it must be a list"),
        ('{"target": {"default": {"tags": ["${x}"]}}}', "x, which is no variable"),
        ('{"group": {"default": {"targets": ["a"]}}}', "There is no target a"),
    ],
)
def test_malformed_json_is_told(text: str, words: str) -> None:
    """What is wrong, and where."""
    Path("docker-bake.json").write_text(text)
    with pytest.raises(BakeError, match=words):
        read_definition(environment={}).plan(environment={})


def test_without_files_there_is_nothing() -> None:
    """The names that are looked for are told."""
    with pytest.raises(BakeError, match=r"compose\.yaml"):
        read_definition(environment={})


# --- what the builder is asked for -------------------------------------------------


def test_options_of_a_target() -> None:
    """Each in the option of its meaning; what is not said is left out."""
    given: dict[str, Any] = {
        "context": "./app/",
        "dockerfile": "d/Dockerfile",
        "args": {"A": "1"},
        "no-cache": True,
        "platforms": ["linux/amd64"],
        "secret": ["id=t,env=T"],
        "ssh": ["k=./key"],
        "shm-size": "64m",
        "extra-hosts": {"h": "1.2.3.4,5.6.7.8"},
        "output": ["type=local,dest=out"],
    }
    build = _build(**given)
    assert build.context == "app"
    assert build.image_names == ("project-default",)
    assert build.options == {
        "buildargs": {"A": "1"},
        "dockerfile": "d/Dockerfile",
        "extra_hosts": ["h=1.2.3.4", "h=5.6.7.8"],
        "nocache": True,
        "outputs": [{"type": "local", "dest": "out"}],
        "platform": ("linux/amd64",),
        "secrets": [{"id": "t", "env": "T"}],
        "shmsize": "64m",
        "ssh": ["k=./key"],
    }


@pytest.mark.parametrize("output", ["type=registry", "type=image,push=true"])
def test_a_push_is_an_option_of_the_build(output: str) -> None:
    """By every engine; an image without a tag cannot be pushed."""
    build = _build(tags=["r.example/a"], output=[output])
    assert build.pushes
    assert build.options["outputs"] == [{"type": "image"}]
    with pytest.raises(BakeError, match="no tag to push it to"):
        _build(output=[output])


def test_outputs_that_keep_the_image_are_one() -> None:
    """As of `--push --load`; those that write files are left."""
    build = _build(tags=["r.example/a"], output=["type=docker", "type=registry", "out"])
    assert build.options["outputs"] == [{"type": "image"}, {"type": "local", "dest": "out"}]


def test_standard_input_is_refused() -> None:
    """There is one for many builds."""
    with pytest.raises(BakeError, match="standard input"):
        _build(context="-")


# --- permissions -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "flag"),
    [
        ({"network": "host"}, "network.host"),
        ({"entitlements": ["security.insecure"]}, "security.insecure"),
        ({"ssh": ["default"]}, "ssh"),
        ({"context": ".."}, "fs.read=.."),
        ({"context": "/etc"}, "fs.read=/etc"),
        ({"contexts": {"x": "/etc"}}, "fs.read=/etc"),
        ({"secret": ["id=t,src=/etc/passwd"]}, "fs.read=/etc/passwd"),
        ({"output": ["type=local,dest=/out"]}, "fs.write=/out"),
        ({"cache-to": ["type=local,dest=../c"]}, "fs.write=../c"),
    ],
)
def test_what_a_stranger_could_ask_for_has_to_be_allowed(target: dict[str, Any], flag: str) -> None:
    """The error names the flag, with which it passes."""
    plan = _plan(target={"default": target})
    with pytest.raises(BakeError) as caught:
        check_permissions(plan, [], {})
    assert f"--allow={flag}" in str(caught.value)
    flags = str(caught.value).partition("add: ")[2].split()
    check_permissions(plan, [each.removeprefix("--allow=") for each in flags], {})


def test_one_flag_is_named_for_a_folder_and_what_is_in_it() -> None:
    """It is quoted for the shell where that is needed."""
    contexts = {"a": "../my lib/a", "b": "../my lib", "c": "../my lib/../my lib/c"}
    plan = _plan(target={"default": {"context": "..", "contexts": {}}})
    with pytest.raises(BakeError) as caught:
        check_permissions(plan, [], {})
    assert str(caught.value).endswith(" add: --allow=fs.read=..")

    plan = _plan(target={"default": {"context": ".", "contexts": contexts}})
    with pytest.raises(BakeError) as caught:
        check_permissions(plan, [], {})
    assert str(caught.value).endswith(" add: --allow='fs.read=../my lib'")
    check_permissions(plan, ["fs.read=../my lib"], {})


def test_files_below_the_working_directory_are_allowed() -> None:
    """Links are followed first; all is allowed on request."""
    Path("inside").mkdir()
    Path("link").symlink_to("/etc")
    check_permissions(_plan(target={"default": {"context": "inside"}}), [], {})
    plan = _plan(target={"default": {"context": "link"}})
    with pytest.raises(BakeError, match=r"fs\.read=link"):
        check_permissions(plan, [], {})
    check_permissions(plan, ["fs=*"], {})
    check_permissions(plan, [], {"BUILDX_BAKE_ENTITLEMENTS_FS": "0"})
    with pytest.raises(BakeError, match="--allow bogus"):
        check_permissions(plan, ["bogus"], {})
