"""`Secrets`: build secrets, which steps mount and the client keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagebuilders.build_options.secret_sources import MAX_SECRET_BYTES
from imagebuilders.buildkit.proto.session_pb2 import GetSecretRequest, GetSecretResponse
from imagebuilders.buildkit.session.unary import UnaryMethod, unary
from imagebuilders.buildkit.transport.call import Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus


def _forget(_value: bytes) -> None:
    """Nobody wants to know."""


class Secrets:
    """Serves secrets by their IDs."""

    def __init__(
        self,
        sources: Mapping[str, Callable[[], bytes]],
        handed_out: Callable[[bytes], None] = _forget,
    ) -> None:
        """Make the service.

        Args:
            sources: for each ID what reads the secret; it is asked when the daemon asks.
            handed_out: told each value that leaves.
        """
        self._sources = dict(sources)
        self._handed_out = handed_out

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        get = UnaryMethod(GetSecretRequest.FromString, self._get)
        return {"/moby.buildkit.secrets.v1.Secrets/GetSecret": unary(get)}

    def _get(self, request: GetSecretRequest) -> GetSecretResponse:
        source = self._sources.get(request.ID)
        if source is None:
            # Not that there is no such service: an optional secret is simply absent.
            raise CallError(RpcStatus(Code.NOT_FOUND, f"secret {request.ID}: not found"))
        try:
            value = source()
        except Exception as error:
            # The words of the error may quote the secret; they go no further than its kind. Nor
            # does the error itself go anywhere as a cause.
            reason = f": {error.strerror}" if isinstance(error, OSError) else ""
            raise CallError(
                RpcStatus(
                    Code.UNKNOWN,
                    f"the secret {request.ID} cannot be read by the client: "
                    f"{type(error).__name__}{reason}",
                )
            ) from None
        if len(value) > MAX_SECRET_BYTES:
            raise CallError(
                RpcStatus(
                    Code.RESOURCE_EXHAUSTED,
                    f"the secret {request.ID} has more than the {MAX_SECRET_BYTES} bytes that are "
                    "allowed",
                )
            )
        self._handed_out(value)
        return GetSecretResponse(data=value)
