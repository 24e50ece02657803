"""Real engines show what the transcripts say, and build what the double builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from comparison_size import WHOLE, size
from docker.api.client import APIClient
from double_contract import DoubleContract, double_contract, engine_double
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from testbed.bed import Testbed
from testbed.images import ENGINE_VERSIONS
from testbed.recorded import ContractEngine, contract_engine

from fakes import FakeDockerClient
from fakes.contracts.docker_engine import BASE_IMAGE, DockerEngineContract, differences
from fakes.contracts.engine.context import Entry, directory, symlink
from fakes.contracts.engine.registry import further_image, scenarios
from fakes.contracts.engine.session import Session
from fakes.contracts.engine.transcripts import not_recorded
from fakes.engine.versions import LOOKS

_ALL = sorted(scenarios())
# The commands of Debian take a second each, and its image is loaded first.
_DEBIAN = [name for name in _ALL if further_image(name)]
_NOT_ASKED = {*_DEBIAN} - {*_DEBIAN[::9]}
# Engines look for drivers for minutes.
_QUICK = [name for name in _ALL if not name.startswith("drivers.") and name not in _NOT_ASKED]
# A failure is not made smaller: that takes minutes with a real engine.
_PHASES = (Phase.explicit, Phase.generate)


Engines = Callable[[str], ContractEngine]


@pytest.fixture(scope="module")
def engines(testbed: Testbed) -> Iterator[Engines]:
    """Engines by version, each made once and filled by no other test."""
    with ExitStack() as opened:

        @cache
        def make(version: str) -> ContractEngine:
            return opened.enter_context(contract_engine(testbed, version))

        yield make


class _Real(DockerEngineContract):
    """A real engine of the testbed."""

    __test__ = False

    @pytest.fixture
    def api(self, engines: Engines, name: str) -> APIClient:
        engine = engines(self.engine_version)
        engine.prepare(name)
        return engine.api

    @pytest.fixture
    def registry_port(self, engines: Engines) -> int:
        return engines(self.engine_version).registry_port


def _real_contract(version: str) -> type[_Real]:
    """Each scenario on one of the engines in turn, for on all of them they take minutes."""
    part = _QUICK[ENGINE_VERSIONS.index(version) :: len(ENGINE_VERSIONS)]
    return type(
        f"TestReal{version.replace('.', '_')}",
        (_Real,),
        {
            "__doc__": f"Docker {version}.",
            "__test__": True,
            "engine_version": version,
            "only": _ALL if WHOLE else part,
        },
    )


def _double_contract(look: str) -> type[DoubleContract]:
    """Each scenario in the clothes of every other look."""
    missing = not_recorded(look, _ALL)
    part = _ALL
    if not WHOLE:  # what Debian's shells do is the same in all clothes
        part = [name for name in _ALL if name not in _DEBIAN][list(LOOKS).index(look) % 2 :: 2]
    return double_contract(look, [name for name in part if name not in missing])


for _contract in [
    *map(_real_contract, ENGINE_VERSIONS),
    *map(_double_contract, LOOKS),
]:
    globals()[_contract.__name__] = _contract


# --- random builds ------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "c.txt", "d.md", "x y", "é"])
_FOLDERS = st.sampled_from(["", "p/", "p/q/", "r/"])
_MODES = st.sampled_from([0o644, 0o600, 0o755, 0o4755, 0o2755, 0o444])
_IDS = st.sampled_from([0, 0, 5, 1000])


@st.composite
def _trees(draw: st.DrawFn) -> dict[str, str | Entry]:
    """The files of a context."""
    files: dict[str, str | Entry] = {}
    for _ in range(draw(st.integers(1, 7))):
        path = draw(_FOLDERS) + draw(_NAMES)
        kind = draw(st.sampled_from(["file", "file", "file", "link", "dir"]))
        if kind == "link":
            target = draw(st.sampled_from(["a", "../a", "p", "/p/b", "nowhere", "q"]))
            files[path] = symlink(target)
        elif kind == "dir":
            files[path] = directory(draw(st.sampled_from([0o755, 0o700, 0o1777])))
        else:
            content = draw(st.sampled_from(["", "one", "two two", "#!/bin/sh\n"]))
            files[path] = Entry(content.encode(), draw(_MODES), draw(_IDS), draw(_IDS))
    # A name cannot be a file and a folder at once.
    return {
        path: entry
        for path, entry in files.items()
        if not any(other.startswith(f"{path}/") for other in files)
        and not any(_is_below(path, other, files[other]) for other in files)
    }


def _is_below(path: str, other: str, entry: str | Entry) -> bool:
    return path.startswith(f"{other}/") and not (isinstance(entry, Entry) and entry.directory)


_VALUES = st.sampled_from(
    [
        "1",
        '"two words"',
        "$v",
        "${v:-d}",
        "${w:+y}",
        "x$v",
        "'$v'",
        "\\$v",
        '"<&>"',
        "é",
        "${v}${w}",
    ]
)
_KEYS = st.sampled_from(["v", "w", "PATH", "K_1"])
_SOURCES = st.sampled_from(
    ["a", "b", ".", "p", "p/", "p/q", "*", "*.txt", "p/*", "?", "[ab]", "r", "./a", "/p", "nope"]
)
_TARGETS = st.sampled_from(
    ["/", ".", "/t", "/t/", "t/u", "/t/u/", "../z", "/p", "/a", "$v", "/t/../u", "/p/a"]
)
_OWNERS = st.sampled_from(["", "", "", "--chown=5 ", "--chown=5:6 ", "--chown=0:0 "])
_WORDS = st.sampled_from(['["a", "b c"]', "a b", "[]", "echo $v", '["$v"]'])


@st.composite
def _instructions(draw: st.DrawFn, stage: int) -> str:
    kind = draw(
        st.sampled_from(
            ["copy"] * 5
            + ["env", "env", "arg", "label", "workdir", "workdir", "user", "cmd", "entrypoint"]
            + ["expose", "volume", "add", "from-stage", "stopsignal", "shell", "health", "onbuild"]
        )
    )
    if kind == "from-stage":
        if stage == 0:
            return f"ENV {draw(_KEYS)}={draw(_VALUES)}"
        source = draw(st.sampled_from(["/", "/t", "/p", "/a", "t/u", "/t/*", "/nope"]))
        origin = draw(st.sampled_from([str(stage - 1), "s0", "S0"]))
        return f"COPY --from={origin} {draw(_OWNERS)}{source} {draw(_TARGETS)}"
    if kind in ("copy", "add"):
        sources = " ".join(draw(st.lists(_SOURCES, min_size=1, max_size=2)))
        return f"{kind.upper()} {draw(_OWNERS)}{sources} {draw(_TARGETS)}"
    makers: dict[str, Callable[[], str]] = {
        "env": lambda: f"ENV {draw(_KEYS)}={draw(_VALUES)} k={draw(_VALUES)}",
        "arg": lambda: draw(st.sampled_from(["ARG v", "ARG v=1", "ARG w=$v", "ARG g"])),
        "label": lambda: f"LABEL l={draw(_VALUES)} {draw(_KEYS)}=z",
        "workdir": lambda: f"WORKDIR {draw(st.sampled_from(['/w', 'x', '../y', '/w/$v', '/a/']))}",
        "user": lambda: f"USER {draw(st.sampled_from(['u', '5:6', '$v']))}",
        "cmd": lambda: f"CMD {draw(_WORDS)}",
        "entrypoint": lambda: f"ENTRYPOINT {draw(_WORDS)}",
        "expose": lambda: f"EXPOSE {draw(st.sampled_from(['80', '90/udp 80', '8000-8002', 'x']))}",
        "volume": lambda: draw(st.sampled_from(["VOLUME /v", "VOLUME /v /x", 'VOLUME ["/v"]'])),
        "stopsignal": lambda: f"STOPSIGNAL {draw(st.sampled_from(['9', 'SIGINT', 'NO']))}",
        "shell": lambda: 'SHELL ["/bin/x", "-c"]',
        "health": lambda: draw(
            st.sampled_from(["HEALTHCHECK NONE", "HEALTHCHECK --interval=3s CMD a"])
        ),
        "onbuild": lambda: "ONBUILD ENV ob=1",
    }
    return makers[kind]()


@st.composite
def _dockerfiles(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from([[], ["ARG v=meta"], ["ARG g=0", "ARG v"]]))
    lines = list(lines)
    for stage in range(draw(st.integers(1, 3))):
        base = "scratch" if stage == 0 else draw(st.sampled_from(["scratch", "scratch", "s0"]))
        lines.append(f"FROM {base} AS s{stage}")
        steps = st.lists(_instructions(stage), min_size=1, max_size=5)
        lines.extend(draw(steps))
    return "\n".join(lines)


@pytest.fixture(params=ENGINE_VERSIONS)
def real(request: pytest.FixtureRequest, engines: Engines) -> Iterator[tuple[str, APIClient]]:
    """Each engine in turn."""
    client = engines(request.param).api
    cleaner = Session(client, BASE_IMAGE)
    yield request.param, client
    cleaner.clean()


def test_random_builds_come_out_the_same(real: tuple[str, APIClient]) -> None:
    """Random Dockerfiles over random trees: the same image, or the same failure."""
    version, api = real

    @settings(
        max_examples=size(30, 500),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=_PHASES,
        derandomize=True,
        database=None,
    )
    @given(
        _dockerfiles(),
        _trees(),
        st.sampled_from([{}, {"v": "given"}, {"g": "x", "HTTP_PROXY": "p"}]),
        st.sampled_from(["", "", "s0", "S1", "s9"]),
    )
    def compare(
        dockerfile: str, files: dict[str, str | Entry], args: dict[str, str], target: str
    ) -> None:
        note(dockerfile)
        options: dict[str, Any] = {
            "buildargs": args,
            "nocache": "1",
            **({"target": target} if target else {}),
        }
        expected = Session(api, BASE_IMAGE, shared=False)
        expected.build(dockerfile, files, **options)
        with_double = FakeDockerClient(engine_double(version))
        seen = Session(with_double.api, BASE_IMAGE, shared=False)
        seen.build(dockerfile, files, **options)
        with_double.close()
        found = differences(expected.notes, seen.notes)
        assert not found, "\n".join(found)

    compare()
