"""Reading a request's body within bounds, and answers of one piece."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.models.patience import Patience
from buttress.server.errors import BodyEncoded, BodyTimeout, BodyTooLarge, headers_of, status_of

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


BROKEN = "buttress.broken"
"""Says of the last message of an answer that it broke off there; servers do not look at it."""

WHOLE = "whole"
"""Whether the body is there to its end: what the state of a request says then."""

NOT_KEPT = [(b"cache-control", b"no-store")]
"""With an answer that nobody on the way is to keep."""

DROPPED = 8
"""A body up to so many times too long is read and dropped: who still sends when we hang up sees no answer."""


async def read_body(scope: Message, receive: Receive, max_bytes: int, within_s: float) -> bytes:
    """Return the whole body of the request that `scope` describes.

    Raises:
        BodyEncoded: it is compressed; it is not read.
        BodyTooLarge: it is longer than `max_bytes`, or says that it will be.
        BodyTimeout: it was not whole after `within_s` seconds; the rest is not read.
        ConnectionResetError: the client went away in the middle of it.
    """
    headers = dict(_headers(scope))
    if (encoding := headers.get(b"content-encoding", b"identity")).lower() not in (b"", b"identity"):
        raise BodyEncoded(f"the body is encoded as {encoding[:40].decode('latin-1')!r}")
    # uvicorn's parser has refused a length that is no number, and two of them.
    announced = int(headers.get(b"content-length", 0))
    if announced > max_bytes * (1 if b"expect" in headers else DROPPED):
        raise _too_large(max_bytes)
    state = scope["state"]
    if isinstance(state, dict) and state.get(WHOLE):  # as of most: nobody waits
        return await _whole_body(receive, max_bytes)
    patience = Patience()
    try:
        return await patience.wait(_whole_body(receive, max_bytes), within_s)
    except TimeoutError:
        raise BodyTimeout(f"the body was not whole after {within_s:g} s") from None
    finally:
        patience.end()


async def _whole_body(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= max_bytes * DROPPED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away while sending")
        part = message.get("body", b"")
        assert isinstance(part, bytes)  # noqa: S101 - ASGI says so; for the type checker
        size += len(part)
        if size <= max_bytes:
            parts.append(part)
        more = bool(message.get("more_body"))
    if size > max_bytes:
        raise _too_large(max_bytes)
    return b"".join(parts)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is longer than {max_bytes:,} bytes")


def _headers(scope: Message) -> list[tuple[bytes, bytes]]:
    headers = scope["headers"]
    assert isinstance(headers, list)  # noqa: S101 - ASGI says so; for the type checker
    return headers


async def send_json(
    send: Send, value: object, status: int = 200, extra: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send `value` as the whole answer, with `extra` headers."""
    await send_bytes(send, msgspec.json.encode(value), status=status, extra=extra)


async def send_bytes(
    send: Send,
    body: bytes,
    content_type: bytes = b"application/json",
    *,
    status: int = 200,
    extra: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send `body` as the whole answer, with `extra` headers."""
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_break(send: Send, body: bytes) -> None:
    """End an answer that broke off, with `body` that says so."""
    await send({"type": "http.response.body", "body": body, BROKEN: True})


def error_body(error: ButtressError) -> bytes:
    """Return `error` as it is sent, whole or in a stream."""
    return msgspec.json.encode({"error": error.as_dict()})


async def send_error(
    send: Send, error: ButtressError, said: Callable[[ButtressError], bytes] = error_body
) -> None:
    """Send `error` as the whole answer, `said` as its clients read it."""
    await send_bytes(send, said(error), status=status_of(error), extra=headers_of(error))
