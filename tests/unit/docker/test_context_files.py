"""What is sent to a classic engine, and what its steps see of it."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders.build_context import BuildContext
from imagebuilders.docker.build import build_image
from imagebuilders.docker.context_files import EngineContext, engine_context
from imagebuilders.exceptions import BuildContextError, IgnoreFileError

COPY_ALL = "FROM scratch\nCOPY . /all/\n"


def _engine_context(context: BuildContext, dockerfile: str | None = None) -> EngineContext:
    """Take the snapshot of a build, and make of it what is sent."""
    return engine_context(context.build_snapshot(dockerfile))


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    """Give a client of an engine double."""
    client = FakeDockerClient(FakeDockerEngine())
    yield client
    client.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the root of a context with one file."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "app.py").write_text("print()")
    return root


def _write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _sent(context: EngineContext) -> dict[str, bytes | None]:
    archive = io.BytesIO(b"".join(context.archive()))
    with tarfile.open(fileobj=archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        content = {name: file.read() for name, file in files.items() if file is not None}
        return {name: content.get(name) for name in tar.getnames()}


def _seen(client: docker.DockerClient, context: EngineContext) -> dict[str, bytes]:
    """Build with `COPY . /all/`; give the files that the step saw."""
    build_image(
        client,
        image_name="seen:1",
        context=context.archive(),
        params={"t": "seen:1", "dockerfile": context.dockerfile},
        emit=lambda event: None,
    )
    assert isinstance(client, FakeDockerClient)
    tree = client.engine.image_tree("seen:1")
    return {
        path.removeprefix("all/"): file.data
        for path, file in tree.items()
        if path.startswith("all/") and file.kind == "file"
    }


def _check(client: docker.DockerClient, context: EngineContext, *expected: str) -> None:
    assert sorted(_seen(client, context)) == sorted(expected)


def test_an_ordinary_context_is_sent_as_it_is(client: docker.DockerClient, root: Path) -> None:
    """Dockerfile and `.dockerignore` are files like any other."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="*.log\n", a__b="x", **{"x.log": ""})
    context = _engine_context(BuildContext(str(root)))
    assert context.dockerfile == "Dockerfile"
    assert list(_sent(context)) == [".dockerignore", "Dockerfile", "a", "a/b", "app.py"]
    _check(client, context, ".dockerignore", "Dockerfile", "a/b", "app.py")


def test_an_excluded_dockerfile_is_sent_and_taken_away(
    client: docker.DockerClient, root: Path
) -> None:
    """With the `.dockerignore` as it stands, for its own rules take the Dockerfile away."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="Dockerfile\n")
    context = _engine_context(BuildContext(str(root)))
    assert context.dockerfile == "Dockerfile"
    assert _sent(context)[".dockerignore"] == b"Dockerfile\n"
    _check(client, context, ".dockerignore", "app.py")


def test_with_both_excluded_steps_see_neither(client: docker.DockerClient, root: Path) -> None:
    """The most common ignore file; the rules that are sent are the builder's own."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="*\n!app.py\n")
    context = _engine_context(BuildContext(str(root)))
    assert context.dockerfile.startswith(".dockerfile.")
    assert _engine_context(BuildContext(str(root))).dockerfile == context.dockerfile
    _check(client, context, "app.py")


def test_an_excluded_dockerfile_in_a_folder_leaves_no_folder(
    client: docker.DockerClient, root: Path
) -> None:
    """It is sent under a name at the root."""
    _write(root, docker__Dockerfile=COPY_ALL, DOTdockerignore="docker\n.dockerignore\n")
    context = _engine_context(BuildContext(str(root)), "docker/Dockerfile")
    _check(client, context, "app.py")
    assert "docker" not in _sent(context)


@pytest.mark.parametrize("absolute", [True, False])
def test_a_dockerfile_outside_the_root_is_sent_and_taken_away(
    client: docker.DockerClient, root: Path, absolute: bool
) -> None:
    """An absolute path, or one that leads out of the root."""
    _write(root.parent, other=COPY_ALL)
    name = str(root.parent / "other") if absolute else "../other"
    _check(client, _engine_context(BuildContext(str(root)), name), "app.py")


def test_a_dockerfile_outside_beside_a_kept_ignore_file_adds_a_line(
    client: docker.DockerClient, root: Path
) -> None:
    """As `docker build` does; the file itself stays."""
    _write(root.parent, other=COPY_ALL)
    _write(root, DOTdockerignore="*.log")
    context = _engine_context(BuildContext(str(root)), "../other")
    seen = _seen(client, context)
    assert sorted(seen) == [".dockerignore", "app.py"]
    assert seen[".dockerignore"] == f"*.log\n{context.dockerfile}\n".encode()


def test_a_dockerfiles_own_ignore_file_decides(client: docker.DockerClient, root: Path) -> None:
    """`<Dockerfile>.dockerignore` wins; the `.dockerignore` is then a file like any other."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="Dockerfile\napp.py\n.dockerignore\n")
    _write(root, DockerfileDOTdockerignore="*.log\n")
    context = _engine_context(BuildContext(str(root)))
    _check(client, context, ".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "app.py")
    (root / "Dockerfile.dockerignore").write_text("Dockerfile*\n")
    _check(client, _engine_context(BuildContext(str(root))), ".dockerignore", "app.py")


def test_an_explicit_ignore_file_decides(client: docker.DockerClient, root: Path) -> None:
    """It may keep what the root's own `.dockerignore` excludes, and the reverse."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="nothing")
    _write(root.parent, rules="Dockerfile\n")
    context = BuildContext(str(root), str(root.parent / "rules"))
    _check(client, _engine_context(context), ".dockerignore", "app.py")


def test_a_dockerfile_among_the_extra_files_is_used(client: docker.DockerClient) -> None:
    """A context without a root has only these."""
    context = BuildContext()
    context.add_file(COPY_ALL, "Dockerfile")
    context.add_file("x", "a.txt")
    _check(client, _engine_context(context), "Dockerfile", "a.txt")


def test_an_extra_file_wins_over_the_ignore_rules(client: docker.DockerClient, root: Path) -> None:
    """An added Dockerfile is kept whatever the rules say, as any added file is."""
    _write(root, Dockerfile="FROM nowhere\n", DOTdockerignore="*\n")
    context = BuildContext(str(root))
    context.add_file(COPY_ALL, "Dockerfile")
    _check(client, _engine_context(context), "Dockerfile")


def test_a_linked_dockerfile_is_read_through_the_link(
    client: docker.DockerClient, root: Path
) -> None:
    """Wherever the link leads; the link itself stays in the context."""
    _write(root.parent, other=COPY_ALL)
    (root / "Dockerfile").symlink_to("../other")
    context = _engine_context(BuildContext(str(root)))
    assert _sent(context)[context.dockerfile] == COPY_ALL.encode()
    _check(client, context, "app.py")


def test_a_root_behind_a_link_is_the_same_root(client: docker.DockerClient, root: Path) -> None:
    """An absolute path of the Dockerfile is recognised to lie inside."""
    _write(root, Dockerfile=COPY_ALL)
    link = root.parent / "link"
    link.symlink_to(root)
    context = _engine_context(BuildContext(str(link)), str(root / "Dockerfile"))
    assert context.dockerfile == "Dockerfile"
    _check(client, context, "Dockerfile", "app.py")


def test_a_linked_ignore_file_is_followed(client: docker.DockerClient, root: Path) -> None:
    """The engine reads its rules through the link."""
    _write(root, Dockerfile=COPY_ALL, rules="Dockerfile\n")
    (root / ".dockerignore").symlink_to("rules")
    context = _engine_context(BuildContext(str(root)))
    assert context.dockerfile == "Dockerfile"
    _check(client, context, "app.py", "rules")
    _write(root.parent, other=COPY_ALL)
    _check(
        client,
        _engine_context(BuildContext(str(root)), "../other"),
        ".dockerignore",
        "app.py",
        "rules",
    )


def test_a_linked_ignore_file_that_leads_nowhere_has_no_rules(
    client: docker.DockerClient, root: Path, tmp_path: Path
) -> None:
    """The link is sent as it is, and the engine passes over it."""
    _write(root, Dockerfile=COPY_ALL)
    (tmp_path / "rules").write_text("b\n")
    (root / ".dockerignore").symlink_to("nowhere")
    context = _engine_context(BuildContext(str(root), str(tmp_path / "rules")))
    assert ".dockerignore" in _sent(context)
    _check(client, context, "Dockerfile", "app.py")


def test_a_linked_ignore_file_that_cannot_be_read_is_an_error(
    root: Path, tmp_path: Path, mocker: MockerFixture
) -> None:
    """The system's own error does not come through."""
    (tmp_path / "rules").write_text("b\n")
    _write(root, Dockerfile=COPY_ALL)
    (root / ".dockerignore").symlink_to("Dockerfile")

    real_open = os.open

    def refuse(path: str, flags: int, **more: int) -> int:
        if str(path).endswith(".dockerignore"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(path, flags, **more)

    mocker.patch("os.open", refuse)
    with pytest.raises(IgnoreFileError, match=r"\.dockerignore cannot be read: Permission denied"):
        _engine_context(BuildContext(str(root), str(tmp_path / "rules")))


def test_a_folder_in_the_place_of_the_ignore_file_is_an_error(root: Path, tmp_path: Path) -> None:
    """The engine would try to read it; with a file named for it, only the engine would."""
    _write(root, Dockerfile=COPY_ALL)
    (tmp_path / "rules").write_text("b\n")
    (root / ".dockerignore").mkdir()
    with pytest.raises(IgnoreFileError, match=r"a folder named \.dockerignore"):
        _engine_context(BuildContext(str(root), str(tmp_path / "rules")))


def test_a_dockerfile_of_an_impossible_name_is_an_error(root: Path) -> None:
    """No file's name holds a null character."""
    with pytest.raises(BuildContextError, match="cannot be read: its path has a character"):
        _engine_context(BuildContext(str(root)), "a\0b")


def test_rules_the_engine_cannot_read_take_nothing_away(
    client: docker.DockerClient, root: Path
) -> None:
    """A malformed `.dockerignore` that does not decide is a file like any other."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="[\n")
    _write(root.parent, rules="*.log\n")
    context = _engine_context(BuildContext(str(root), str(root.parent / "rules")))
    assert _sent(context)[".dockerignore"] == b"[\n"


def test_times_and_permission_bits_are_those_on_disk(root: Path) -> None:
    """An image has the files as they are, as `docker build` makes it."""
    _write(root, Dockerfile=COPY_ALL)
    (root / "app.py").chmod(0o640)
    archive = io.BytesIO(b"".join(_engine_context(BuildContext(str(root))).archive()))
    with tarfile.open(fileobj=archive) as tar:
        member = tar.getmember("app.py")
    assert member.mode == 0o640
    assert member.mtime == int((root / "app.py").stat().st_mtime)


def test_the_archive_may_be_compressed(root: Path) -> None:
    """The engine sees by the first bytes that it is."""
    _write(root, Dockerfile=COPY_ALL)
    context = _engine_context(BuildContext(str(root)))
    archive = io.BytesIO(b"".join(context.archive(compress=True)))
    assert archive.getvalue()[:2] == b"\x1f\x8b"
    with tarfile.open(fileobj=archive) as tar:
        assert tar.getnames() == ["Dockerfile", "app.py"]


def test_the_context_stays_as_it_was(root: Path) -> None:
    """What the engine needs is not added to the caller's own object."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="*\n")
    context = BuildContext(str(root))
    _engine_context(context)
    assert context.get_extra_files() == {}


@pytest.mark.parametrize("name", [None, "docker/app.Dockerfile", "../nowhere", "/no/where"])
def test_a_missing_dockerfile_is_an_error(root: Path, name: str | None) -> None:
    """The error names the path, and the option that names another."""
    with pytest.raises(BuildContextError, match=r"There is no Dockerfile at .*option 'dockerfile'"):
        _engine_context(BuildContext(str(root)), name)


def test_a_context_without_root_and_dockerfile_is_an_error() -> None:
    """The error says how to add one."""
    with pytest.raises(BuildContextError, match=r"add_file\(content, 'Dockerfile'\)"):
        _engine_context(BuildContext())


def test_a_dockerfile_that_is_a_folder_is_an_error(root: Path) -> None:
    """The error says what stands in its place."""
    (root / "Dockerfile").mkdir()
    with pytest.raises(BuildContextError, match="cannot be read: it is a folder"):
        _engine_context(BuildContext(str(root)))


def test_a_dockerfile_of_another_case_builds(client: docker.DockerClient, root: Path) -> None:
    """A folder's `dockerfile` is found, as docker finds it, and sent under its own name."""
    _write(root, dockerfile=COPY_ALL)
    context = _engine_context(BuildContext(str(root)))
    assert (context.dockerfile, context.given_dockerfile) == ("dockerfile", "dockerfile")
    _check(client, context, "app.py", "dockerfile")


def test_the_dockerfile_of_the_context_is_used(client: docker.DockerClient, root: Path) -> None:
    """That of `for_dockerfile`, if the build names none."""
    _write(root, other=COPY_ALL)
    context = _engine_context(BuildContext(str(root)).for_dockerfile("other"))
    assert context.dockerfile == "other"
    _check(client, context, "app.py", "other")


def test_entries_are_in_order(root: Path) -> None:
    """What is put in for the engine stands where it belongs."""
    _write(root, Dockerfile=COPY_ALL, DOTdockerignore="*\n!app.py\n", **{".a": "", "0": ""})
    names = list(_sent(_engine_context(BuildContext(str(root)))))
    assert names == sorted(names)
    assert len(names) == 3


def test_times_of_1970_are_kept(root: Path) -> None:
    """The first moment of 1970 is a time like any other."""
    _write(root, Dockerfile=COPY_ALL)
    for name, seconds in (("app.py", 0), ("Dockerfile", -1)):
        os.utime(root / name, (seconds, seconds))
    archive = io.BytesIO(b"".join(_engine_context(BuildContext(str(root))).archive()))
    with tarfile.open(fileobj=archive) as tar:
        assert [tar.getmember(name).mtime for name in ("app.py", "Dockerfile")] == [0, -1]


def test_an_ignore_file_of_odd_names_takes_them_away(
    client: docker.DockerClient, root: Path
) -> None:
    """Names with characters of patterns, with white space and with bytes that are no UTF-8."""
    name = os.fsdecode(b" [x] \xff")
    _write(root, DOTdockerignore="*\n!app.py\n!.dockerignore\n")
    (root / name).write_text(COPY_ALL)
    context = _engine_context(BuildContext(str(root)), name)
    assert sorted(_seen(client, context)) == [".dockerignore", "app.py"]


def test_a_context_that_knows_no_dockerfile_is_an_error(root: Path, mocker: MockerFixture) -> None:
    """As one of a subclass may."""
    context = BuildContext(str(root))
    mocker.patch.object(context, "build_snapshot", return_value=context.snapshot())
    with pytest.raises(BuildContextError, match="has no Dockerfile"):
        _engine_context(context)
