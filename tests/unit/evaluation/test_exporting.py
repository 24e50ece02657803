"""Configurations as an exporter makes them fit the layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from resolving import Resolve

from imagebuilders.evaluation.daemon import BUILDKITD, GRAPH_ENGINE
from imagebuilders.evaluation.exporting import EXPORTER_COMMENT, exported_image, exported_stage
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.image_config import HistoryEntry


def history(resolved: Resolve, text: str, **options: object) -> list[tuple[str, str, bool]]:
    """Return what the records of an image say."""
    image = resolved(text, **options).target_stage.image
    return [(entry.created_by, entry.comment, entry.empty_layer) for entry in image.history]


_OWN = "buildkit.dockerfile.v0"


def test_a_base_that_is_a_folder(resolved: Resolve) -> None:
    """Its layer gets no record of its own: the last layer is the one that is recorded twice."""
    text = "FROM assets\nWORKDIR /w\nENV a=b\nCOPY x /x\n"
    assert history(resolved, text, named_contexts={"assets": "local:assets"}) == [
        ("WORKDIR /w", _OWN, False),
        ("ENV a=b", _OWN, True),
        ("COPY x /x # buildkit", _OWN, False),
        ("[2/3] COPY x /x", EXPORTER_COMMENT, False),
    ]
    text = "FROM assets AS first\nWORKDIR /w\nFROM first\n"
    assert history(resolved, text, named_contexts={"assets": "local:assets"}) == [
        ("WORKDIR /w", _OWN, False),
        ("[first 1/2] WORKDIR /w", EXPORTER_COMMENT, False),
    ]


def test_a_folder_for_the_whole_stage(resolved: Resolve) -> None:
    """It is all that is in the image, for no platform; only a graph driver exports that."""
    contexts = {"all": "local:all"}
    text = "FROM base AS all\nRUN x\n"
    assert history(resolved, text, named_contexts=contexts) == [
        ("local source for all", EXPORTER_COMMENT, False)
    ]
    image = resolved(text, named_contexts=contexts).target_stage.image
    assert exported_image(image, GRAPH_ENGINE).platform.os == "linux"
    assert b'"config":{}' in image.to_bytes()
    with pytest.raises(EvaluationError, match="image config for export: missing architecture"):
        exported_image(image, BUILDKITD)
    image = resolved("FROM scratch\n").target_stage.image
    assert exported_image(image) is image


def test_a_base_with_another_history_than_its_layers(resolved: Resolve) -> None:
    """A layer without a record gets one; of too many records the last ones are empty."""
    stage = resolved("FROM base\nWORKDIR /w\n").target_stage
    records = tuple(HistoryEntry(created_by=name) for name in "abc")
    stage = replace(stage, image=replace(stage.image, history=records))
    fitted = exported_stage([stage], 0).image.history
    assert [entry.empty_layer for entry in fitted] == [False, False, True]
    assert history(resolved, "FROM base\nWORKDIR /w\n") == [
        ("WORKDIR /w", _OWN, False),
        ("[2/2] WORKDIR /w", EXPORTER_COMMENT, False),
    ]
