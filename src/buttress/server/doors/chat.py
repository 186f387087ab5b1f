"""`POST /v1/chat/completions`: a feature asked by any client of OpenAI's chat format."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from buttress.gateway.answer import collect
from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.errors import ButtressError
from buttress.server.attending import attended
from buttress.server.bodies import Header, Receive, Send, send_json
from buttress.server.doors.chat_wire import ChatRequest, Writer, error_of
from buttress.server.errors import status_of
from buttress.server.streaming import Outgoing

TRACE_HEADER = b"x-buttress-trace-id"


class ChatDoor:
    """Answers one request; `ignored` names the fields of it that the feature decides itself."""

    def __init__(self, receive: Receive, send: Send, draining: asyncio.Event) -> None:
        self._receive = receive
        self._send = send
        self._draining = draining

    async def whole(self, events: AsyncGenerator[Event, None], writer: Writer, headers: list[Header]) -> None:
        """Send the answer as one JSON object.

        Raises:
            ButtressError: the call failed. ConnectionResetError: the client went away.
        """
        ended = await attended(collect(events), self._receive, self._draining)
        await send_json(
            self._send, writer.whole(ended.answer), headers=[*headers, *_headers_of(ended.answer)]
        )

    async def streamed(
        self, events: AsyncGenerator[Event, None], writer: Writer, headers: list[Header]
    ) -> None:
        """Send the answer chunk by chunk; one that fails after it began ends with an error, without [DONE].

        Raises:
            ButtressError: the call failed before it said anything. ConnectionResetError: the client went away.
        """
        outgoing = Outgoing(self._send, headers)
        try:
            await attended(_send_all(events, writer, outgoing), self._receive, self._draining)
        except ButtressError as error:
            if not outgoing.began:
                raise
            await outgoing.end(_error_event(error))


async def _send_all(events: AsyncGenerator[Event, None], writer: Writer, outgoing: Outgoing) -> None:
    """Send each event; the headers leave with the second one: until then the question may be refused."""
    async with aclosing(events):
        began = await anext(events)
        async for event in events:
            if not outgoing.began and isinstance(began, Began):
                await outgoing.begin([(TRACE_HEADER, began.trace_id.encode())])
                await outgoing.send(writer.began(began.trace_id))
            if isinstance(event, Text):
                await outgoing.send(writer.text(event.text))
            elif isinstance(event, Ended):
                for chunk in writer.ended(event.answer):
                    await outgoing.send(chunk)
    await outgoing.end()
