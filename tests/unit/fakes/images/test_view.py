"""One view of an image, whether an engine has it or a registry."""

from __future__ import annotations

import io

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import Entry, Files, directory, pack, symlink
from fakes.images.view import ImageView

_DOCKERFILE = """\
FROM scratch
ADD root.tar /
COPY --chown=7:8 tool /bin/tool
ENV MODE=test
LABEL version=1
ENTRYPOINT ["/bin/tool"]
CMD ["run"]
"""
_FILES: Files = {
    "Dockerfile": _DOCKERFILE,
    "root.tar": pack(
        {
            "usr/bin": directory(0o711),
            "bin": symlink("usr/bin"),
            "a": "a",
            "b": Entry(hard_link="a"),
            "raw": b"\xff",
        }
    ),
    "tool": Entry(b"#!/bin/sh", 0o755),
}


@pytest.fixture(params=["engine", "registry"])
def view(request: pytest.FixtureRequest) -> ImageView:
    """The same image, built by an engine, and pushed."""
    engine = FakeDockerEngine()
    client = FakeDockerClient(engine)
    with FakeRegistry() as registry:
        name = f"{registry.address}/app:1"
        client.images.build(fileobj=io.BytesIO(pack(_FILES)), custom_context=True, tag=name)
        client.images.push(name)
        client.close()
        return engine.image_tree(name) if request.param == "engine" else registry.image(name)


def test_it_is_a_mapping_of_paths(view: ImageView) -> None:
    """Folders are in it, but not among what it lists."""
    assert list(view) == ["a", "b", "bin", "raw", "usr/bin/tool"]
    assert dict(view.items()).keys() == set(view.keys())
    assert ("/usr/bin" in view, "usr/bin/" in view, "/bin/tool" in view) == (True, True, False)
    assert view["/usr/bin"].mode == 0o711
    assert view.get("/nowhere") is None
    assert view.find("/usr/**") == ["usr/bin/tool"]


def test_it_tells_of_files(view: ImageView) -> None:
    """Text, bytes, mode and owner; reading follows links, also among the folders."""
    assert view.read_text("/bin/tool") == "#!/bin/sh"
    assert view.read("raw") == b"\xff"
    assert (view.mode("usr/bin/tool"), view.owner("usr/bin/tool")) == (0o755, (7, 8))
    assert (view.kind("bin"), view.link("bin")) == ("symbolic link", "usr/bin")
    with pytest.raises(LookupError, match=r"no /usr/bin/tol in .*; there is /usr/bin/tool"):
        view.file("usr/bin/tol")


def test_it_tells_which_layer_a_file_is_from(view: ImageView) -> None:
    """And of a hard link, to what it leads."""
    low, high = view.layers
    tool, link = view.file("/usr/bin/tool"), view.file("b")
    assert (tool.path, tool.size, tool.layer) == ("/usr/bin/tool", 9, high)
    assert (link.kind, link.target, link.size, link.layer) == ("hard link", "/a", 0, low)
    assert view.file("bin").target == "usr/bin"


def test_it_compares_with_contents_files_and_views(view: ImageView) -> None:
    """And tells the difference."""
    contents: dict[str, str | bytes] = {
        "a": "a",
        "/b": b"a",
        "bin": "-> usr/bin",
        "raw": b"\xff",
        "usr/bin/tool": "#!/bin/sh",
    }
    assert view == contents
    assert view == {**view, "usr": view["usr"]}
    assert view.diff({**contents, "a": "b", "c": ""}) == [
        "missing: c",
        "different: a",
        "  -b",
        "  +a",
    ]


def test_it_tells_the_configuration(view: ImageView) -> None:
    """As the document has it, and its parts by name."""
    assert view.env["MODE"] == "test"
    assert (view.entrypoint, view.command) == (["/bin/tool"], ["run"])
    assert (view.labels, view.platform) == ({"version": "1"}, "linux/amd64")
    assert view.config["os"] == "linux"
    assert view.settings["Cmd"] == ["run"]
    assert len(view.history) == 6
    assert "COPY --chown" in str(view.history[1]["created_by"])
