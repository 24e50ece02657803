"""The files that tell other programs what was built."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.result_files import check_result_files, write_result_files
from imagebuilders.exceptions import BuildOptionsError


def test_what_was_built_is_written(tmp_path: Path) -> None:
    """The ID alone, and what the builder says as JSON; objects are no longer encoded."""
    (tmp_path / "id").write_text("an earlier one that is longer")
    options = DockerBuildOptions(iidfile=tmp_path / "id", metadata_file=tmp_path / "m.json")
    check_result_files(options)
    descriptor = base64.b64encode(b'{"size": 1}').decode()
    said = {
        "containerimage.descriptor": descriptor,
        "containerimage.digest": "x",
        "image.name": "a",
    }
    write_result_files(options, "sha256:1", said)
    assert (tmp_path / "id").read_text() == "sha256:1"
    assert json.loads((tmp_path / "m.json").read_text()) == {
        "containerimage.descriptor": {"size": 1},
        "containerimage.digest": "x",
        "image.name": "a",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["id", "m.json"]


def test_nothing_is_written_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty name is no file."""
    monkeypatch.chdir(tmp_path)
    options = DockerBuildOptions(iidfile="", metadata_file="")
    check_result_files(options)
    write_result_files(options, "sha256:1", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["iidfile", "metadata_file"])
@pytest.mark.parametrize(("path", "words"), [("no/dir/x", "there is no"), (".", "is a folder")])
def test_what_cannot_be_written_is_told_before(option: str, path: str, words: str) -> None:
    """The error names the option."""
    with pytest.raises(BuildOptionsError, match=words) as caught:
        check_result_files(DockerBuildOptions.from_any({option: path}))
    assert caught.value.option == option


def test_nothing_is_left_of_what_could_not_be_written(tmp_path: Path) -> None:
    """The file in place keeps its content."""
    options = DockerBuildOptions(metadata_file=tmp_path / "m.json")
    (tmp_path / "m.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_result_files(options, "", {})
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


@pytest.mark.parametrize("output", ["out", "type=tar,dest=o.tar"])
def test_what_is_no_image_has_no_id(output: str) -> None:
    """As with `docker buildx`."""
    with pytest.raises(BuildOptionsError, match="exclude each other") as caught:
        check_result_files(DockerBuildOptions(iidfile="iid", outputs=output))
    assert caught.value.option == "iidfile"
