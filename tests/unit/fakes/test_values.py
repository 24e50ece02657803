"""What values of the doubles show of themselves, and what they keep back."""

from __future__ import annotations

import dataclasses

import pytest

from fakes.buildkit.session_peer import SessionCall
from fakes.engine.faults import Fault as EngineFault
from fakes.faults import Fault
from fakes.http.certificates import Certificate
from fakes.http.messages import Request
from fakes.images.image import Image
from fakes.images.layers import Layer
from fakes.records import RequestRecord
from fakes.registry.auth import AccessControl
from fakes.registry.storage import Manifest

HIDDEN: dict[type, set[str]] = {
    SessionCall: {"request"},
    Fault: {"_skipped"},
    EngineFault: {"_skipped", "abandoned"},
    Certificate: {"key"},
    Request: {"is_abandoned"},
    Image: {
        *("document", "layers", "made_from"),
        *("manifest", "index", "beside", "blobs", "step"),
    },
    Layer: {"content"},
    RequestRecord: {"headers"},
    AccessControl: {"users", "_tokens", "_identities"},
    Manifest: {"content"},
}
"""What may have a secret or a whole file in it, and what only the double itself needs."""


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_is_not_shown(kind: type) -> None:
    """A failing test prints a line of each, without secrets and contents."""
    fields = dataclasses.fields(kind)
    assert {field.name for field in fields if not field.repr} == HIDDEN[kind]
