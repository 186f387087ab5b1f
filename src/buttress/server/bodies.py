"""Reading a request's body within bounds, and answers of one piece."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.server.errors import BodyTimeout, BodyTooLarge, headers_of, status_of

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def read_body(scope: Message, receive: Receive, max_bytes: int, within_s: float) -> bytes:
    """Return the whole body of the request that `scope` describes.

    Raises:
        BodyTooLarge: it is longer than `max_bytes`, or says that it will be; the rest is not read.
        BodyTimeout: it was not whole after `within_s` seconds; the rest is not read.
        ConnectionResetError: the client went away in the middle of it.
    """
    if (announced := _announced_bytes(scope)) > max_bytes:
        raise BodyTooLarge(f"the body has {announced:,} bytes, {max_bytes:,} are taken")
    try:
        async with asyncio.timeout(within_s):
            return await _whole_body(receive, max_bytes)
    except TimeoutError:
        raise BodyTimeout(f"the body was not whole after {within_s:g} s") from None


async def _whole_body(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away while sending")
        part = message.get("body", b"")
        assert isinstance(part, bytes)  # noqa: S101 - ASGI says so; for the type checker
        size += len(part)
        if size > max_bytes:
            raise BodyTooLarge(f"the body is longer than {max_bytes:,} bytes")
        parts.append(part)
        more = bool(message.get("more_body"))
    return b"".join(parts)


def _announced_bytes(scope: Message) -> int:
    headers = scope["headers"]
    assert isinstance(headers, list)  # noqa: S101 - ASGI says so; for the type checker
    # uvicorn's parser has refused what is no number, and two numbers.
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


async def send_json(
    send: Send, value: object, status: int = 200, extra: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send `value` as the whole answer, with `extra` headers."""
    body = msgspec.json.encode(value)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_bytes(send: Send, body: bytes, content_type: bytes) -> None:
    """Send `body` as the whole answer."""
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: ButtressError) -> None:
    """Send `error` as the whole answer."""
    await send_json(send, {"error": error.as_dict()}, status_of(error), headers_of(error))


def error_body(error: ButtressError) -> bytes:
    """Return `error` as it is sent, whole or in a stream."""
    return msgspec.json.encode({"error": error.as_dict()})
