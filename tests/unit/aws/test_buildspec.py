"""Nothing from options, names or paths breaks out of a buildspec's YAML and shell."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.code_build.buildspec import read_buildspec
from imagebuilders import DockerBuildOptions
from imagebuilders.aws.code_build.buildspec import (
    BuildPlan,
    ECRLogin,
    Login,
    render_buildspec,
)
from imagebuilders.build_options.buildx_command import render_buildx_command

_HOSTILE = ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"; touch pwned; "', "\n", "\\"]
_HOSTILE += ["!!python/object/apply:os.system ['touch pwned']", "- |", "# x", "%TAG", "&a *a"]
_HOSTILE += ["${X}", "\r\n", "\u2028", "\x85", "\ufeff", "\x7f", "é😀", "-rf", "--"]
_HOSTILE += ["~", "*", "{a,b}", "\t", "!"]

TEXT = st.lists(
    st.one_of(
        st.sampled_from(_HOSTILE),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    ),
    max_size=6,
).map("".join)


def _recorded(spec: str, phase: str, folder: Path) -> list[str]:
    """Run the commands of a phase in a real shell; return the words that programs were given."""
    programs = folder / "bin"
    programs.mkdir()
    record = folder / "record"
    for name in ("docker", "aws", "cp", "mv", "tar", "sed"):
        file = programs / name
        # Each word ends with NUL, each command with an empty word.
        file.write_text(f'#!/bin/sh\nprintf "%s\\0" {name} "$@" "" >> "{record}"\n')
        file.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    (work / "imagebuilders" / "dockerfile").mkdir(parents=True)
    commands = yaml.safe_load(spec)["phases"][phase]["commands"]
    script = "\n".join(commands)
    subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=work,
        env={"PATH": f"{programs}:/usr/bin:/bin", "U": "user", "P": "pass"},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    assert sorted(os.listdir(work)) in ([], ["imagebuilders"])
    return record.read_bytes().decode().split("\0")[:-1]


@settings(max_examples=40)
@given(words=st.lists(TEXT, min_size=1, max_size=6), value=TEXT)
def test_words_arrive_as_they_are(words: list[str], value: str) -> None:
    """Through YAML and the shell, `docker` gets exactly the words that were rendered."""
    command = ["docker", *words]
    plan = BuildPlan("s3://b/k", "Dockerfile", True, command, variables={"X": value})
    with tempfile.TemporaryDirectory() as folder:
        found = _recorded(render_buildspec(plan), "build", Path(folder))
    ended = [*command, ""]
    assert found[: len(ended)] == ended
    assert found[len(ended)] == "sed"


@settings(max_examples=40)
@given(
    label=TEXT,
    argument=TEXT,
    target=TEXT.filter(bool),
    dockerfile=TEXT.filter(lambda text: bool(text) and not text.startswith("/")),
    key=TEXT,
)
def test_options_arrive_as_they_are(
    label: str, argument: str, target: str, dockerfile: str, key: str
) -> None:
    """The same of options, and of paths in the other phase."""
    options = DockerBuildOptions(
        labels={"l": label}, buildargs={"a": argument, "b": None}, target=target
    )
    command = render_buildx_command(
        options,
        names=["host/app:1"],
        context="imagebuilders/context",
        dockerfile="imagebuilders/dockerfile/Dockerfile",
        metadata_file="imagebuilders/metadata.json",
        secrets={},
    )
    assert f"a={argument}" in command
    assert f"l={label}" in command
    plan = BuildPlan(
        f"s3://bucket/{key}",
        dockerfile,
        False,
        command,
        [ECRLogin("host", "region"), Login("other:5000", "U", "P")],
    )
    spec = render_buildspec(plan)
    with tempfile.TemporaryDirectory() as folder:
        found = _recorded(spec, "build", Path(folder))
    assert found[: len(command) + 1] == [*command, ""]
    with tempfile.TemporaryDirectory() as folder:
        found = _recorded(spec, "pre_build", Path(folder))
    assert found[:7] == [
        *("aws", "s3", "cp", "--only-show-errors"),
        *(f"s3://bucket/{key}", "imagebuilders/context.tar.gz", ""),
    ]
    at = found.index("mv")
    assert found[at : at + 5] == [
        *("mv", "--", f"imagebuilders/context/{dockerfile}"),
        *("imagebuilders/dockerfile/Dockerfile", ""),
    ]
    assert found[-7:] == [
        *("docker", "login", "--username", "user", "--password-stdin", "other:5000", ""),
    ]


@given(words=st.lists(TEXT, min_size=1, max_size=4))
def test_a_buildspec_is_ascii(words: list[str]) -> None:
    """So that no reader of YAML has to know which characters are printable."""
    spec = render_buildspec(BuildPlan("s3://b/k", "Dockerfile", True, ["docker", *words]))
    assert spec.isascii()
    assert all(" " <= character <= "~" or character == "\n" for character in spec)
    assert read_buildspec(spec).phases == ("pre_build", "build")


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_what_no_command_can_be_given_is_refused(word: str) -> None:
    """NUL ends a word, and halves of characters are no text."""
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        render_buildspec(BuildPlan("s3://b/k", "Dockerfile", True, ["docker", word]))


def _exported(metadata: str) -> dict[str, str]:
    """Let the commands behind the build read what buildx said."""
    spec = render_buildspec(BuildPlan("s3://b/k", "Dockerfile", True, ["true"]))
    commands: list[str] = yaml.safe_load(spec)["phases"]["build"]["commands"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "imagebuilders"
        work.mkdir()
        (work / "metadata.json").write_text(metadata)
        told = 'printf "%s|%s" "$IMAGEBUILDERS_DIGEST" "$IMAGEBUILDERS_IMAGE_ID"'
        script = "\n".join([*commands, told])
        ended = subprocess.run(
            ["/bin/sh", "-c", script], cwd=folder, capture_output=True, text=True, check=True
        )
    digest, _, image_id = ended.stdout.partition("|")
    return {"digest": digest, "image_id": image_id}


DIGEST, CONFIG = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (
            f'{{\n  "buildx.build.ref": "a",\n  "containerimage.config.digest": "{CONFIG}",\n'
            f'  "containerimage.digest": "{DIGEST}",\n  "image.name": "x"\n}}',
            (DIGEST, CONFIG),
        ),
        (f'{{\n  "containerimage.digest": "{DIGEST}"\n}}', (DIGEST, "")),
        # What provenance says of other images stands deeper.
        (f'{{\n  "p": {{\n    "containerimage.digest": "{DIGEST}"\n  }}\n}}', ("", "")),
        ('{\n  "containerimage.digest": "$(touch pwned)"\n}', ("", "")),
        ("{}", ("", "")),
    ],
)
def test_the_digest_is_read_off_what_buildx_says(metadata: str, expected: tuple[str, str]) -> None:
    """Only the result's own digests count, and nothing but digests."""
    assert _exported(metadata) == {"digest": expected[0], "image_id": expected[1]}


@pytest.mark.parametrize(
    "text",
    [
        "version: 0.2\nphases: {build: {commands: [1]}}",
        "version: 0.1",
        "version: 0.2\nbatch: {}",
        "version: 0.2\nphases: {build: {commands: [], finally: []}}",
        "version: 0.2\nphases: {build: {on-failure: CONTINUE}}",
        "{",
        "[]",
    ],
)
def test_the_double_reads_strictly(text: str) -> None:
    """What it does not know is an error, never passed over."""
    from fakes.code_build.builds import PhaseFailedError

    with pytest.raises(PhaseFailedError):
        read_buildspec(text)
