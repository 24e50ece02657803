"""What values of the doubles show of themselves, and what they keep back."""

from __future__ import annotations

import dataclasses

import pytest
from package_parts import dataclasses_of

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
        *("manifest", "index", "beside", "blobs", "step", "sources"),
    },
    Layer: {"content", "blob"},
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


CHANGING = frozenset(
    {
        "artifact_store.attempts.StoreFault",
        "buildkit.faults.Fault",
        "buildkit.solver.mounts.Mounted",
        "buildkit.solver.step_follower.StageState",
        "code_build.builds.FakeBuild",
        "engine.builder.options.BuildOptions",
        "engine.builder.state.BuildState",
        "engine.builder.state.StageState",
        "engine.containers.container.Container",
        "engine.containers.container.Exec",
        "engine.containers.container.LogEntry",
        "engine.containers.health.HealthMonitor",
        "engine.containers.mounts.Mounted",
        "engine.dockerfile.instructions.Instruction",
        "engine.dockerfile.plan.BuildPlan",
        "engine.dockerfile.plan.Stage",
        "engine.faults.Fault",
        "engine.http.Request",
        "engine.http.Response",
        "engine.networks.addresses.Addresses",
        "engine.networks.store.Member",
        "engine.networks.store.Network",
        "engine.registries.access.RegistryAccess",
        "engine.volumes.store.Volume",
        "faults.Fault",
        "http.messages.Request",
        "http.messages.Response",
        "images.config.RunConfig",
        "images.image.Image",
        "images.layers.Layer",
        "records.BuildRecord",
        "records.StepRecord",
        "registry.auth.AccessControl",
        "registry.dispatch.Dispatcher",
        "registry.dispatch.Limits",
        "registry.faults.Fault",
        "registry.storage.Repository",
    }
)
"""What is put together, or counts, while something goes on."""


def test_values_cannot_be_changed() -> None:
    """All others are frozen: they are equal, and may be keys, as long as they live."""
    told = dataclasses_of("fakes", "contracts", "emulation", "shell")
    assert {name for name, parameters in told.items() if not parameters.frozen} == CHANGING
