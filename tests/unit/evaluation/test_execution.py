"""The steps of stages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from imagebuilders.evaluation.daemon import BUILDKITD, GRAPH_ENGINE, GRAPH_ENGINE_20, Daemon
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.questions import Download
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.evaluation.selection import check_sources
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    Copy,
    Env,
    GitSource,
    ImageOrigin,
    Lines,
    Origin,
    PathSource,
    Run,
    ScratchOrigin,
    Source,
    Stage,
    StageOrigin,
    Step,
    TextSource,
    UrlSource,
    Workdir,
)
from imagebuilders.evaluation.trees import Folder, folder_of, tree_of
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File, Tree
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.platform import Platform

_PLATFORM = Platform("linux", "amd64")
_BASE = ImageOrigin("docker.io/library/base:latest", _PLATFORM)
_LINES = Lines(7, 8)
_FILES: Tree = {
    "etc": File("dir", 0o755),
    "etc/passwd": File("file", data=b"app:x:5:6::/:\n"),
    "lib": File("symlink", 0o777, link="usr/lib"),
    "usr": File("dir", 0o755),
    "usr/lib": File("dir", 0o755),
}
_CONTEXT: Tree = {"a": File("file", mtime=1, data=b"a"), "b": File("file", mtime=1, data=b"b")}


class _Trees:
    """Knows a base and a context, and notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[Origin] = []

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        self.asked.append(origin)
        return folder_of(_CONTEXT if isinstance(origin, ContextOrigin) else _FILES)


def _stage(*steps: Step, base: Origin = _BASE, index: int = 0) -> Stage:
    image = ImageConfig.parse(b'{"os": "linux", "architecture": "amd64"}')
    return Stage(index, "", base, _PLATFORM, steps, True, _LINES, image)


def _copy(*sources: str | Source, to: str = "/x", **fields: object) -> Copy:
    return Copy(
        lines=_LINES,
        created_by="COPY",
        makes_layer=True,
        sources=tuple(PathSource(s, s) if isinstance(s, str) else s for s in sources),
        destination=to,
        **fields,  # type: ignore[arg-type]
    )


def _workdir(path: str, owner: str = "") -> Workdir:
    return Workdir(lines=_LINES, created_by="", makes_layer=True, path=path, owner=owner)


def _run() -> Run:
    return Run(lines=_LINES, created_by="", makes_layer=True, arguments=("x",), command="x")


def _names(executor: Executor, index: int = 0) -> list[list[str]]:
    return [[member.name for member in layer] for layer in executor.stage(index).layers]


def test_each_step_makes_its_layer() -> None:
    """Steps that touch no files make none; one that copies nothing makes an empty one."""
    env = Env(lines=_LINES, created_by="ENV", values=(("a", "b"),))
    steps = (env, _copy("/a"), _workdir("/w/x"), _copy("/none*"), _workdir("/usr"))
    with Executor([_stage(*steps)], _Trees()) as executor:
        assert _names(executor) == [["x"], ["w/", "w/x/"], [], []]
        assert executor.stage(0).steps[0].layer is None


def test_a_step_sees_what_those_before_it_made() -> None:
    """The second copy goes into the folder that WORKDIR made."""
    with Executor([_stage(_workdir("/w"), _copy("/a", to="/w"))], _Trees()) as executor:
        assert _names(executor) == [["w/"], ["w/", "w/a"]]


def test_stages_stand_on_stages() -> None:
    """FROM and COPY --from of a stage; what is asked for is asked once."""
    trees = _Trees()
    stages = [
        _stage(_copy("/a", "/b", to="/d/")),
        _stage(_copy("/d/b", to="/c", origin=StageOrigin(0)), base=StageOrigin(0), index=1),
        _stage(_copy("/d", to="/", origin=StageOrigin(1)), base=ScratchOrigin(), index=2),
    ]
    with Executor(stages, trees) as executor:
        assert _names(executor, 2) == [["a", "b"]]
        assert _names(executor, 1) == [["c"]]
        tree = executor.stage(1).tree
        assert tree is not None
        assert {"c", "d/a", "d/b", "etc/passwd"} <= set(tree_of(tree.get()))
    assert len(trees.asked) == 2


def test_the_root_of_a_base_has_the_time_of_the_build() -> None:
    """No layer tells when it was made."""
    step = _copy("/", to="/x/", origin=_BASE)
    stage = _stage(step, base=ScratchOrigin())
    with Executor([stage], _Trees(), clock=BuildClock(5 * 10**9)) as executor:
        root = executor.stage(0).layers[0][0]
    assert (root.name, root.file.mtime) == ("x/", 5)


def test_a_linked_copy_reads_nothing_of_its_base() -> None:
    """`--link` with a numeric owner: the base's files are not asked for, the layer is whole."""
    trees = _Trees()
    step = _copy("/a", to="/lib/", link=True, chown="1000:1000")
    with Executor([_stage(step)], trees) as executor:
        result = executor.stage(0).steps[0]
        assert [m.name for m in result.layer or ()] == ["lib/", "lib/a"]
        assert result.reads == frozenset()
        assert trees.asked == [ContextOrigin()]
        assert result.tree is not None
        tree = tree_of(result.tree.get())
    assert tree["lib"].kind == "dir"
    assert "etc/passwd" in tree


def test_without_merging_a_link_is_a_copy() -> None:
    """The graph driver does not know layers of their own; nor does `--chmod` allow them."""
    step = _copy("/a", to="/lib/", link=True)
    with Executor([_stage(step)], _Trees(), daemon=GRAPH_ENGINE) as executor:
        assert _names(executor) == [["usr/", "usr/lib/", "usr/lib/a"]]
    with Executor([_stage(_copy("/a", to="/lib/", link=True, chmod="600"))], _Trees()) as executor:
        assert _names(executor) == [["usr/", "usr/lib/", "usr/lib/a"]]


def test_a_copy_tells_what_it_read_of_its_base() -> None:
    """The way to its destination, and the accounts if a name was looked up."""
    with Executor([_stage(_copy("/a", to="/lib/x", chown="app"))], _Trees()) as executor:
        reads = executor.stage(0).steps[0].reads
    assert reads == {"etc", "etc/passwd", "lib", "usr", "usr/lib", "usr/lib/x"}


def test_accounts_are_those_of_the_tree() -> None:
    """Names are looked up in the files before the step; without any that is an error."""
    with Executor([_stage(_copy("/a", chown="app"), _workdir("/w", "app"))], _Trees()) as executor:
        layers = executor.stage(0).layers
    assert [(layer[0].file.uid, layer[0].file.gid) for layer in layers] == [(5, 6), (5, 6)]
    for step in (_copy("/a", chown="app"), _workdir("/w", "app")):
        with (
            Executor([_stage(step, base=ScratchOrigin())], _Trees()) as executor,
            pytest.raises(EvaluationError, match="invalid user index: -1") as caught,
        ):
            executor.stage(0)
        assert (caught.value.line, caught.value.end_line) == (7, 8)


def test_accounts_that_are_no_file() -> None:
    """A folder in the place of the accounts is an error."""
    trees = _Trees()
    trees.tree = lambda origin: folder_of({"etc/passwd": File("dir"), **_CONTEXT})  # type: ignore[method-assign]
    with (
        Executor([_stage(_copy("/a", chown="app"))], trees) as executor,
        pytest.raises(EvaluationError, match="/etc/passwd is not a regular file"),
    ):
        executor.stage(0)


def test_what_is_missing_is_told_in_the_daemons_words() -> None:
    """A source that is not there, with the name of the tree."""
    daemon = Daemon(ref="abc")
    with (
        Executor([_stage(_copy("/none"))], _Trees(), daemon=daemon) as executor,
        pytest.raises(EvaluationError) as caught,
    ):
        executor.stage(0)
    assert caught.value.message == (
        'failed to compute cache key: failed to calculate checksum of ref abc: "/none": not found'
    )


def test_what_is_missing_in_a_context_is_told_first() -> None:
    """Before what fails in steps above it, for nothing has been executed then."""
    steps = (_copy("/a", to="/etc/passwd/x"), _copy("/none"))
    with (
        Executor([_stage(*steps)], _Trees()) as executor,
        pytest.raises(EvaluationError, match='"/none": not found'),
    ):
        executor.stage(0)


def test_sources_in_the_own_base_are_not_checked_first() -> None:
    """What a step copies from the tree it writes upon is missed when it copies."""
    for origin in (_BASE, StageOrigin(0)):
        stages = [_stage(), _stage(_copy("/none", origin=origin), base=origin, index=1)]
        with (
            Executor(stages, _Trees()) as executor,
            pytest.raises(EvaluationError, match="lstat /none: no such file or directory"),
        ):
            executor.stage(1)


def test_nothing_is_in_scratch() -> None:
    """A source in a stage in which nothing was written is missed when it copies."""
    stages = [
        _stage(base=ScratchOrigin()),
        _stage(_copy("/none", origin=StageOrigin(0)), base=ScratchOrigin(), index=1),
    ]
    with (
        Executor(stages, _Trees()) as executor,
        pytest.raises(EvaluationError, match="lstat /none: no such file or directory"),
    ):
        executor.stage(1)


def test_malformed_patterns() -> None:
    """The client finds those of sources, the daemon those of `--exclude`."""
    for step, message in (
        (_copy("/f[a"), r"rpc error: .* invalid includepatterns: \[f\[a\]: syntax error"),
        (_copy("/", excludes=("[a",)), r"invalid excludepatterns: \[\[a\]: syntax error"),
    ):
        with (
            Executor([_stage(step)], _Trees()) as executor,
            pytest.raises(EvaluationError, match=message),
        ):
            executor.stage(0)


def test_here_documents() -> None:
    """A file with mode 0644 and the time of the build; `--chmod` and the name count."""
    step = _copy(TextSource("doc", b"text"), "/a", to="/d/", chmod="600")
    with Executor([_stage(step)], _Trees(), clock=BuildClock(5 * 10**9)) as executor:
        files = {m.name: m.file for m in executor.stage(0).layers[0]}
    assert files["d/doc"].data == b"text"
    assert (files["d/doc"].mode, files["d/doc"].mtime) == (0o600, 5)


@pytest.mark.parametrize("name", ["../up", "/up", "./up"])
def test_names_of_here_documents(name: str) -> None:
    """They are paths from the root of an empty folder."""
    with Executor([_stage(_copy(TextSource(name, b"x"), to="/d/"))], _Trees()) as executor:
        assert [member.name for member in executor.stage(0).layers[0]][-1] == "d/up"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "open : is a directory"),
        ("..", "open : is a directory"),
        ("a/b", "open /a/b: no such file or directory"),
    ],
)
def test_names_that_here_documents_cannot_have(name: str, message: str) -> None:
    """The folder is empty, so that nothing can be written below another."""
    step = _copy(TextSource(name, b"x"), to="/d/")
    with Executor([_stage(step)], _Trees()) as executor, pytest.raises(EvaluationError) as caught:
        executor.stage(0)
    assert caught.value.message == message


def test_symbolic_modes_and_parents() -> None:
    """The options reach the copying."""
    source = PathSource("d/./e", "/d", include="e*", required="")
    trees = _Trees()
    trees.tree = lambda origin: folder_of({"d/e/f": File("file", 0o600)})  # type: ignore[method-assign]
    step = _copy(source, to="/x/", parents=True, chmod="g=u")
    with Executor([_stage(step, base=ScratchOrigin())], trees) as executor:
        layer = executor.stage(0).layers[0]
    assert [(m.name, oct(m.file.mode)) for m in layer] == [
        ("x/", "0o755"),
        ("x/e/", "0o775"),
        ("x/e/f", "0o660"),
    ]


def test_an_epoch_is_the_time_of_new_working_directories() -> None:
    """The folder itself; those above it have changed since."""
    with Executor([_stage(_workdir("/w/x"))], _Trees(), epoch=99) as executor:
        times = [member.file.mtime for member in executor.stage(0).layers[0]]
    assert times[0] > 99
    assert times[1] == 99


class _Downloads:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.closed = 0

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        if source.url.endswith("missing"):
            raise ImageBuilderError("invalid response status 404")
        try:
            yield Download([self.content[:2], self.content[2:]], last_modified=77)
        finally:
            self.closed += 1


def test_urls() -> None:
    """A file has the name of its URL, mode 0600 and the time that the answer gave."""
    downloads = _Downloads(b"text")
    checksum = str(Digest.of(b"text"))
    step = _copy(UrlSource("u", "http://h/f", "f", checksum), to="/d/")
    with Executor([_stage(step)], _Trees(), downloads=downloads) as executor:
        member = executor.stage(0).layers[0][1]
        assert b"".join(member.file.pieces()) == b"text"
        assert member.file.content is not None
        assert member.file.content.digest() == Digest.of(b"text")
    assert (member.name, member.file.mode, member.file.mtime) == ("d/f", 0o600, 77)
    assert downloads.closed == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (UrlSource("u", "http://h/missing", "f"), "failed to load cache key: invalid response"),
        (
            UrlSource("u", "http://h/f", "f", f"sha256:{'0' * 64}"),
            "failed to load cache key: digest mismatch for http://h/f: sha256:",
        ),
    ],
)
def test_urls_that_fail(source: UrlSource, message: str) -> None:
    """What cannot be fetched, and what is not what it should be."""
    with (
        Executor([_stage(_copy(source))], _Trees(), downloads=_Downloads(b"text")) as executor,
        pytest.raises(EvaluationError, match=message),
    ):
        executor.stage(0)


class _Repositories:
    def fetch(self, source: GitSource) -> Folder:
        return folder_of({"src/main": File("file", data=source.remote.encode())})


def test_repositories() -> None:
    """What is in a repository goes to the destination, also with its root's own mode."""
    step = _copy(GitSource("r", "https://h/r.git"), to="/x")
    with Executor([_stage(step)], _Trees(), repositories=_Repositories()) as executor:
        assert _names(executor) == [["x/", "x/src/", "x/src/main"]]


class _Commands:
    def run(self, step: Run, tree: Folder) -> Folder:
        files = FileSystem(tree, BuildClock())
        files.place(step.command).put(File("file", data=b"made"))
        return files.tree


def test_commands_are_asked_for() -> None:
    """What a command makes is a layer; the graph driver leaves `/etc` in it."""
    with Executor([_stage(_run())], _Trees(), commands=_Commands()) as executor:
        assert _names(executor) == [["x"]]
    graph = Executor([_stage(_run())], _Trees(), commands=_Commands(), daemon=GRAPH_ENGINE)
    with graph as executor:
        assert _names(executor) == [["etc/", "x"]]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (_run(), "commands are not run here: x"),
        (_copy(UrlSource("u", "http://h/f", "f")), "nothing is fetched here by URL: http://h/f"),
        (_copy(GitSource("r", "https://h/r.git")), "no repository is fetched here: https://h/r"),
    ],
)
def test_questions_that_nobody_answers(step: Step, message: str) -> None:
    """Without somebody who knows, a step that asks fails."""
    with (
        Executor([_stage(step)], _Trees(), daemon=BUILDKITD) as executor,
        pytest.raises(EvaluationError, match=message),
    ):
        executor.stage(0)


def test_the_clock_never_says_the_same_twice() -> None:
    """Nor a whole second, so that what the build makes differs from what archives bring."""
    clock = BuildClock(10**9 - 2)
    times = [clock() for _ in range(3)]
    assert times == [10**9 - 1, 10**9 + 1, 10**9 + 2]
    assert BuildClock()() > 10**18


def test_folders_in_a_folder_with_the_set_group_id_bit() -> None:
    """As mkdir(2) does, they take over the bit, and the group if they get no owner."""
    above = File("dir", 0o2755, gid=50)
    with Executor(
        [
            _stage(
                *(_workdir("/team/a"), _workdir("/team/b", "5:6"), _copy("/a", to="/team/c/d/")),
                _copy("/a", to="/team/e/", chown="7"),
            )
        ],
        _SharedFolder(above),
    ) as executor:
        made = executor.stage(0).tree
        assert made is not None
        folders = {
            path: (entry.file.mode, entry.file.uid, entry.file.gid)
            for path, entry in made.get().walk()
            if isinstance(entry, Folder)
        }
    assert folders == {
        "team": (0o2755, 0, 50),
        "team/a": (0o2755, 0, 50),
        "team/b": (0o2755, 5, 6),
        "team/c": (0o2755, 0, 50),
        "team/c/d": (0o2755, 0, 50),
        "team/e": (0o2755, 7, 7),
    }


class _SharedFolder:
    """Knows a base with one folder, and the context."""

    def __init__(self, folder: File) -> None:
        self._folder = folder

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        """Return the base or the context."""
        return folder_of(_CONTEXT if isinstance(origin, ContextOrigin) else {"team": self._folder})


def test_a_trigger_that_takes_files_of_its_own_stage() -> None:
    """They are those that are there until then."""
    steps = (_copy("/a", to="/one"), _copy("/one", to="/two", origin=StageOrigin(0)))
    with Executor([_stage(*steps, base=ScratchOrigin())], _Trees()) as executor:
        assert _names(executor) == [["one"], ["two"]]


def test_names_without_accounts() -> None:
    """Docker 20.10 needs a file to look them up in; for others there is no such user then."""
    base = {"f": File("file")}
    for daemon, message in ((GRAPH_ENGINE, ""), (GRAPH_ENGINE_20, "open .*/etc/passwd: no such")):
        trees = _Trees()
        trees.tree = lambda origin: folder_of(base)  # type: ignore[method-assign]
        step = _copy("/f", to="/g", chown="app")
        with Executor([_stage(step)], trees, daemon=daemon) as executor:
            if not message:
                assert executor.stage(0).layers[0][0].file.uid == 0
                continue
            with pytest.raises(EvaluationError, match=message):
                executor.stage(0)


def test_a_source_in_a_folder_that_is_a_source_too() -> None:
    """Docker 20.10 looks for it beforehand; others look for the folder alone."""
    step, files = _copy("/d", "/d/none"), folder_of({"d": File("dir", 0o755)})
    for daemon in (BUILDKITD, GRAPH_ENGINE):
        check_sources(step, files, daemon)
    with pytest.raises(EvaluationError, match="d/none"):
        check_sources(step, files, GRAPH_ENGINE_20)


def test_a_folder_as_a_base_makes_a_layer() -> None:
    """The files of a named context come first; a stage on that stage does not have them again."""
    base = ContextOrigin("assets")
    stages = [
        _stage(_workdir("/w"), base=base),
        _stage(_workdir("/x"), base=StageOrigin(0), index=1),
    ]
    with Executor(stages, _Trees()) as executor:
        assert _names(executor, 0) == [["a", "b"], ["w/"]]
        assert _names(executor, 1) == [["x/"]]
