"""An SSH agent in this process, for the keys of files.

Answers of the agent's protocol: https://datatracker.ietf.org/doc/html/draft-ietf-sshm-ssh-agent;
keys and signatures: https://www.rfc-editor.org/rfc/rfc4253, 5656, 8332 and 8709. The cryptography
is that of https://cryptography.io.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeGuard

from imagebuilders.buildkit.session.ssh import FAILURE, REQUEST_IDENTITIES, SIGN_REQUEST
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import BuildOptionsError, ControlFileError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

MAX_KEY_BYTES = 64 * 1024

_IDENTITIES_ANSWER = b"\x0c"
_SIGN_RESPONSE = b"\x0e"
_RSA_SHA2_256 = 2
_RSA_SHA2_512 = 4


class _MalformedError(ValueError):
    """A request is cut short."""


@dataclass(frozen=True)
class _Key:
    """A key with its public part as it is written, and the name that the agent tells."""

    private: PrivateKey
    public: bytes
    comment: str


class KeyAgent:
    """Signs with the keys of files."""

    def __init__(self, keys: Iterable[_Key]) -> None:
        self._keys = {key.public: key for key in keys}

    @classmethod
    def load(cls, paths: Iterable[str]) -> KeyAgent:
        """Read keys.

        Raises:
            BuildOptionsError: one cannot be read, is encrypted, or is of a kind that is not
                served; or `cryptography` is not installed.
        """
        try:
            import cryptography  # noqa: F401  (whether it is there)
        except ImportError as error:
            raise BuildOptionsError(
                "The option 'ssh' names key files, which need the package cryptography: "
                "pip install 'imagebuilders[ssh]', or add the keys to an agent and name that.",
                option="ssh",
            ) from error
        return cls([_load(path) for path in paths])

    @contextmanager
    def connect(self) -> Iterator[KeyAgent]:
        """Return the agent itself, which keeps nothing of a connection."""
        yield self

    def carry(self, call: Call, begun: bytes) -> None:  # noqa: ARG002  (the protocol's)
        """Refuse what is not of the agents' protocol."""
        raise CallError(
            RpcStatus(Code.INVALID_ARGUMENT, "this is not the protocol of an ssh agent")
        )

    def interrupt(self) -> None:
        """Do nothing: an answer takes no time."""

    def ask(self, request: bytes) -> bytes:
        """Return the answer to a request, both without their length."""
        kind, content = request[0], request[1:]
        try:
            if kind == REQUEST_IDENTITIES:
                return self._identities()
            if kind == SIGN_REQUEST:
                public, content = _take(content)
                data, content = _take(content)
                key = self._keys.get(public)
                if key is not None:
                    flags = int.from_bytes(content[:4], "big")
                    return _SIGN_RESPONSE + _string(_signature(key.private, data, flags))
        except _MalformedError:
            pass
        return FAILURE

    def _identities(self) -> bytes:
        answer = _IDENTITIES_ANSWER + len(self._keys).to_bytes(4, "big")
        for key in self._keys.values():
            answer += _string(key.public) + _string(key.comment.encode("utf-8", "surrogateescape"))
        return answer


def _load(path: str) -> _Key:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        content = read_control_file(path, limit=MAX_KEY_BYTES, allow_streams=True).content
    except ControlFileError as error:
        raise _wrong(path, f"cannot be read: {error.reason}") from error
    load = (
        serialization.load_ssh_private_key
        if b"BEGIN OPENSSH PRIVATE KEY" in content
        else serialization.load_pem_private_key
    )
    # Not chained: nothing of a key goes into an error.
    try:
        private = load(content, password=None)
    except TypeError:
        raise _wrong(path, _ENCRYPTED) from None
    except UnsupportedAlgorithm:
        raise _wrong(path, _UNSERVED) from None
    except ValueError as error:
        problem = _ENCRYPTED if "assword" in str(error) else "has no private key that can be read"
        raise _wrong(path, problem) from None
    if not _is_served(private):
        raise _wrong(path, _UNSERVED)
    line = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return _Key(private, base64.b64decode(line.split()[1]), path)


_ENCRYPTED = "is encrypted: add it to an agent (ssh-add) and name that"
_UNSERVED = "has a key of another kind than RSA, ECDSA and Ed25519: use an agent for it"


def _wrong(path: str, problem: str) -> BuildOptionsError:
    return BuildOptionsError(
        f"The option 'ssh' names the key file {path}, which {problem}.", option="ssh"
    )


def _is_served(private: object) -> TypeGuard[PrivateKey]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.curve.name in _CURVES
    return isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey)


# By the names that SSH and the cryptography have for them.
_CURVES = {"secp256r1": "nistp256", "secp384r1": "nistp384", "secp521r1": "nistp521"}


def _signature(private: PrivateKey, data: bytes, flags: int) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    if isinstance(private, rsa.RSAPrivateKey):
        name: bytes
        digest: hashes.HashAlgorithm
        if flags & _RSA_SHA2_512:
            name, digest = b"rsa-sha2-512", hashes.SHA512()
        elif flags & _RSA_SHA2_256:
            name, digest = b"rsa-sha2-256", hashes.SHA256()
        else:
            name, digest = b"ssh-rsa", hashes.SHA1()  # noqa: S303  (what was asked for)
        return _string(name) + _string(private.sign(data, padding.PKCS1v15(), digest))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        curve = _CURVES[private.curve.name]
        sizes = {
            "nistp256": hashes.SHA256(),
            "nistp384": hashes.SHA384(),
            "nistp521": hashes.SHA512(),
        }
        signed = private.sign(data, ec.ECDSA(sizes[curve]))
        r, s = utils.decode_dss_signature(signed)
        return _string(f"ecdsa-sha2-{curve}".encode()) + _string(_number(r) + _number(s))
    return _string(b"ssh-ed25519") + _string(private.sign(data))


# --- https://www.rfc-editor.org/rfc/rfc4251#section-5 ------------------------


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _number(value: int) -> bytes:
    """Return a positive number; one more bit than it needs keeps its sign."""
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _take(content: bytes) -> tuple[bytes, bytes]:
    """Return the string at the beginning, and what is behind it."""
    length = int.from_bytes(content[:4], "big")
    if len(content) < 4 + length or len(content) < 4:
        raise _MalformedError
    return content[4 : 4 + length], content[4 + length :]
