"""The messages of each call that a scenario's client makes or answers."""

from __future__ import annotations

from google.protobuf.message import Message

from imagebuilders.buildkit.proto import (
    content_pb2,
    control_pb2,
    filesync_pb2,
    gateway_pb2,
    rpc_pb2,
    session_pb2,
)

_CONTROL = "/moby.buildkit.v1.Control/"
_BRIDGE = "/moby.buildkit.v1.frontend.LLBBridge/"
_CONTENT = "/containerd.services.content.v1.Content/"
_AUTH = "/moby.filesync.v1.Auth/"
_EXPORTER = "/moby.exporter.v1.Exporter/"

SOLVE = f"{_CONTROL}Solve"
STATUS = f"{_CONTROL}Status"
SESSION = f"{_CONTROL}Session"
FILE_SYNC = "/moby.filesync.v1.FileSync/DiffCopy"
FILE_SEND = "/moby.filesync.v1.FileSend/DiffCopy"
HEALTH = "/grpc.health.v1.Health/Check"
SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"  # noqa: S105  (a method's name)
AGENT = "/moby.sshforward.v1.SSH/ForwardAgent"
PULL = "/moby.upload.v1.Upload/Pull"
WRITE = f"{_CONTENT}Write"
PING = f"{_BRIDGE}Ping"

OF_CLIENT: dict[str, tuple[type[Message], type[Message]]] = {
    f"{_CONTROL}Info": (control_pb2.InfoRequest, control_pb2.InfoResponse),
    f"{_CONTROL}ListWorkers": (control_pb2.ListWorkersRequest, control_pb2.ListWorkersResponse),
    f"{_CONTROL}DiskUsage": (control_pb2.DiskUsageRequest, control_pb2.DiskUsageResponse),
    f"{_CONTROL}Prune": (control_pb2.PruneRequest, control_pb2.UsageRecord),
    f"{_CONTROL}ListenBuildHistory": (
        control_pb2.BuildHistoryRequest,
        control_pb2.BuildHistoryEvent,
    ),
    f"{_CONTROL}UpdateBuildHistory": (
        control_pb2.UpdateBuildHistoryRequest,
        control_pb2.UpdateBuildHistoryResponse,
    ),
    SOLVE: (control_pb2.SolveRequest, control_pb2.SolveResponse),
    STATUS: (control_pb2.StatusRequest, control_pb2.StatusResponse),
    PING: (gateway_pb2.PingRequest, gateway_pb2.PongResponse),
    f"{_BRIDGE}Solve": (gateway_pb2.SolveRequest, gateway_pb2.SolveResponse),
    f"{_BRIDGE}Return": (gateway_pb2.ReturnRequest, gateway_pb2.ReturnResponse),
    f"{_BRIDGE}Evaluate": (gateway_pb2.PingRequest, gateway_pb2.ReturnResponse),
    f"{_BRIDGE}Warn": (gateway_pb2.WarnRequest, gateway_pb2.ReturnResponse),
    f"{_BRIDGE}Inputs": (gateway_pb2.InputsRequest, gateway_pb2.InputsResponse),
    f"{_BRIDGE}ResolveImageConfig": (
        gateway_pb2.ResolveImageConfigRequest,
        gateway_pb2.ResolveImageConfigResponse,
    ),
    f"{_BRIDGE}ReadFile": (gateway_pb2.ReadFileRequest, gateway_pb2.ReadFileResponse),
    f"{_BRIDGE}ReadDir": (gateway_pb2.ReadDirRequest, gateway_pb2.ReadDirResponse),
    f"{_BRIDGE}StatFile": (gateway_pb2.StatFileRequest, gateway_pb2.StatFileResponse),
    f"{_CONTENT}Read": (content_pb2.ReadContentRequest, content_pb2.ReadContentResponse),
    HEALTH: (rpc_pb2.HealthCheckRequest, rpc_pb2.HealthCheckResponse),
}
"""Calls of the client: what is asked, and what the daemon answers with."""

OF_DAEMON: dict[str, tuple[type[Message], type[Message]]] = {
    FILE_SYNC: (filesync_pb2.Packet, filesync_pb2.Packet),
    FILE_SEND: (filesync_pb2.Packet, filesync_pb2.Packet),
    SECRET: (session_pb2.GetSecretRequest, session_pb2.GetSecretResponse),
    f"{_AUTH}Credentials": (session_pb2.CredentialsRequest, session_pb2.CredentialsResponse),
    f"{_AUTH}FetchToken": (session_pb2.FetchTokenRequest, session_pb2.FetchTokenResponse),
    f"{_AUTH}GetTokenAuthority": (
        session_pb2.GetTokenAuthorityRequest,
        session_pb2.GetTokenAuthorityResponse,
    ),
    f"{_AUTH}VerifyTokenAuthority": (
        session_pb2.VerifyTokenAuthorityRequest,
        session_pb2.VerifyTokenAuthorityResponse,
    ),
    "/moby.sshforward.v1.SSH/CheckAgent": (
        session_pb2.CheckAgentRequest,
        session_pb2.CheckAgentResponse,
    ),
    AGENT: (control_pb2.BytesMessage, control_pb2.BytesMessage),
    PULL: (control_pb2.BytesMessage, control_pb2.BytesMessage),
    f"{_EXPORTER}FindExporters": (
        session_pb2.FindExportersRequest,
        session_pb2.FindExportersResponse,
    ),
    f"{_EXPORTER}FinalizeExport": (
        session_pb2.FinalizeExportRequest,
        session_pb2.FinalizeExportResponse,
    ),
    f"{_CONTENT}Info": (content_pb2.InfoRequest, content_pb2.InfoResponse),
    f"{_CONTENT}Read": (content_pb2.ReadContentRequest, content_pb2.ReadContentResponse),
    WRITE: (content_pb2.WriteContentRequest, content_pb2.WriteContentResponse),
}
"""Calls of the daemon to the client's session: what it asks, and is answered with."""
