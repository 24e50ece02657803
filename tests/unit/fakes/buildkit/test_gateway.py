"""The gateway of the BuildKit inside an engine double, by which `docker buildx` builds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from imagebuilders.buildkit import ControlClient
from imagebuilders.buildkit.control.client import SERVICE as CONTROL
from imagebuilders.buildkit.control.gateway import BUILD_ID, SERVICE
from imagebuilders.buildkit.engine import engine_buildkit
from imagebuilders.buildkit.proto import control_pb2, gateway_pb2
from imagebuilders.buildkit.session.file_sync import FileSync
from imagebuilders.buildkit.session.session import Session
from imagebuilders.buildkit.session.synced_folders import PackedFolder
from imagebuilders.buildkit.session.upload import Upload
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.docker.build_engine import GivenEngine

REF = "ref1"


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[ControlClient]:
    """A client of the engine's BuildKit."""
    with (
        closing(FakeDockerClient(engine)) as sdk,
        engine_buildkit(GivenEngine(sdk)) as control,
    ):
        yield control


def _folder(files: Mapping[str, bytes]) -> PackedFolder:
    return PackedFolder.of(
        [
            Entry(name, EntryType.FILE, size=len(content), source=content)
            for name, content in files.items()
        ]
    )


class Bridge:
    """A build that is held open for a client in the place of a frontend."""

    def __init__(self, client: ControlClient, build: Call, uploads: Mapping[str, str]) -> None:
        self._client = client
        self._build = build
        self.uploads = uploads

    def ask(self, method: str, request: bytes) -> bytes:
        """Call a method of the gateway."""
        path = f"{SERVICE}{method}"
        return self._client.channel.unary(path, request, ((BUILD_ID, REF),), timeout=10)

    def solve(self, **attributes: str) -> gateway_pb2.Result:
        """Let the Dockerfile frontend answer."""
        question = gateway_pb2.SolveRequest(Frontend="dockerfile.v0", FrontendOpt=attributes)
        answer = self.ask("Solve", question.SerializeToString())
        return gateway_pb2.SolveResponse.FromString(answer).result

    def give_back(self, result: gateway_pb2.Result) -> dict[str, str]:
        """Return a result; what the exporters say of it."""
        self.ask("Return", gateway_pb2.ReturnRequest(result=result).SerializeToString())
        answer = self._build.receive(10)
        return dict(control_pb2.SolveResponse.FromString(answer or b"").ExporterResponse)


@contextmanager
def _held(client: ControlClient, dockerfile: bytes, **exporter: str) -> Iterator[Bridge]:
    upload = Upload()
    uploads = {
        "plain": upload.add([dockerfile]),
        "archive": upload.add([pack({"Dockerfile": dockerfile})]),
    }
    folders = {"dockerfile": _folder({"Dockerfile": dockerfile}), "context": _folder({})}
    session = Session([FileSync(folders), upload])
    with client.attached(session):
        request = control_pb2.SolveRequest(Ref=REF, Session=session.id)
        if exporter:
            request.Exporters.append(control_pb2.Exporter(Type="moby", Attrs=exporter))
        build = client.channel.call(f"{CONTROL}Solve")
        build.send(request.SerializeToString(), last=True)
        status = threading.Thread(target=_listen, args=(client,))
        status.start()
        try:
            yield Bridge(client, build, uploads)
        finally:
            build.cancel()
            status.join(10)


def _listen(client: ControlClient) -> None:
    call = client.channel.call(f"{CONTROL}Status")
    call.send(control_pb2.StatusRequest(Ref=REF).SerializeToString(), last=True)
    while call.receive(10) is not None:
        pass


def test_a_result_that_is_returned_is_exported(
    engine: FakeDockerEngine, client: ControlClient
) -> None:
    """As one of the engine's images, under the name that the build was asked for with."""
    engine.on_run("make", files={"/made": "1"})
    with _held(client, b"FROM base:1\nRUN make\n", name="app:1") as bridge:
        result = bridge.solve(**{"label:a": "b"})
        assert result.metadata["containerimage.config"]
        response = bridge.give_back(result)
    assert response["containerimage.digest"] == engine.image("app:1").id
    assert response["image.name"] == "docker.io/library/app:1"
    assert engine.image("app:1").parsed["config"]["Labels"] == {"a": "b"}
    assert engine.builds[-1].image_id == engine.image("app:1").id


def test_files_of_a_result_are_read(engine: FakeDockerEngine, client: ControlClient) -> None:
    """Whole or in part, by their folder, and what they are."""
    engine.on_run("make", files={"/dir/f": "12345", "/dir/sub/": ""})
    with _held(client, b"FROM base:1\nRUN make\n") as bridge:
        ref = bridge.solve().ref.id
        part = gateway_pb2.ReadFileRequest(
            Ref=ref, FilePath="dir/f", Range=gateway_pb2.FileRange(Offset=1, Length=2)
        )
        whole = gateway_pb2.ReadFileRequest(Ref=ref, FilePath="/dir/f")
        found = [
            gateway_pb2.ReadFileResponse.FromString(
                bridge.ask("ReadFile", request.SerializeToString())
            ).Data
            for request in (part, whole)
        ]
        assert found == [b"23", b"12345"]
        listed = gateway_pb2.ReadDirRequest(Ref=ref, DirPath="/dir").SerializeToString()
        entries = gateway_pb2.ReadDirResponse.FromString(bridge.ask("ReadDir", listed)).entries
        assert [entry.path for entry in entries] == [b"f", b"sub"]
        asked = gateway_pb2.StatFileRequest(Ref=ref, Path="/dir/f").SerializeToString()
        stat = gateway_pb2.StatFileResponse.FromString(bridge.ask("StatFile", asked)).stat
        assert (stat.path, stat.size, stat.mode) == (b"f", 5, 0o644)
        missing = gateway_pb2.ReadFileRequest(Ref=ref, FilePath="/no").SerializeToString()
        with pytest.raises(CallError, match="open /no: no such file or directory"):
            bridge.ask("ReadFile", missing)
        with pytest.raises(CallError, match="not a directory"):
            bridge.ask(
                "ReadDir",
                gateway_pb2.ReadDirRequest(Ref=ref, DirPath="/dir/f").SerializeToString(),
            )


def test_what_the_gateway_can_do(client: ControlClient) -> None:
    """A client asks for it first."""
    with _held(client, b"FROM scratch\n") as bridge:
        answer = gateway_pb2.PongResponse.FromString(bridge.ask("Ping", b""))
    assert {cap.ID for cap in answer.FrontendAPICaps} >= {"solve.base", "readfile", "return"}
    unable = {cap.ID for cap in answer.LLBCaps if not cap.Enabled}
    assert unable == {"diffop", "mergeop"}  # of a graph driver


def test_a_frontend_that_is_not_there(client: ControlClient) -> None:
    """By its name; nothing at all is made of no frontend and no definition."""
    with _held(client, b"FROM scratch\n") as bridge:
        question = gateway_pb2.SolveRequest(Frontend="nope.v0")
        with pytest.raises(CallError, match=r"invalid frontend: nope\.v0"):
            bridge.ask("Solve", question.SerializeToString())
        answer = bridge.ask("Solve", gateway_pb2.SolveRequest().SerializeToString())
        result = gateway_pb2.SolveResponse.FromString(answer).result
        assert not result.ref.id


@pytest.mark.parametrize("name", ["plain", "archive"])
def test_a_context_is_uploaded(engine: FakeDockerEngine, client: ControlClient, name: str) -> None:
    """As an archive, or as the Dockerfile alone."""
    text = b"FROM base:1\n" + b"COPY Dockerfile /\n" * (name == "archive")
    with _held(client, text, name="app:1") as bridge:
        result = bridge.solve(context=bridge.uploads[name])
        bridge.give_back(result)
    assert ("Dockerfile" in engine.image_tree("app:1").find()) is (name == "archive")


def test_no_other_context_is_fetched(client: ControlClient) -> None:
    """A double goes to no network, and says so."""
    with (
        _held(client, b"FROM scratch\n") as bridge,
        pytest.raises(CallError, match="the BuildKit double goes to no network"),
    ):
        bridge.solve(context="https://example.com/repository.git")


def test_a_client_looks_at_an_image_and_warns(client: ControlClient) -> None:
    """Its configuration is answered, a build without inputs has none, and a warning is told."""
    with _held(client, b"FROM base:1\n") as bridge:
        asked = gateway_pb2.ResolveImageConfigRequest(Ref="base:1", LogName="look")
        answer = bridge.ask("ResolveImageConfig", asked.SerializeToString())
        found = gateway_pb2.ResolveImageConfigResponse.FromString(answer)
        assert found.Ref == "docker.io/library/base:1"
        assert json.loads(found.Config)["os"] == "linux"
        unknown = gateway_pb2.ResolveImageConfigRequest(Ref="none:1").SerializeToString()
        with pytest.raises(CallError, match="pull access denied"):
            bridge.ask("ResolveImageConfig", unknown)
        with pytest.raises(CallError, match='could not parse reference "": '):
            bridge.ask("ResolveImageConfig", b"")
        inputs = gateway_pb2.InputsResponse.FromString(bridge.ask("Inputs", b""))
        assert dict(inputs.Definitions) == {}
        bridge.ask("Warn", gateway_pb2.WarnRequest(short=b"careful").SerializeToString())
