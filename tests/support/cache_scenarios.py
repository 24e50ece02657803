"""Builds of which one thing changes, and why which steps must then be built anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagebuilders.events import CacheMissKind

DOCKERFILE = """\
ARG BASE={base}
FROM ${{BASE}} AS build
ARG VERSION=1
ENV MODE=plain
WORKDIR /src
COPY src ./
RUN echo {salt} $VERSION > /out
FROM {base} AS tools
RUN echo {salt} > /tool
FROM {base}
ARG TARGET=/conf
COPY --from=build /out /out
COPY --from=tools /tool /tool
COPY conf/*.ini $TARGET/
COPY link /linked
USER 7
RUN true {salt}
COPY <<EOF /note
at $TARGET
EOF
ADD data.tar /data/
"""

FILES = {
    "src/main.py": "print()",
    "src/part/a.py": "a",
    "src/part/b.py": "b",
    "conf/app.ini": "[app]",
    "conf/readme": "not copied",
    "real/file": "linked to",
    "data.tar": "no tar at all",
    "unused": "not copied",
}

LINE = {
    "WORKDIR": 5,
    "src": 6,
    "make": 7,
    "tools": 9,
    "out": 12,
    "tool": 13,
    "conf": 14,
    "link": 15,
    "true": 17,
    "note": 18,
    "data": 21,
}
"""The lines of the steps."""


@dataclass(frozen=True)
class State:
    """All that goes into a build."""

    dockerfile: str
    files: Mapping[str, str] = field(default_factory=lambda: dict(FILES))
    modes: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=lambda: {"link": "real"})
    options: Mapping[str, object] = field(default_factory=dict)

    def with_file(self, path: str, content: str | None) -> State:
        """Return the state with another file, or without it."""
        files = {name: text for name, text in self.files.items() if name != path}
        return replace(self, files=files if content is None else {**files, path: content})

    def with_text(self, old: str, new: str) -> State:
        """Return the state with other words in the Dockerfile."""
        assert old in self.dockerfile
        return replace(self, dockerfile=self.dockerfile.replace(old, new, 1))

    def with_option(self, name: str, value: object) -> State:
        """Return the state with a further option."""
        return replace(self, options={**self.options, name: value})

    def with_argument(self, name: str, value: str) -> State:
        """Return the state with a build argument."""
        return self.with_option("buildargs", {name: value})

    def with_base(self, stand_in: str, image: str) -> State:
        """Return the state with an image in the place of a word in the build arguments."""
        given = self.options.get("buildargs")
        if not isinstance(given, dict) or stand_in not in given.values():
            return self
        arguments = {name: image if value == stand_in else value for name, value in given.items()}
        return self.with_option("buildargs", arguments)

    def write(self, root: Path) -> None:
        """Make the folder that the state describes."""
        for folder, names, files in os.walk(root, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    os.unlink(path)
                else:
                    os.rmdir(path)
        for path, content in {**self.files, "Dockerfile": self.dockerfile}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
            target.chmod(self.modes.get(path, 0o644))
        for path, link in self.links.items():
            (root / path).symlink_to(link)


Expected = Mapping[int, tuple[CacheMissKind, tuple[str, ...]]]
"""What is to be told of lines: the kind of the reason and what it is about."""


@dataclass(frozen=True)
class Scenario:
    """One change.

    Attributes:
        name: what changes.
        change: makes the change.
        expected: the reasons of the first steps that miss; an empty text for a subject is any.
    """

    name: str
    change: Callable[[State], State]
    expected: Expected


def _file(*paths: str) -> tuple[CacheMissKind, tuple[str, ...]]:
    return "file", paths


SCENARIOS = (
    Scenario(
        "a file's content",
        lambda state: state.with_file("src/main.py", "changed"),
        {LINE["src"]: _file("src/main.py")},
    ),
    Scenario(
        "a file in a folder below",
        lambda state: state.with_file("src/part/b.py", "changed"),
        {LINE["src"]: _file("src/part/b.py")},
    ),
    Scenario(
        "a new file",
        lambda state: state.with_file("src/new.py", "new"),
        {LINE["src"]: _file("src/new.py")},
    ),
    Scenario(
        "a file less",
        lambda state: state.with_file("src/part/a.py", None),
        {LINE["src"]: _file("src/part/a.py")},
    ),
    Scenario(
        "a file's permissions",
        lambda state: replace(state, modes={"src/main.py": 0o755}),
        {LINE["src"]: _file("src/main.py")},
    ),
    Scenario(
        "a file that a pattern matches",
        lambda state: state.with_file("conf/app.ini", "changed"),
        {LINE["conf"]: _file("conf/app.ini")},
    ),
    Scenario(
        "a further file that a pattern matches",
        lambda state: state.with_file("conf/more.ini", "new"),
        {LINE["conf"]: _file("conf/more.ini")},
    ),
    Scenario("a file that no pattern matches", lambda state: state.with_file("conf/x", "x"), {}),
    Scenario("a file that nothing copies", lambda state: state.with_file("unused", "x"), {}),
    Scenario(
        "what a link leads to",
        lambda state: state.with_file("real/file", "changed"),
        {LINE["link"]: _file("real/file")},
    ),
    Scenario(
        "a link's target",
        lambda state: replace(state, links={"link": "src"}),
        {LINE["link"]: ("file", ("",))},
    ),
    Scenario(
        "what an ADD takes",
        lambda state: state.with_file("data.tar", "changed"),
        {LINE["data"]: _file("data.tar")},
    ),
    Scenario(
        "an ignored file",
        lambda state: state.with_file(".dockerignore", "src/part/b.py\n"),
        {LINE["src"]: _file("src/part/b.py")},
    ),
    Scenario(
        "a build argument",
        lambda state: state.with_argument("VERSION", "2"),
        {LINE["make"]: ("argument", ("VERSION",))},
    ),
    Scenario(
        "a build argument's default",
        lambda state: state.with_text("ARG VERSION=1", "ARG VERSION=3"),
        {LINE["make"]: ("argument", ("VERSION",))},
    ),
    Scenario(
        "a build argument that a path names",
        lambda state: state.with_argument("TARGET", "/other"),
        {LINE["conf"]: ("argument", ("TARGET",))},
    ),
    Scenario(
        "an argument that nobody declares", lambda state: state.with_argument("NONE", "1"), {}
    ),
    Scenario(
        "a new build argument",
        lambda state: state.with_text("ENV MODE", "ARG MORE=1\nENV MODE"),
        {LINE["make"] + 1: ("argument", ("MORE",))},
    ),
    Scenario(
        "an environment variable",
        lambda state: state.with_text("MODE=plain", "MODE=fancy"),
        {LINE["make"]: ("variable", ("MODE",))},
    ),
    Scenario(
        "an environment variable less",
        lambda state: state.with_text("ENV MODE=plain\n", ""),
        {LINE["make"] - 1: ("variable", ("MODE",))},
    ),
    Scenario(
        "the working directory",
        lambda state: state.with_text("WORKDIR /src", "WORKDIR /other"),
        {LINE["WORKDIR"]: ("instruction", ())},
    ),
    Scenario(
        "the user",
        lambda state: state.with_text("USER 7", "USER 8"),
        {LINE["true"]: ("setting", ("USER",))},
    ),
    Scenario(
        "the shell",
        lambda state: state.with_text("USER 7", 'USER 7\nSHELL ["/bin/sh", "-ec"]'),
        {LINE["true"] + 1: ("setting", ("SHELL",))},
    ),
    Scenario(
        "a command",
        lambda state: state.with_text("RUN true", "RUN true &&  true"),
        {LINE["true"]: ("instruction", ())},
    ),
    Scenario(
        "a new instruction",
        lambda state: state.with_text("USER 7", "RUN true # new\nUSER 7"),
        {LINE["true"] - 1: ("instruction", ())},
    ),
    Scenario(
        "an instruction less",
        lambda state: state.with_text("COPY --from=tools /tool /tool\n", ""),
        {LINE["conf"] - 1: ("order", ())},
    ),
    Scenario(
        "two instructions in another order",
        lambda state: state.with_text(
            "COPY conf/*.ini $TARGET/\nCOPY link /linked",
            "COPY link /linked\nCOPY conf/*.ini $TARGET/",
        ),
        {LINE["conf"]: ("order", ())},
    ),
    Scenario(
        "a here-document",
        lambda state: state.with_text("at $TARGET", "near $TARGET"),
        {LINE["note"]: ("instruction", ())},
    ),
    Scenario(
        "a stage that another one copies from",
        lambda state: state.with_text("> /tool", "> /tool; echo more >> /tool"),
        {LINE["tools"]: ("instruction", ())},
    ),
    Scenario(
        "a stage of which what is copied stays the same",
        lambda state: state.with_text("> /tool", "> /tool; true"),
        {LINE["tools"]: ("instruction", ())},
    ),
    Scenario(
        "an option of steps",
        lambda state: state.with_option("extra_hosts", {"db": "10.0.0.2"}),
        {LINE[name]: ("option", ("extra_hosts",)) for name in ("make", "tools", "true")},
    ),
    Scenario(
        "the base image of one stage",
        lambda state: state.with_argument("BASE", "OTHER"),
        {LINE["WORKDIR"]: ("base", ("",))},
    ),
    Scenario(
        "no cache",
        lambda state: state.with_option("nocache", True),
        {
            line: ("no-cache", ())
            for name, line in LINE.items()
            if name != "WORKDIR"
        },
    ),
    Scenario(
        "no cache for a stage",
        lambda state: state.with_option("no_cache_filter", ["tools"]),
        {LINE["tools"]: ("no-cache", ())},
    ),
    Scenario("a comment", lambda state: state.with_text("USER 7", "# words\nUSER 7"), {}),
    Scenario("a stage's name", lambda state: state.with_text("AS tools", "AS tools2")
             .with_text("--from=tools", "--from=tools2"), {}),
    Scenario(
        "how an instruction continues",
        lambda state: state.with_text("ADD data.tar", "ADD \\\n  data.tar"),
        {},
    ),
)  # fmt: skip
