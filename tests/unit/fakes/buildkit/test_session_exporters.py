"""A request that leaves it to the client's session what becomes of the result."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from buildkit_contract import Connector

from fakes import FakeBuildKit
from imagebuilders.buildkit.build import ImageBuild, run_build
from imagebuilders.buildkit.control.client import ControlClient
from imagebuilders.buildkit.control.solve import OnStatus, solve
from imagebuilders.buildkit.proto.control_pb2 import SolveRequest
from imagebuilders.buildkit.proto.session_pb2 import (
    ExporterRequest,
    FinalizeExportRequest,
    FinalizeExportResponse,
    FindExportersRequest,
    FindExportersResponse,
)
from imagebuilders.buildkit.session.file_send import FileSend, StreamTarget
from imagebuilders.buildkit.session.session import Service
from imagebuilders.buildkit.session.synced_folders import LocalFolder
from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.connections.nonblocking import non_blocking

_SERVICE = "/moby.exporter.v1.Exporter/"


class _Exporters:
    """The client's service, which names one exporter."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.asked: list[FindExportersRequest] = []
        self.told: list[dict[str, str]] = []

    def handlers(self) -> Mapping[str, Handler]:
        return {
            f"{_SERVICE}FindExporters": self._find,
            f"{_SERVICE}FinalizeExport": self._finalize,
        }

    def _find(self, call: Call) -> None:
        self.asked.append(FindExportersRequest.FromString(call.receive() or b""))
        found = FindExportersResponse(exporters=[ExporterRequest(Type=self._kind)])
        call.send(found.SerializeToString())

    def _finalize(self, call: Call) -> None:
        request = FinalizeExportRequest.FromString(call.receive() or b"")
        self.told.append(dict(request.exporter_response))
        call.send(FinalizeExportResponse().SerializeToString())


@pytest.fixture
def control() -> Iterator[ControlClient]:
    """A daemon that knows nothing."""
    connector = Connector(FakeBuildKit())
    connected, _ = connector()
    with Channel(non_blocking(connected)) as channel:
        channel.wait_ready(30)
        yield ControlClient(channel)
    connector.close()


def _build(control: ControlClient, folder: Path, *services: Service) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nLABEL a=b\n")
    root = LocalFolder(str(folder))
    build = ImageBuild(
        image_name="",
        attributes={"filename": "Dockerfile"},
        folders={"dockerfile": root, "context": root},
        services=services,
    )

    def run(request: SolveRequest, on_status: OnStatus) -> None:
        request.EnableSessionExporter = True
        try:
            solve(control, request, on_status)
        except CallError as error:
            raise ValueError(error.status.message) from error

    run_build(control, build, lambda _: None, run)


def test_the_session_names_the_exporters(control: ControlClient, tmp_path: Path) -> None:
    """It is told what the frontend says of the result, and in the end what exporters say."""
    exporters, archive = _Exporters("oci"), io.BytesIO()
    _build(control, tmp_path, exporters, FileSend([StreamTarget(archive)]))
    (asked,) = exporters.asked
    assert b'"a":"b"' in asked.metadata["containerimage.config"]
    assert len(asked.refs) == 1
    assert exporters.told[0]["containerimage.digest"].startswith("sha256:")
    with tarfile.open(fileobj=io.BytesIO(archive.getvalue())) as layout:
        assert "index.json" in layout.getnames()


def test_an_exporter_that_there_is_not(control: ControlClient, tmp_path: Path) -> None:
    """It is refused as one of the request."""
    with pytest.raises(ValueError, match='exporter "none" could not be found'):
        _build(control, tmp_path, _Exporters("none"))


def test_a_session_without_the_service(control: ControlClient, tmp_path: Path) -> None:
    """The daemon tells what its client said."""
    with pytest.raises(ValueError, match=r"Unimplemented desc = unknown service moby\.exporter"):
        _build(control, tmp_path)
