"""TLS with registries that an engine takes as insecure: any certificate will do."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import requests.adapters

_TIMEOUT = 10


class AnyCertificate(requests.adapters.HTTPAdapter):
    """Takes the one certificate that a registry showed, whoever it is for and from."""

    def __init__(self, certificate: str) -> None:
        self._context = ssl.create_default_context(cadata=certificate)
        self._context.check_hostname = False
        # It is its own authority, even if another one made it.
        self._context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Use that certificate for every connection."""
        super().init_poolmanager(
            *arguments, **options, ssl_context=self._context, assert_hostname=False
        )


def certificate_of(domain: str) -> str | None:
    """The certificate of a registry, `None` when it does not speak TLS.

    Args:
        domain: host and port.
    """
    host, _, port = domain.rpartition(":")
    if not host:
        host, port = domain, "443"
    # Not by `ssl.get_server_certificate`: that which gevent puts in its place takes no timeout.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=_TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError:
        # An `SSLError` is an `OSError`: it is the answer of a server that speaks plain HTTP.
        return None
    return None if shown is None else ssl.DER_cert_to_PEM_cert(shown)
