"""The daemon's side of recorded builds, played again to the client.

What the daemon told is told in the order in which it came. Its calls to the session are made
again, each when it began then; what they must wait for is what the protocol says, as another
client may send the same in other pieces and in another order.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from buildkit_recordings import Json, Recording, bytes_of, fill, response_of

from fakes.buildkit import ScriptedBuild, SentEntry, SessionPeer, SyncedFile, solve_status
from fakes.buildkit.file_transfer import copy_folder
from imagebuilders.buildkit.proto.control_pb2 import BytesMessage, StatusResponse
from imagebuilders.buildkit.proto.filesync_pb2 import Packet
from imagebuilders.buildkit.proto.session_pb2 import (
    CheckAgentRequest,
    CredentialsRequest,
    CredentialsResponse,
    GetSecretRequest,
    GetSecretResponse,
)
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Metadata

_REQUESTS = {
    "moby.filesync.v1.Auth/Credentials": CredentialsRequest,
    "moby.buildkit.secrets.v1.Secrets/GetSecret": GetSecretRequest,
    "moby.sshforward.v1.SSH/CheckAgent": CheckAgentRequest,
}
_NOT_REGULAR = 0x8F280000
_UNKNOWN = b"x"


@dataclass
class Replay:
    """A script that plays a recording; what the client did otherwise is in `differences`."""

    recording: Recording
    upload: str = ""
    """The address under which the client offers a stream."""
    differences: list[str] = field(default_factory=list)

    def __call__(self, build: ScriptedBuild) -> dict[str, str]:
        """Play it."""
        content = self.recording.content
        running: list[tuple[int, threading.Thread]] = []
        for number, part in self._parts():
            for end, thread in running:
                if end < number:
                    thread.join(20)
            if "call" in part:
                thread = threading.Thread(target=self._call, args=(build.session, part))
                thread.start()
                running.append((_end_of(part), thread))
            else:
                message = StatusResponse()
                fill(message, part)
                build.tell(message)
        for _, thread in running:
            thread.join(20)
        error = content.get("error")
        if error is None:
            return response_of(content["response"])
        if error["code"] is None:  # the daemon never answered
            build.wait_cancelled()
        self._fail(build, error)
        raise AssertionError("unreachable")

    def _parts(self) -> list[tuple[int, Json]]:
        content = self.recording.content
        calls = [call for call in content["session"] if not call["call"].startswith("grpc.health")]
        parts = [(part["n"], part) for part in (*content.get("status", ()), *calls)]
        return sorted(parts, key=lambda part: part[0])

    def _fail(self, build: ScriptedBuild, error: Json) -> None:
        details = []
        for detail in error.get("details", ()):
            value = detail["json"]
            if "info" in value:
                info = dict(value["info"])
                info["data"] = base64.b64encode(info.pop("data_text", "").encode()).decode()
                value = {**value, "info": info}
            details.append((detail["type_url"].rpartition("/")[2].removesuffix("+json"), value))
        build.fail(solve_status(error["message"], code=error["code"] or 1, details=details))

    # --- calls ---------------------------------------------------------------

    def _call(self, session: SessionPeer, call: Json) -> None:
        play: dict[str, Callable[[SessionPeer, Json], None]] = {
            "moby.filesync.v1.FileSync/DiffCopy": self._copy,
            "moby.filesync.v1.FileSend/DiffCopy": self._send,
            "moby.filesync.v1.Auth/FetchToken": _pass_over,
            "moby.filesync.v1.Auth/GetTokenAuthority": _pass_over,
            "moby.sshforward.v1.SSH/ForwardAgent": self._agent,
            "moby.upload.v1.Upload/Pull": self._pull,
            "containerd.services.content.v1.Content/Write": self._write,
        }
        code = 0
        part = play.get(call["call"], self._ask)
        if part is _pass_over:
            return
        try:
            part(session, call)
        except CallError as error:
            code = int(error.status.code)
        except (TransportError, AssertionError) as error:
            self._differ(call, f"{error}")
            return
        if "status" not in call:
            return  # the daemon did not wait for the client's answer
        expected = call["status"].get("code", 0)
        # Who has none of a kind may have no service for it, or one that says so in its own way.
        if bool(code) != bool(expected):
            self._differ(call, f"status {code}, not {expected}")

    def _copy(self, session: SessionPeer, call: Json) -> None:
        told, wanted = _told(call)
        with session.open(f"/{call['call']}", _metadata(call)) as open_call:
            got = copy_folder(open_call, wanted)
        shown = {path: _shown(file) for path, file in got.items()}
        expected = {file.path: _shown(file) for file in told}
        if "exclude-patterns" in call["metadata"] or wanted is None:
            # The client decides by itself what is left out; and not all that was told is recorded.
            shown = {path: seen for path, seen in shown.items() if path in expected}
        if call["metadata"]["dir-name"] == ["dockerfile"]:  # names of hosts in it were replaced
            shown, expected = dict.fromkeys(shown, ()), dict.fromkeys(expected, ())
        if shown != expected:
            self._differ(call, f"{shown} in place of {expected}")
        for file in told:
            if file.path in got and not _is_same(got[file.path].content, file.content):
                self._differ(call, f"other content of {file.path}")

    def _send(self, session: SessionPeer, call: Json) -> None:
        messages = [item["message"] for item in call["messages"] if _is_daemons(item)]
        exporter = int(call["metadata"].get("buildkit-attachable-exporter-id", ["0"])[0])
        if not any("stat" in message or not message for message in messages):
            content = b"".join(bytes_of(message.get("data", "")) for message in messages)
            session.send_file(content, exporter=exporter)
            return
        contents: dict[int, bytes] = {}
        for message in messages:
            if message.get("type") == "PACKET_DATA":
                number = message.get("ID", 0)
                contents[number] = contents.get(number, b"") + bytes_of(message.get("data", ""))
        stats = [message["stat"] for message in messages if "stat" in message]
        session.send_folder(
            [_sent(stat, contents.get(number)) for number, stat in enumerate(stats)],
            exporter=exporter,
        )

    def _agent(self, session: SessionPeer, call: Json) -> None:
        with session.open(f"/{call['call']}", _metadata(call)) as open_call:
            for item in call["messages"]:
                if "message" not in item:
                    continue
                data = bytes_of(item["message"].get("data", ""))
                if item["from"] == "daemon":
                    open_call.send(BytesMessage(data=data).SerializeToString())
                else:
                    answer = BytesMessage.FromString(open_call.receive(20) or b"").data
                    assert answer == data, f"{answer!r}, not {data!r}"
            open_call.half_close()

    def _pull(self, session: SessionPeer, call: Json) -> None:
        expected = sum(
            len(bytes_of(item["message"].get("data", "")))
            for item in call["messages"]
            if "message" in item and item["from"] == "client"
        )
        got = len(session.pull(self.upload))
        assert got == expected, f"{got} bytes, not {expected}"

    @staticmethod
    def _write(session: SessionPeer, call: Json) -> None:
        (store,) = call["metadata"]["buildkit-attachable-store-id"]
        session.write_content(store, "sha256:" + "0" * 64, b"")

    def _ask(self, session: SessionPeer, call: Json) -> None:
        request = _REQUESTS[call["call"]]()
        answers = []
        for item in call["messages"]:
            if "message" in item and item["from"] == "daemon":
                fill(request, item["message"])
            elif "message" in item:
                answers.append(item["message"])
        answer = session.unary(f"/{call['call']}", request.SerializeToString(), _metadata(call))
        if call["call"].endswith("GetSecret"):
            assert GetSecretResponse.FromString(answer).data == bytes_of(answers[0]["data"])
        elif call["call"].endswith("Credentials") and answers:
            found = CredentialsResponse.FromString(answer)
            expected = (answers[0].get("Username", ""), answers[0].get("Secret", ""))
            assert (found.Username, found.Secret) == expected

    def _differ(self, call: Json, words: str) -> None:
        self.differences.append(f"{call['call']} {call['metadata']}: {words}")


def _pass_over(session: SessionPeer, call: Json) -> None:
    """What the client has no service for, so that the daemon asks otherwise."""


def _end_of(call: Json) -> int:
    return max(int(call["n"]), *(int(item.get("n", 0)) for item in call["messages"]))


def _is_daemons(item: Json) -> bool:
    return "message" in item and item["from"] == "daemon"


def _metadata(call: Json) -> Metadata:
    return tuple(
        (name, value)
        for name, values in call["metadata"].items()
        for value in values
        if not name.startswith("grpc-") and name != "containerd-lease"
    )


def _told(call: Json) -> tuple[list[SyncedFile], list[str] | None]:
    """Return what the client told then, and whose contents were asked for; `None` for all."""
    files: list[SyncedFile] = []
    contents: dict[int, bytes] = {}
    wanted: list[int] = []
    for item in call["messages"]:
        if "omitted" in item:
            return [], None
        message = item.get("message")
        if message is None:
            continue
        if item["from"] == "daemon" and message.get("type") == "PACKET_REQ":
            wanted.append(message.get("ID", 0))
        elif "stat" in message:
            packet = Packet()
            fill(packet, message)
            stat = packet.stat
            files.append(
                SyncedFile(
                    stat.path.decode("utf-8", "surrogateescape"),
                    stat.mode,
                    stat.size,
                    stat.modTime,
                    stat.linkname.decode("utf-8", "surrogateescape"),
                )
            )
        elif message.get("type") == "PACKET_DATA":
            number = message.get("ID", 0)
            data = bytes_of(message.get("data", ""))
            contents[number] = contents.get(number, b"") + data
    told = [
        SyncedFile(
            file.path, file.mode, file.size, file.mtime_ns, file.linkname, contents.get(number)
        )
        for number, file in enumerate(files)
    ]
    return told, [files[number].path for number in wanted]


def _shown(file: SyncedFile) -> tuple[object, ...]:
    """Return of an entry what the daemon goes by."""
    is_link = bool(file.mode & (1 << 27))
    return (file.mode, 0 if is_link else file.size, file.mtime_ns, file.linkname)


def _is_same(content: bytes | None, recorded: bytes | None) -> bool:
    """Whether a content is that of the recording; of a long one only the size is known."""
    if content is None or recorded is None:
        return content is recorded
    return content == recorded or (len(content) == len(recorded) and not recorded.strip(_UNKNOWN))


def _sent(stat: Json, content: bytes | None) -> SentEntry:
    mode, time = int(stat.get("mode", 0)), stat.get("modTime", 0)
    if content is None:
        content = b"" if mode & _NOT_REGULAR else b"x" * int(stat.get("size", 0))
    return SentEntry(
        str(stat["path"]),
        content,
        mode,
        str(stat.get("linkname", "")),
        time if isinstance(time, int) else 0,
    )
