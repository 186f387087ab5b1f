"""A model asked by its name, in whichever dialect its client speaks."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial

import msgspec

from buttress.app.buttress import Buttress
from buttress.gateway.relay import Relay, Wanted
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent
from buttress.models.dialects.folding import fold
from buttress.models.dialects.types import Body, Told, Writer
from buttress.models.types import Frame, Piece
from buttress.server.attending import attended
from buttress.server.bodies import Send, send_break, send_bytes
from buttress.server.caching import cache_headers, caching_of
from buttress.server.doors.clients import Client
from buttress.server.doors.money import budget_headers
from buttress.server.errors import status_of, trace_headers
from buttress.server.request import Request
from buttress.server.streaming import HEADERS

IGNORED_HEADER = b"x-buttress-ignored"
_FIGURES = tuple(
    (name, b"x-buttress-" + name.replace("_", "-").encode())
    for name in ("model", "attempts", "cost_nanodollars", "overhead_ms", "queued_ms", "provider_ms")
)


async def answer_model(wanted: Wanted, client: Client, buttress: Buttress, request: Request) -> None:
    """Answer what is wanted of a model or a ladder, whole or streamed.

    Raises:
        ButtressError: it was refused, or every model failed before it said anything.
        ConnectionResetError: the client went away.
    """
    body = wanted.body
    if body.model in buttress.catalogue.caches:
        wanted = msgspec.structs.replace(wanted, caching=caching_of(request.headers))
    budget = partial(budget_headers, buttress, wanted.principal, lambda: wanted.payer)
    answering = _Answering(buttress.relay(wanted), body, client, request.send, budget)
    if not body.is_stream:
        await attended(answering.send_whole(), request.attention)
        return
    try:
        await attended(answering.send_stream(), request.attention)
    except ButtressError as error:
        if not answering.has_begun:
            raise
        await answering.break_off(error)


def figure_headers(relay: Relay) -> list[tuple[bytes, bytes]]:
    """Return the figures of a call that ended as headers."""
    figures = relay.figures
    return [
        (header, b"unknown" if (told := figures[name]) is None else str(told).encode())
        for name, header in _FIGURES
    ]


class _Answering:
    """One answer on its way out."""

    def __init__(
        self,
        relay: Relay,
        body: Body,
        client: Client,
        send: Send,
        budget: Callable[[], list[tuple[bytes, bytes]]],
    ) -> None:
        self._relay = relay
        self._body = body
        self._client = client
        self._send = send
        self._budget = budget
        self._writer: Writer | None = None
        self.has_begun = False

    async def send_whole(self) -> None:
        """Send the answer in one piece: as the upstream wrote it, or in the client's dialect."""
        events: list[ModelEvent] = []
        data = b""
        async with aclosing(self._relay.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, Frame):
                    data = piece.data
                else:
                    events.append(piece)
        if not data:
            said = fold(events)
            data = self._client.whole(said, self._told(said.model), self._extra(), self._body)
        await send_bytes(self._send, data, extra=[*self._headers(), *figure_headers(self._relay)])

    async def send_stream(self) -> None:
        """Send the answer as it comes; the head goes out with its first piece."""
        async with aclosing(self._relay.pieces()) as pieces:
            await self._stream(pieces)
        await self._send({"type": "http.response.body", "body": b""})

    async def _stream(self, pieces: AsyncGenerator[Piece | Finished, None]) -> None:
        is_passed_on = False
        async for piece in pieces:
            if isinstance(piece, Frame):
                is_passed_on = True
                if piece.seen.is_usage_only and not self._body.wants_usage:
                    continue
                await self._put(piece.data)
            elif not is_passed_on:
                await self._put(self._written(piece))

    async def break_off(self, error: ButtressError) -> None:
        """End a stream that broke off, so that clients take it for broken."""
        writer = self._writer or self._new_writer()
        data = writer.fail(error, status_of(error))
        await send_break(self._send, data)

    def _written(self, piece: ModelEvent) -> bytes:
        if self._writer is None:
            self._writer = self._new_writer()
            return self._writer.begin() + self._writer.write(piece, self._extra_at(piece))
        return self._writer.write(piece, self._extra_at(piece))

    def _new_writer(self) -> Writer:
        return self._client.writer(self._told(self._body.model), self._body)

    async def _put(self, data: bytes) -> None:
        if not self.has_begun:
            self.has_begun = True
            headers = [*HEADERS, *self._headers()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _told(self, model: str) -> Told:
        # An answer that is given again is the same one, as where it stands in an upstream's own words.
        trace_id, made_at = self._relay.origin
        return Told(id=f"{self._client.prefix}{trace_id}", created=int(made_at.timestamp()), model=model)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        relay = self._relay
        told = [*trace_headers(relay.trace_id), *self._budget(), *cache_headers(relay.cache)]
        if ignored := () if relay.is_passed_on else self._client.ignored(self._body):
            told.append((IGNORED_HEADER, ", ".join(ignored).encode()))
        return told

    def _extra_at(self, piece: ModelEvent) -> dict[str, object] | None:
        return self._extra() if isinstance(piece, Finished) else None

    def _extra(self) -> dict[str, object]:
        relay = self._relay
        told = {"trace_id": relay.trace_id, **relay.figures}
        return {**told, "cache": relay.cache, "recalled": relay.recalled} if relay.cache else told
