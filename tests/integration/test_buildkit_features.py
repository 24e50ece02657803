"""What Dockerfiles need BuildKit for, on the engines whose own frontend knows it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.image_reading import read_file

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.build_options.values import BuildSecret
from imagebuilders.events import Event, Notice, listen
from imagebuilders.exceptions import BuildError

pytestmark = pytest.mark.usefixtures("docker_config")

_UNKNOWN = r"(?i)unknown|knows no|unsupported"


@dataclass(frozen=True)
class Case:
    """A Dockerfile, and what its image has then.

    Attributes:
        name: what it shows.
        dockerfile: without its `FROM`, which is busybox, as the stage `base`.
        expected: content by absolute path.
        files: the context.
        since: the oldest engine whose frontend knows it.
        options: further options.
        modes: permissions by absolute path.
    """

    name: str
    dockerfile: str
    expected: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    since: str = "20.10"
    options: Mapping[str, object] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)


CASES = [
    Case(
        "mount=bind",
        "RUN --mount=type=bind,target=/src cp /src/a /a && ls /src > /listing",
        {"/a": "content", "/listing": "Dockerfile\na\n"},
        {"a": "content"},
    ),
    Case(
        "mount=bind from a stage, writable",
        """\
        FROM base AS made
        RUN echo made > /made
        FROM base
        RUN --mount=type=bind,from=made,target=/m,rw echo more >> /m/made && cp /m/made /copy
        RUN --mount=from=made,source=/made,target=/f cp /f /again
        """,
        {"/copy": "made\nmore\n", "/again": "made\n"},
    ),
    Case(
        "mount=cache",
        """\
        RUN --mount=type=cache,target=/c,id=IMAGE echo first >> /c/log
        RUN --mount=type=cache,target=/c,id=IMAGE,sharing=locked cp /c/log /log
        """,
        {"/log": "first\n"},
    ),
    Case(
        "mount=tmpfs",
        "RUN --mount=type=tmpfs,target=/t mount | grep -c ' /t type tmpfs' > /count",
        {"/count": "1\n"},
    ),
    Case(
        "mount=secret",
        """\
        RUN --mount=type=secret,id=token wc -c < /run/secrets/token > /size
        RUN --mount=type=secret,id=token,target=/k,mode=0440,uid=7 stat -c '%a %u' /k > /mode
        RUN --mount=type=secret,id=absent [ ! -e /run/secrets/absent ] && touch /absent
        """,
        {"/size": "9\n", "/mode": "440 7\n", "/absent": ""},
        options={"secrets": [BuildSecret("token", get=lambda: "s3cr3t-99")]},
    ),
    Case(
        "network=none",
        "RUN --network=none ip -o link | grep -cv ' lo:' > /others || true",
        {"/others": "0\n"},
        since="26.1",
    ),
    Case(
        "here-documents",
        """\
        ARG who=you
        RUN <<EOF
        set -e
        echo run $who > /run-it
        EOF
        COPY <<one <<"two" /made/
        copied $who
        one
        kept $who
        two
        RUN <<"EOF" sh -s arg
        echo $1 > /piped
        EOF
        """,
        {
            "/run-it": "run me\n",
            "/made/one": "copied me\n",
            "/made/two": "kept $who\n",
            "/piped": "arg\n",
        },
        since="26.1",
        options={"buildargs": {"who": "me"}},
    ),
    Case(
        "COPY --chmod and --chown",
        "COPY --chmod=0751 --chown=12:34 a /a",
        {"/a": "content"},
        {"a": "content"},
        modes={"/a": 0o751},
    ),
    Case(
        "COPY --link",
        """\
        FROM base AS made
        RUN echo made > /made
        FROM base
        COPY --link a /x/a
        COPY --link --from=made /made /x/
        """,
        {"/x/a": "content", "/x/made": "made\n"},
        {"a": "content"},
        since="26.1",
    ),
    Case(
        "arguments of the platform",
        "ARG TARGETOS\nARG TARGETARCH\nARG BUILDPLATFORM\n"
        "RUN echo $TARGETOS/$TARGETARCH > /target && [ $(cat /target) = $BUILDPLATFORM ]",
        {"/target": "linux/amd64\n"},
    ),
    Case(
        "an image as --from",
        "COPY --from=BUSYBOX /etc/group /from-image",
        {"/from-image": "root:x:0:\nnogroup:x:65534:\n"},
    ),
    Case(
        "parallel stages",
        """\
        FROM base AS one
        RUN echo 1 > /one
        FROM base AS two
        RUN echo 2 > /two
        FROM base AS unused
        RUN false
        FROM base
        COPY --from=one /one /
        COPY --from=two /two /
        """,
        {"/one": "1\n", "/two": "2\n"},
    ),
    Case(
        "a named context",
        "COPY --from=other b /b",
        {"/b": "of the other"},
        since="26.1",
        options={"build_contexts": {"other": "OTHER"}},
    ),
    Case(
        "SHELL, HEALTHCHECK, ONBUILD and links",
        """\
        SHELL ["/bin/sh", "-ec"]
        HEALTHCHECK --interval=7s CMD true
        ONBUILD RUN true
        COPY . /ctx
        RUN readlink /ctx/link > /link
        """,
        {"/ctx/a": "content", "/link": "a\n"},
        {"a": "content", "link": "->a"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_feature(buildkit_engine: Engine, root: Path, case: Case) -> None:
    """The image has what the Dockerfile says; an older frontend says what it does not know."""
    image = f"feature:{CASES.index(case)}"
    _write(root, case, buildkit_engine, image)
    options = _options(root, case)
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    seen: list[Event] = []
    with listen(seen.append):
        if _is_older(buildkit_engine, case.since):
            with pytest.raises((BuildError, ValueError), match=_UNKNOWN):
                builder.build(image, BuildContext(str(root)), options)
            return
        builder.build(image, BuildContext(str(root)), options)
    assert [event for event in seen if isinstance(event, Notice)] == []
    for path, content in case.expected.items():
        assert read_file(buildkit_engine, image, path).content.decode() == content, path
    for path, mode in case.modes.items():
        assert read_file(buildkit_engine, image, path).mode == mode, path


@pytest.mark.parametrize("flag", ["parents", "exclude=b"])
def test_flag_that_no_frontend_here_knows_or_does(buildkit_engine: Engine, flag: str) -> None:
    """A flag works, or the refusal names it, with the line of the Dockerfile."""
    context = BuildContext()
    context.add_file("content", "folder/a")
    context.add_file("more", "folder/b")
    context.add_file(f"FROM {buildkit_engine.busybox}\nCOPY --{flag} folder/a /x/\n", "Dockerfile")
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    name = flag.partition("=")[0]
    if name == "exclude" and buildkit_engine.series == "28.5":
        builder.build("flags:1", context)
        assert read_file(buildkit_engine, "flags:1", "/x/a").content == b"content"
        return
    with pytest.raises(BuildError, match=f"(?i)unknown flag: (--)?{name}") as caught:
        builder.build("flags:1", context)
    assert "COPY" in str(caught.value)


def test_check_of_the_dockerfile(buildkit_engine: Engine) -> None:
    """`# check=error=true` makes a warning a failure that names the rule, where it is known."""
    context = BuildContext()
    context.add_file(
        f"# check=error=true\nFROM {buildkit_engine.busybox} as base\nRUN true\n", "Dockerfile"
    )
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    if _is_older(buildkit_engine, "28.5"):
        assert builder.build("checked:1", context) == "checked:1"
        return
    with pytest.raises(BuildError, match=r"FromAsCasing|lint violation"):
        builder.build("checked:1", context)


def _write(root: Path, case: Case, engine: Engine, image: str) -> None:
    text = textwrap.dedent(case.dockerfile).replace("BUSYBOX", engine.busybox)
    text = text.replace("IMAGE", image.replace(":", "-"))
    (root / "Dockerfile").write_text(f"FROM {engine.busybox} AS base\n{text}\n")
    for name, content in case.files.items():
        if content.startswith("->"):
            (root / name).symlink_to(content[2:])
        else:
            (root / name).write_text(content)


def _options(root: Path, case: Case) -> dict[str, object]:
    options = dict(case.options)
    if options.get("build_contexts"):
        other = root.parent / "other"
        other.mkdir()
        (other / "b").write_text("of the other")
        options["build_contexts"] = {"other": str(other)}
    return options


def _is_older(engine: Engine, series: str) -> bool:
    return tuple(map(int, engine.series.split("."))) < tuple(map(int, series.split(".")))
