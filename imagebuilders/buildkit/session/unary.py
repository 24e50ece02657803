"""Services whose methods take one message and return one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.lazy_dataclass import dataclass

RequestT = TypeVar("RequestT", bound=Message)


@dataclass(frozen=True)
class UnaryMethod(Generic[RequestT]):
    """How a request is read, and what answers it."""

    parse: Callable[[bytes], RequestT]
    answer: Callable[[RequestT], Message]


def unary(method: UnaryMethod[RequestT]) -> Handler:
    """Return a handler for a method. What `answer` raises as `CallError` ends the call."""

    def serve(call: Call) -> None:
        message = call.receive()
        if message is None:
            raise CallError(RpcStatus(Code.INVALID_ARGUMENT, "the call has no message"))
        try:
            request = method.parse(message)
        except DecodeError as error:
            raise CallError(
                RpcStatus(Code.INVALID_ARGUMENT, "the message cannot be read")
            ) from error
        call.send(method.answer(request).SerializeToString())

    return serve
