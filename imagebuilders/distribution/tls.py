"""TLS with a registry: whom to trust, and which certificate to show.

By default the system's authorities count. Docker keeps those of single registries in
`/etc/docker/certs.d/<registry>/`: https://docs.docker.com/engine/security/certificates/
"""

from __future__ import annotations

import ssl
from pathlib import Path

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.lazy_dataclass import dataclass

DOCKER_CERTS_FOLDER = Path("/etc/docker/certs.d")


@dataclass(frozen=True)
class TLSFiles:
    """The files by which a registry is trusted and trusts us, all PEM.

    Attributes:
        authorities: certificates that are trusted beside the system's.
        client_certificates: certificates to show, each with its key.
    """

    authorities: tuple[Path, ...] = ()
    client_certificates: tuple[tuple[Path, Path], ...] = ()

    @classmethod
    def find(cls, registry: str, folder: Path = DOCKER_CERTS_FOLDER) -> TLSFiles:
        """Find a registry's files as a Docker Engine does: `*.crt`, and `*.cert` with `*.key`.

        Args:
            registry: the registry's domain, with its port.
            folder: where each registry has a folder of its own.

        Raises:
            ConfigurationError: a certificate has no key or a key no certificate, or the folder
                cannot be read.
        """
        place = folder / registry
        try:
            names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
        except OSError as error:
            raise ConfigurationError(
                f"{place} cannot be read: {error.strerror}.", file=str(place)
            ) from error
        certificates = [name for name in names if name.endswith(".cert")]
        keys = [name for name in names if name.endswith(".key")]
        for name, partners, other in (
            *((name, keys, f"{Path(name).stem}.key") for name in certificates),
            *((name, certificates, f"{Path(name).stem}.cert") for name in keys),
        ):
            if other not in partners:
                raise ConfigurationError(
                    f"{place / name} needs {other} beside it.", file=str(place / name)
                )
        return cls(
            authorities=tuple(place / name for name in names if name.endswith(".crt")),
            client_certificates=tuple(
                (place / name, place / f"{Path(name).stem}.key") for name in certificates
            ),
        )

    def client_context(self) -> ssl.SSLContext:
        """Make the context for connections.

        Raises:
            ConfigurationError: a file is missing, or not what it should be; it is named.
        """
        context = ssl.create_default_context()
        for authority in self.authorities:
            _check_readable(authority)
            try:
                context.load_verify_locations(cafile=authority)
            except (ssl.SSLError, OSError) as error:
                raise ConfigurationError(
                    f"{authority} does not have certificates in PEM form.", file=str(authority)
                ) from error
        for certificate, key in self.client_certificates:
            _check_readable(certificate)
            _check_readable(key)
            try:
                # Without an answer, OpenSSL would ask for the password at the terminal.
                context.load_cert_chain(certificate, key, password="")
            except (ssl.SSLError, OSError) as error:
                raise ConfigurationError(
                    f"{certificate} and {key} are not a certificate and its key in PEM form, "
                    "or the key has a password.",
                    file=str(certificate),
                ) from error
        return context


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"The TLS file {path} cannot be read: {error.strerror}.", file=str(path)
        ) from error
