"""TLS with registries that an engine takes as insecure: any certificate will do."""

from __future__ import annotations

import socket
import ssl

_TIMEOUT = 10


def context_for(certificate: str | None) -> ssl.SSLContext:
    """What connections to a registry trust.

    Args:
        certificate: the one that the registry showed, whoever it is for and from; `None` for
            those of the system's authorities.
    """
    context = ssl.create_default_context(cadata=certificate)
    if certificate is not None:
        context.check_hostname = False
        # It is its own authority, even if another one made it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


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
    except (OSError, ValueError, OverflowError):
        # An `SSLError` is an `OSError`: it is the answer of a server that speaks plain HTTP. Of
        # an address that is none, the request tells.
        return None
    return None if shown is None else ssl.DER_cert_to_PEM_cert(shown)
