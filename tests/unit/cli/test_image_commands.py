"""`imagebuilders inspect` and `imagebuilders diff`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from image_layouts import LayoutWriter

from imagebuilders.oci.image_config import ContainerConfig
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import OCI_MANIFEST
from imagebuilders.oci.platform import Platform

if TYPE_CHECKING:
    from command_line import Run


@pytest.fixture
def one(folder: Path) -> str:
    """An image in the layout `one` of the working directory."""
    layout = LayoutWriter(folder / "one")
    config = ContainerConfig(
        user="app",
        env=("A=1", "B=2"),
        cmd=("run", "fast"),
        exposed_ports=("80/tcp",),
        working_dir="/app",
        labels={"team": "shop"},
    )
    made = layout.image(
        {"etc/a": "1\n", "lib/x": "x" * 3000},
        {"b": "2"},
        config=config,
        history=["ADD rootfs /", "COPY b\t/ # nothing\x07"],
    )
    layout.tag(made)
    return "one"


@pytest.fixture
def two(folder: Path) -> str:
    """An image in the layout `two`: a file changed, one came, one went."""
    layout = LayoutWriter(folder / "two")
    config = ContainerConfig(env=("B=2", "A=1"), cmd=("run",), labels={"team": "web"})
    layout.tag(layout.image({"etc/a": "3\n", "c\x1b": "new"}, config=config))
    return "two"


def test_inspect(run: Run, one: str) -> None:
    """Where it is, what containers run with, and each layer with its size and instruction."""
    result = run("inspect", one)
    assert result.code == 0
    lines = [line for line in result.out.splitlines() if "sha256:" not in line]
    assert lines == [
        "one in the image layout one",
        "",
        "linux/amd64: 20.5 kB in 2 layers",
        "  user     app",
        "  folder   /app",
        "  command  run fast",
        "  ports    80/tcp",
        "  env      A=1",
        "  env      B=2",
        "  label    team=shop",
    ]
    layers = result.out.splitlines()[-2:]
    assert layers[0].split()[1:] == ["10.2", "kB", "ADD", "rootfs", "/"]
    assert layers[1].endswith("COPY b / # nothing\\x07")


def test_inspect_tells_attestations(run: Run, folder: Path) -> None:
    """What an index says about an image stands below it, its annotations at the top."""
    layout = LayoutWriter(folder / "index")
    image = layout.image({"a": "1"})
    annotations = {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
    statement = replace(layout.blob(b"{}", "text/plain"), annotations=annotations)
    note = layout.blob(Manifest(statement, (statement,)).to_bytes(), OCI_MANIFEST)
    about = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": str(image.digest),
    }
    root = layout.index(
        replace(image, platform=Platform("linux", "amd64")), replace(note, annotations=about)
    )
    layout.tag(root)
    assert "  attested  https://spdx.dev/Document" in run("inspect", "index").out.splitlines()


def test_inspect_as_json(run: Run, one: str) -> None:
    """The whole description as one object."""
    (record,) = run("inspect", one, "--json").records
    assert record["event"] == "image"
    platforms = record["platforms"]
    assert isinstance(platforms, list)
    assert platforms[0]["config"]["cmd"] == ["run", "fast"]
    assert platforms[0]["layers"][0]["created_by"] == "ADD rootfs /"


def test_inspect_what_is_not_there(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without an image is an error of one line."""
    result = run("inspect", "./app")
    assert result.code == 1
    assert result.err == "error: ./app is no image layout: there is no such file.\n"


def test_diff(run: Run, one: str, two: str) -> None:
    """Fields first, then files with a mark for what happened; control codes are spelled."""
    result = run("diff", one, two)
    assert result.code == 0
    assert result.out.splitlines() == [
        "~ User",
        "    -app",
        "~ ExposedPorts",
        "    -80/tcp",
        "~ Env",
        "    -A=1 B=2",
        "    +B=2 A=1",
        "~ Cmd",
        "    -fast",
        "~ WorkingDir",
        "    -/app",
        "~ Labels",
        "    -team=shop",
        "    +team=web",
        "- /b (1 B)",
        "+ /c\\x1b (3 B)",
        "~ /etc/a (content)",
        "- /lib",
        "- /lib/x (3.0 kB)",
    ]


def test_diff_with_text(run: Run, one: str, two: str) -> None:
    """`--text` shows the changed lines below a file."""
    lines = run("diff", one, two, "--text").out.splitlines()
    place = lines.index("~ /etc/a (content)")
    assert lines[place + 1 : place + 4] == ["    @@ -1 +1 @@", "    -1", "    +3"]


def test_diff_as_json(run: Run, one: str, two: str) -> None:
    """An object for each difference, and the sum."""
    records = run("diff", one, two, "--json").records
    assert [record["event"] for record in records].count("file_difference") == 5
    assert records[-1] == {"event": "difference", "files": 5, "fields": 6, "same_layers": 0}


@pytest.mark.parametrize(("other", "code"), [("one", 0), ("two", 3)])
def test_the_exit_code_of_diff(run: Run, one: str, two: str, other: str, code: int) -> None:
    """With `--exit-code` a difference ends with 3; images that are alike say so."""
    result = run("diff", one, other, "--exit-code")
    assert result.code == code
    if not code:
        assert result.out == "The images have the same files and the same configuration.\n"


def test_diff_of_a_platform_that_is_none(run: Run, one: str) -> None:
    """A malformed platform is told before anything is opened."""
    result = run("diff", one, one, "--platform", "a/b/c/d/e")
    assert result.code == 1
    assert "is not a platform" in result.err
