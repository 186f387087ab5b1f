"""An answer as server-sent events. Whoever hangs up cancels the work."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

import msgspec

from buttress.gateway.types import Began, Event
from buttress.kernel.errors import ButtressError
from buttress.server.attending import Attention, attended
from buttress.server.bodies import NOT_KEPT, Send, error_body, send_break
from buttress.server.caching import cache_headers
from buttress.server.errors import trace_headers

HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), *NOT_KEPT]

Encode = Callable[[Event], Iterable[bytes]]
"""What goes out for an event: mostly one server-sent event, in the client's format, or nothing."""

EncodeError = Callable[[ButtressError], bytes]


async def stream_events(
    events: AsyncGenerator[Event, None],
    send: Send,
    attention: Attention,
    extra: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send each event in our own format, with `extra` headers; raises as `stream_answer`."""
    await stream_answer(events, Wire(_own, _own_error, extra), send, attention)


class Wire(msgspec.Struct, frozen=True):
    """How a client's format puts events and an error that cuts the answer; `extra` are headers."""

    encode: Encode
    encode_error: EncodeError
    extra: Sequence[tuple[bytes, bytes]] = ()


async def stream_answer(
    events: AsyncGenerator[Event, None], wire: Wire, send: Send, attention: Attention
) -> None:
    """Send each event as it comes; one that fails after the answer began ends with an error event.

    The first event says only that the call was let in. It is sent with the second one: until then the call
    may fail, and an error keeps its status.

    Raises:
        ButtressError: the call failed before its second event; nothing was sent.
        ConnectionResetError: the client went away.
    """
    answer = _EventStream(send, wire)
    try:
        await attended(answer.send_all(events), attention)
    except ButtressError as error:
        if not answer.began:
            raise
        await answer.end_with(error)


class _EventStream:
    """The response under way."""

    def __init__(self, send: Send, wire: Wire) -> None:
        self._send = send
        self._wire = wire
        self.began = False

    async def send_all(self, events: AsyncGenerator[Event, None]) -> None:
        async with aclosing(events):
            first = [await anext(events), await anext(events)]
            await self._begin(first[0])
            for event in first:
                await self._event(event)
            async for event in events:
                await self._event(event)
        await self._send({"type": "http.response.body", "body": b""})

    async def end_with(self, error: ButtressError) -> None:
        await send_break(self._send, self._wire.encode_error(error))

    async def _begin(self, event: Event) -> None:
        headers = [*HEADERS, *self._wire.extra]
        if isinstance(event, Began):
            headers += [*trace_headers(event.trace_id), *cache_headers(event.cache)]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        self.began = True

    async def _event(self, event: Event) -> None:
        for body in self._wire.encode(event):
            await self._send({"type": "http.response.body", "body": body, "more_body": True})


def _own(event: Event) -> Iterable[bytes]:
    name = str(type(event).__struct_config__.tag)
    yield b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(event))


def _own_error(error: ButtressError) -> bytes:
    return b"event: error\ndata: %b\n\n" % error_body(error)
