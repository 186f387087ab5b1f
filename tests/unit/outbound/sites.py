"""Sites that say exactly the bytes they are told to, for the tests of outbound."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from buttress.outbound.sessions import Outgoing, Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Visit:
    """A request as a site sees it, and the way to answer it."""

    def __init__(
        self, head: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self.head = head
        self.body = body
        self.writer = writer

    async def say(self, *pieces: bytes) -> None:
        """Send each of `pieces` by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def until_gone(self) -> None:
        """Say nothing more until the client hangs up."""
        await self._reader.read(1)


Answer = Callable[[Visit], Awaitable[None]]


class Site:
    """What a site saw: its requests, and how many connections it has now and had in all."""

    def __init__(self) -> None:
        self.url = ""
        self.visits: list[Visit] = []
        self.connections = 0
        self.connected = 0


@asynccontextmanager
async def site(answer: Answer) -> AsyncIterator[Site]:
    """Have a site whose every request is answered by `answer`; a connection stays open until it is broken."""
    seen, writers = Site(), list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        seen.connected += 1
        writers.append(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                    length = int(head.lower().partition("content-length: ")[2].partition("\r")[0] or 0)
                    visit = Visit(head, await reader.readexactly(length), reader, writer)
                    seen.visits.append(visit)
                    await answer(visit)
        finally:
            seen.connections -= 1
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield seen
        for writer in writers:
            writer.transport.abort()
        await until(lambda: seen.connections == 0)


def saying(*pieces: bytes) -> Answer:
    """Return an answer that says `pieces`."""

    async def answer(visit: Visit) -> None:
        await visit.say(*pieces)

    return answer


def outgoing(url: str, body: bytes = b"{}", **headers: str) -> Outgoing:
    """Return a request to `url`."""
    return Outgoing(url=url, body=body, headers=headers, connect_timeout_s=2)


async def body_of(sessions: Sessions, url: str, body: bytes = b"{}") -> bytes:
    """Return the whole body of what `url` answers."""
    async with sessions.post(outgoing(url, body)) as response:
        return await response.whole(10_000_000)


def settings(connections: int = 256, keep_alive_s: float = 30.0) -> OutboundSettings:
    """Return settings with those limits."""
    return OutboundSettings(connections_per_origin=connections, keep_alive_s=keep_alive_s)
