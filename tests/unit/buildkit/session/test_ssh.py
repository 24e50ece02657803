"""SSH agents that steps use through the daemon."""

from __future__ import annotations

import base64
import builtins
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_mock
from hypothesis import given, settings
from hypothesis import strategies as st
from joined_session import joined_session

from imagebuilders.build_options.values import SSHAgent
from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.session.ssh import MAX_MESSAGE_BYTES, Agent, SSHAgents
from imagebuilders.buildkit.session.ssh_keys import KeyAgent
from imagebuilders.buildkit.session.ssh_socket import SocketAgent
from imagebuilders.buildkit.ssh_sources import ssh_agents
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.exceptions import BuildOptionsError

pytest.importorskip("cryptography")

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

IDENTITIES = b"\x0b"
FAILURE = b"\x05"
RSA = rsa.generate_private_key(65537, 2048)


def framed(message: bytes) -> bytes:
    """Return a message with its length."""
    return struct.pack(">I", len(message)) + message


def string(data: bytes) -> bytes:
    """Return a string as SSH writes it."""
    return framed(data)


def answers(agents: dict[str, Agent], data: list[bytes], count: int) -> list[bytes]:
    """Send bytes to the default agent as a step does; return so many answers."""
    received = b""
    with joined_session(SSHAgents(agents)) as daemon, daemon.agent() as call:
        for piece in data:
            call.send(BytesMessage(data=piece).SerializeToString())
        found: list[bytes] = []
        while len(found) < count:
            message = call.receive(30)
            assert message is not None
            received += BytesMessage.FromString(message).data
            while len(received) >= 4 and len(received) >= 4 + (
                length := struct.unpack_from(">I", received)[0]
            ):
                found.append(received[4 : 4 + length])
                received = received[4 + length :]
        call.half_close()
        assert call.receive(30) is None
    return found


# --- an agent behind a socket ------------------------------------------------


@contextmanager
def scripted_agent(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """Run an agent that answers as it is told; yield its socket's path."""
    with (
        tempfile.TemporaryDirectory(prefix="agent-") as folder,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        path = f"{folder}/s"
        listening.bind(path)
        listening.listen()
        connections: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connected, _ = listening.accept()
                    connections.append(connected)
                    with connected, connected.makefile("rb") as file:
                        while head := file.read(4):
                            message = file.read(struct.unpack(">I", head)[0])
                            replied = answer(message)
                            if replied is None:
                                break
                            connected.sendall(replied)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path
        finally:
            for connected in connections:
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_requests_reach_the_agent_and_answers_the_step() -> None:
    """Whatever the pieces in which they come, one after the other."""
    seen: list[bytes] = []

    def answer(message: bytes) -> bytes:
        seen.append(message)
        return framed(b"\x0c" + message * 3)

    requests = [IDENTITIES, b"\x0d" + b"x" * 80_000, IDENTITIES]
    stream = b"".join(map(framed, requests))
    pieces = [stream[:2], stream[2:5], stream[5:70_000], stream[70_000:]]
    with scripted_agent(answer) as path:
        found = answers({"default": SocketAgent(path)}, pieces, 3)
    assert seen == requests
    assert found == [b"\x0c" + request * 3 for request in requests]


@pytest.mark.parametrize("kind", [1, 9, 17, 18, 19, 20, 22, 23, 25, 26, 27, 255])
def test_a_step_does_not_change_the_agent(kind: int) -> None:
    """What would add, remove or lock keys is refused without the agent's knowing."""
    seen: list[bytes] = []

    def answer(message: bytes) -> bytes:
        seen.append(message)
        return framed(b"\x0c")

    with scripted_agent(answer) as path:
        found = answers(
            {"default": SocketAgent(path)}, [framed(bytes([kind]) + b"x"), framed(IDENTITIES)], 2
        )
    assert found == [FAILURE, b"\x0c"]
    assert seen == [IDENTITIES]


@pytest.mark.parametrize("reply", [None, b"", framed(b"")[:4], struct.pack(">I", 2**31)])
def test_an_agent_that_breaks_off_ends_the_call(reply: bytes | None) -> None:
    """An agent that goes, or that answers nonsense, is told to the daemon."""

    def answer(message: bytes) -> bytes | None:
        return reply or None

    with (
        scripted_agent(answer) as path,
        joined_session(SSHAgents({"default": SocketAgent(path)})) as daemon,
        daemon.agent() as call,
    ):
        call.send(BytesMessage(data=framed(IDENTITIES)).SerializeToString())
        with pytest.raises(CallError) as caught:
            call.receive(30)
    assert caught.value.status.code == Code.UNAVAILABLE


def test_a_step_that_goes_ends_the_wait_for_the_agent() -> None:
    """An agent that waits for its user is let go when the step has ended."""
    asked, released = threading.Event(), threading.Event()

    def answer(message: bytes) -> bytes | None:
        asked.set()
        released.wait(30)
        return None

    with scripted_agent(answer) as path:
        with joined_session(SSHAgents({"default": SocketAgent(path)})) as daemon:
            with daemon.agent() as call:
                call.send(BytesMessage(data=framed(IDENTITIES)).SerializeToString())
                assert asked.wait(30)
            handlers = [thread for thread in threading.enumerate() if "ForwardAgent" in thread.name]
            for thread in handlers:
                thread.join(30)
            assert not any(thread.is_alive() for thread in handlers)
        released.set()


def test_an_agent_that_is_gone_is_told() -> None:
    """Nobody listens any more."""
    with (
        joined_session(SSHAgents({"default": SocketAgent("/gone/agent")})) as daemon,
        daemon.agent() as call,
        pytest.raises(CallError, match="ssh agent does not answer: No such file"),
    ):
        call.receive(30)


@pytest.mark.parametrize(
    ("name", "is_there"), [("", True), ("default", True), ("work", True), ("other", False)]
)
def test_agents_have_names(name: str, is_there: bool) -> None:
    """An empty name means the default one; an unknown one is NOT_FOUND."""
    agents: dict[str, Agent] = {"default": KeyAgent([]), "work": KeyAgent([])}
    code = Code.OK
    with joined_session(SSHAgents(agents)) as daemon:
        try:
            daemon.check_agent(name)
        except CallError as error:
            code = Code(error.status.code)
    assert code == (Code.OK if is_there else Code.NOT_FOUND)


def test_what_is_not_of_the_protocol_passes_as_it_is() -> None:
    """It is for the agent to end it; nothing of it is taken apart here."""
    with (
        socket.socket(socket.AF_UNIX) as listening,
        tempfile.TemporaryDirectory(prefix="agent-") as folder,
    ):
        listening.bind(f"{folder}/s")
        listening.listen()

        def echo() -> None:
            connected, _ = listening.accept()
            with connected:
                while piece := connected.recv(4096):
                    connected.sendall(piece.upper())

        thread = threading.Thread(target=echo)
        thread.start()
        received = b""
        with (
            joined_session(SSHAgents({"default": SocketAgent(f"{folder}/s")})) as daemon,
            daemon.agent() as call,
        ):
            for piece in (b"he", b"llo ", b"agent\n"):
                call.send(BytesMessage(data=piece).SerializeToString())
            while received != b"HELLO AGENT\n":
                received += BytesMessage.FromString(call.receive(30) or b"").data
            call.half_close()
            assert call.receive(30) is None
        thread.join()


@pytest.mark.parametrize("data", [struct.pack(">I", MAX_MESSAGE_BYTES + 1), struct.pack(">I", 0)])
def test_a_request_without_bounds_is_refused(data: bytes) -> None:
    """A step cannot make the client keep what it sends, neither first nor later."""
    for begun in (b"", framed(IDENTITIES)):
        with (
            joined_session(SSHAgents({"default": KeyAgent([])})) as daemon,
            daemon.agent() as call,
        ):
            call.send(BytesMessage(data=begun + data).SerializeToString())
            if begun:
                assert call.receive(30)
            with pytest.raises(CallError) as caught:
                call.receive(30)
        assert caught.value.status.code == Code.INVALID_ARGUMENT


def test_a_message_that_is_none_ends_the_call() -> None:
    """Garbage of the daemon is told as such."""
    with (
        joined_session(SSHAgents({"default": KeyAgent([])})) as daemon,
        daemon.agent() as call,
    ):
        call.send(b"\xff")
        with pytest.raises(CallError) as caught:
            call.receive(30)
    assert caught.value.status.code == Code.INVALID_ARGUMENT


# --- keys of files -----------------------------------------------------------

KEYS: list[Any] = [
    pytest.param(RSA, 0, "ssh-rsa", id="rsa-sha1"),
    pytest.param(RSA, 2, "rsa-sha2-256", id="rsa-sha256"),
    pytest.param(RSA, 4, "rsa-sha2-512", id="rsa-sha512"),
    pytest.param(ec.generate_private_key(ec.SECP256R1()), 0, "ecdsa-sha2-nistp256", id="ecdsa-256"),
    pytest.param(ec.generate_private_key(ec.SECP384R1()), 0, "ecdsa-sha2-nistp384", id="ecdsa-384"),
    pytest.param(ec.generate_private_key(ec.SECP521R1()), 0, "ecdsa-sha2-nistp521", id="ecdsa-521"),
    pytest.param(ed25519.Ed25519PrivateKey.generate(), 0, "ssh-ed25519", id="ed25519"),
]


def written(folder: Path, key: Any, form: PrivateFormat = PrivateFormat.OpenSSH) -> str:
    """Write a key to a file."""
    path = folder / "key"
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    return str(path)


def public_of(key: Any) -> bytes:
    """Return the public part as SSH writes it."""
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def taken(content: bytes) -> tuple[bytes, bytes]:
    """Return the string at the beginning, and the rest."""
    length = struct.unpack_from(">I", content)[0]
    return content[4 : 4 + length], content[4 + length :]


def verify(key: Any, name: str, signature: bytes, data: bytes) -> None:
    """Verify a signature; raises when it is none."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        digests: dict[str, hashes.HashAlgorithm] = {
            "ssh-rsa": hashes.SHA1(),
            "rsa-sha2-256": hashes.SHA256(),
            "rsa-sha2-512": hashes.SHA512(),
        }
        public.verify(signature, data, padding.PKCS1v15(), digests[name])
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        public.verify(signature, data)
    else:
        r, rest = taken(signature)
        s, rest = taken(rest)
        assert rest == b""
        numbers = [int.from_bytes(each, "big", signed=True) for each in (r, s)]
        digest = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
        public.verify(
            utils.encode_dss_signature(*numbers), data, ec.ECDSA(digest[public.curve.key_size])
        )


@pytest.mark.parametrize(("key", "flags", "name"), KEYS)
def test_a_key_signs(tmp_path: Path, key: Any, flags: int, name: str) -> None:
    """A step finds the key and has something signed, as OpenSSH's agent would."""
    path = written(tmp_path, key)
    agent = KeyAgent.load([path])
    data = b"data to sign" * 100
    request = b"\x0d" + string(public_of(key)) + string(data) + struct.pack(">I", flags)
    identities, signed = answers({"default": agent}, [framed(IDENTITIES), framed(request)], 2)
    assert identities == (
        b"\x0c" + struct.pack(">I", 1) + string(public_of(key)) + string(path.encode())
    )
    assert signed[:1] == b"\x0e"
    signature, rest = taken(signed[1:])
    assert rest == b""
    told, blob = taken(signature)
    assert told.decode() == name
    verify(key, name, taken(blob)[0], data)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_keys_in_other_forms(tmp_path: Path, form: PrivateFormat) -> None:
    """Older forms of the file are read, too."""
    agent = KeyAgent.load([written(tmp_path, RSA, form)])
    assert public_of(RSA) in agent.ask(IDENTITIES)


def test_several_keys(tmp_path: Path) -> None:
    """An agent may have more than one; what it has not it does not sign with."""
    keys = [key.values[0] for key in KEYS[2:]]
    paths = []
    for number, key in enumerate(keys):
        (tmp_path / str(number)).mkdir()
        paths.append(written(tmp_path / str(number), key))
    agent = KeyAgent.load(paths)
    found = agent.ask(IDENTITIES)
    assert found[1:5] == struct.pack(">I", len(keys))
    assert all(public_of(key) in found for key in keys)
    stranger = ed25519.Ed25519PrivateKey.generate()
    assert agent.ask(b"\x0d" + string(public_of(stranger)) + string(b"x") + bytes(4)) == FAILURE


@settings(max_examples=200)
@given(st.binary(min_size=1, max_size=60))
def test_any_request_is_answered(request_bytes: bytes) -> None:
    """What is cut short or unknown is a failure, and never an error here."""
    agent = KeyAgent([])
    assert agent.ask(request_bytes) in (FAILURE, b"\x0c" + bytes(4))
    assert agent.ask(b"\x0d" + request_bytes) == FAILURE


def encrypted(form: PrivateFormat) -> bytes:
    """Return a key that needs a password."""
    return RSA.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"hunter2"))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_refused_with_words(tmp_path: Path, form: PrivateFormat) -> None:
    """The error says what to do about it."""
    (tmp_path / "key").write_bytes(encrypted(form))
    with pytest.raises(BuildOptionsError, match=r"key, which is encrypted: .*ssh-add") as caught:
        KeyAgent.load([str(tmp_path / "key")])
    assert caught.value.option == "ssh"


def test_an_encrypted_key_of_openssh_is_refused_with_words(tmp_path: Path) -> None:
    """So is one in OpenSSH's own form, of which the header alone is made here."""
    parts = [b"aes256-ctr", b"bcrypt", string(bytes(16)) + struct.pack(">I", 16)]
    content = b"openssh-key-v1\0" + b"".join(map(string, parts)) + struct.pack(">I", 1)
    content += string(public_of(RSA)) + string(bytes(512))
    lines = base64.encodebytes(content).decode()
    (tmp_path / "key").write_text(
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}-----END OPENSSH PRIVATE KEY-----\n"
    )
    with pytest.raises(BuildOptionsError, match="is encrypted"):
        KeyAgent.load([str(tmp_path / "key")])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no private key"),
        (b"ssh-ed25519 AAAA comment\n", "has no private key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "no"),
        (b"x" * 100_000, "cannot be read: it has more than"),
        (
            dsa.generate_private_key(1024).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "another kind than",
        ),
        (
            ec.generate_private_key(ec.SECP256K1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "another kind than",
        ),
    ],
    ids=["empty", "public", "damaged", "large", "dsa", "curve"],
)
def test_what_is_no_usable_key_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """The error names the file, and quotes nothing of it."""
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(BuildOptionsError, match=words) as caught:
        KeyAgent.load([str(tmp_path / "key")])
    assert str(tmp_path / "key") in str(caught.value)
    assert caught.value.__cause__ is None or b"PRIVATE" not in content


def test_without_cryptography_the_extra_is_named(
    tmp_path: Path, mocker: pytest_mock.MockerFixture
) -> None:
    """Key files need a package that is not always there."""
    really_import = builtins.__import__

    def refuse(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.partition(".")[0] == "cryptography":
            raise ImportError(name)
        return really_import(name, *arguments, **keywords)

    mocker.patch("builtins.__import__", refuse)
    with pytest.raises(BuildOptionsError, match=r"imagebuilders\[ssh\]"):
        KeyAgent.load([str(tmp_path / "key")])


# --- options -----------------------------------------------------------------


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the path of a socket."""
    with (
        tempfile.TemporaryDirectory(prefix="agent-") as folder,
        socket.socket(socket.AF_UNIX) as bound,
    ):
        bound.bind(f"{folder}/s")
        yield f"{folder}/s"


def test_the_default_agent_is_that_of_the_environment(
    listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a path SSH_AUTH_SOCK counts."""
    monkeypatch.setenv("SSH_AUTH_SOCK", listening)
    agents = ssh_agents([SSHAgent(), SSHAgent("work", (listening,))])
    assert {name: getattr(agent, "path", "") for name, agent in agents.items()} == {
        "default": listening,
        "work": listening,
    }


def test_an_agent_of_key_files(tmp_path: Path) -> None:
    """Paths of files are keys."""
    path = written(tmp_path, RSA)
    (agent,) = ssh_agents([SSHAgent("default", (path, path))]).values()
    assert isinstance(agent, KeyAgent)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ((), "SSH_AUTH_SOCK is not set"),
        (("/gone/agent",), "/gone/agent, which cannot be used: No such file"),
        (("a\0b",), "which cannot be used: .*null"),
        (("LISTENING", "LISTENING"), "beside others"),
        (("/",), "/, which cannot be read: it is a folder"),
    ],
)
def test_what_cannot_be_an_agent_is_found_before_the_build(
    listening: str, monkeypatch: pytest.MonkeyPatch, paths: tuple[str, ...], words: str
) -> None:
    """The error says what is wrong with which path."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    paths = tuple(listening if path == "LISTENING" else path for path in paths)
    with pytest.raises(BuildOptionsError, match=words) as caught:
        ssh_agents([SSHAgent("default", paths)])
    assert caught.value.option == "ssh"
