"""An answer as server-sent events. Whoever hangs up cancels the work."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from buttress.gateway.types import Event
from buttress.kernel.errors import ButtressError
from buttress.server.attending import attended
from buttress.server.bodies import Receive, Send, error_body

HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


async def stream_events(
    events: AsyncGenerator[Event, None], receive: Receive, send: Send, draining: asyncio.Event
) -> None:
    """Send each event as it comes; one that fails after the answer began ends with an error event.

    The first event says only that there is a call. It is sent with the second one: until then the question
    may be refused, and a refusal keeps its status.

    Raises:
        ButtressError: the call failed before its second event; nothing was sent.
        ConnectionResetError: the client went away.
    """
    answer = _EventStream(send)
    try:
        await attended(answer.send_all(events), receive, draining)
    except ButtressError as error:
        if not answer.began:
            raise
        await answer.end_with(error)


class _EventStream:
    """The response under way."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.began = False

    async def send_all(self, events: AsyncGenerator[Event, None]) -> None:
        async with aclosing(events):
            first = [await anext(events), await anext(events)]
            await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            self.began = True
            for event in first:
                await self._event(event)
            async for event in events:
                await self._event(event)
        await self._send({"type": "http.response.body", "body": b""})

    async def end_with(self, error: ButtressError) -> None:
        body = b"event: error\ndata: %b\n\n" % error_body(error)
        await self._send({"type": "http.response.body", "body": body})

    async def _event(self, event: Event) -> None:
        name = str(type(event).__struct_config__.tag)
        body = b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(event))
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
