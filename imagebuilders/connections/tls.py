"""TLS to a daemon: the files of its CA and of the client's certificate."""

from __future__ import annotations

import ssl
from pathlib import Path

from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import (
    ConfigurationError,
    ControlFileError,
    ControlFileNotFoundError,
)
from imagebuilders.lazy_dataclass import dataclass

CA_FILE = "ca.pem"
CERTIFICATE_FILE = "cert.pem"
KEY_FILE = "key.pem"


@dataclass(frozen=True)
class TLSFiles:
    """The files that TLS to a daemon needs; every one that is named must be there.

    `verify` is whether the daemon's certificate is checked: by `ca`, or without one by the
    system's own authorities. `server_name` is whom it is to be for, if not the host that is
    connected to.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True
    server_name: str | None = None

    @classmethod
    def in_directory(cls, directory: Path, *, verify: bool) -> TLSFiles:
        """Return those of `ca.pem`, `cert.pem` and `key.pem` that a folder holds.

        A link that leads nowhere, and one that the user may not see, count as held, so that
        they are missed when they are used.
        """

        def present(name: str) -> Path | None:
            path = directory / name
            try:
                path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError:
                pass  # it may be there; reading it says what is wrong
            return path

        return cls(present(CA_FILE), present(CERTIFICATE_FILE), present(KEY_FILE), verify)

    def client_context(self) -> ssl.SSLContext:
        """Read the files.

        Raises:
            ConfigurationError: one is missing or cannot be used; it is named.
        """
        context = ssl.create_default_context()
        # Certificates that Go takes, and that Docker's own guide makes, lack what the strict
        # reading of RFC 5280 asks for, which newer Pythons turn on.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca is not None:
            context = _trusting(self.ca)
        if self.certificate is not None or self.key is not None:
            self._load_certificate(context)
        return context

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        if self.certificate is None or self.key is None:
            there, absent = (
                (self.key, CERTIFICATE_FILE)
                if self.certificate is None
                else (self.certificate, KEY_FILE)
            )
            assert there is not None
            raise ConfigurationError(
                f"{there} needs {there.with_name(absent)} beside it, which is missing",
                file=str(there.with_name(absent)),
            )
        for path in (self.certificate, self.key):
            _check_readable(path)
        try:
            # Without a password, OpenSSL would ask for that of a key on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (ssl.SSLError, _EncryptedKeyError, ValueError) as error:
            reason = str(error) if isinstance(error, _EncryptedKeyError) else _reason(error)
            raise ConfigurationError(
                f"the certificate {self.certificate} with the key {self.key} cannot be used: "
                f"{reason}",
                file=str(self.certificate),
            ) from None


class _EncryptedKeyError(Exception):
    pass


def _no_password() -> str:
    raise _EncryptedKeyError("the key is encrypted, which is not supported")


def _trusting(ca: Path) -> ssl.SSLContext:
    """Return a context that trusts the authorities of a file, and no others."""
    _check_readable(ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=ca)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"{ca} holds no certificate that can be used: {_reason(error)}", file=str(ca)
        ) from None
    return context


def _check_readable(path: Path) -> None:
    """See whether a file can be read: OpenSSL would wait for a pipe, and read without a bound."""
    try:
        read_control_file(path)
    except ControlFileError as error:
        missing = isinstance(error, ControlFileNotFoundError)
        reason = "no such file or directory" if missing else error.reason
        raise ConfigurationError(
            f"the TLS file {path} cannot be read: {reason}", file=str(path)
        ) from error


def _reason(error: BaseException) -> str:
    text = getattr(error, "reason", None)
    return str(text).lower().replace("_", " ") if text else str(error)
