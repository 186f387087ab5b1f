"""Small HTTP servers for the tests of sources: pages with validators, and a bucket."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import msgspec

from buttress.knowledge.ports import Source
from tests.unit.knowledge.sources.local import DOCUMENTS


class Asked(msgspec.Struct, frozen=True):
    """A request: path with query as it came, and headers in lower case."""

    target: str
    headers: dict[str, str]


class Answer(msgspec.Struct, frozen=True):
    """What is answered; the length is that of the body."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""


class Server:
    """Answers each request by `answer`, and remembers it. It can be closed before its time."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self.asked: list[Asked] = []
        self.url = ""

    async def open(self) -> None:
        """Listen on a port that the system chooses."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Answer no more; may be called twice."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            asked = Asked(first.split(" ")[1], headers)
            self.asked.append(asked)
            answer = self._answer(asked)
            head = [
                f"HTTP/1.1 {answer.status} X",
                *(f"{name}: {one}" for name, one in answer.headers.items()),
            ]
            said = "\r\n".join([*head, f"Content-Length: {len(answer.body)}", "", ""]).encode("latin-1")
            writer.write(said + answer.body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(answer: Callable[[Asked], Answer]) -> AsyncIterator[Server]:
    """Have a server for the block."""
    server = Server(answer)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


class Pages:
    """Pages by their paths; each has an ETag that is its hash, and is asked conditionally."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self.pages = dict(pages)

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        body = self.pages.get(unquote(asked.target).removeprefix("/"))
        if body is None:
            return Answer(404)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if asked.headers.get("if-none-match") == etag:
            return Answer(304, {"ETag": etag})
        return Answer(200, {"ETag": etag, "Content-Type": "text/plain"}, body)


class Shelf:
    """A bucket called `shelf`, two keys to a page of its list."""

    def __init__(self, objects: Mapping[str, bytes], per_page: int = 2) -> None:
        self.objects = dict(objects)
        self._per_page = per_page

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        parts = urlsplit(asked.target)
        if not parts.path.startswith("/shelf"):
            return error(404, "NoSuchBucket")
        if parts.path == "/shelf":
            return self._list({name: one[0] for name, one in parse_qs(parts.query).items()})
        body = self.objects.get(unquote(parts.path).removeprefix("/shelf/"))
        return error(404, "NoSuchKey") if body is None else Answer(200, {"ETag": etag_of(body)}, body)

    def _list(self, query: Mapping[str, str]) -> Answer:
        keys = [key for key in sorted(self.objects) if key.startswith(query.get("prefix", ""))]
        start = int(query.get("continuation-token", "0"))
        rest = keys[start + self._per_page :]
        token = f"<NextContinuationToken>{start + self._per_page}</NextContinuationToken>" if rest else ""
        rows = "".join(
            f"<Contents><Key>{quote(key, safe='/')}</Key><ETag>{escape(etag_of(self.objects[key]))}</ETag>"
            f"<Size>{len(self.objects[key])}</Size></Contents>"
            for key in keys[start : start + self._per_page]
        )
        return listed(f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{token}{rows}")


def listed(inner: str) -> Answer:
    """Return a page of a bucket's list that holds `inner`."""
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    text = f"<ListBucketResult xmlns='{space}'><EncodingType>url</EncodingType>{inner}</ListBucketResult>"
    return Answer(200, {"Content-Type": "application/xml"}, text.encode())


def error(status: int, code: str) -> Answer:
    """Return what a bucket answers when something is wrong."""
    return Answer(status, {}, f"<Error><Code>{code}</Code><Message>words</Message></Error>".encode())


def etag_of(data: bytes) -> str:
    """Return the ETag of an object."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


class ServerHolding:
    """What a server holds, under `prefix`; see `testing.contracts.source.Holding`."""

    def __init__(
        self, held: dict[str, bytes], source: Source, prefix: str, vanish: Callable[[], Awaitable[None]]
    ) -> None:
        self._held = held
        self._prefix = prefix
        self._vanish = vanish
        self.source = source
        self.documents: Mapping[str, bytes] = {prefix + path: data for path, data in DOCUMENTS.items()}

    async def put(self, path: str, data: bytes) -> None:
        """Hold a document anew."""
        self._held[self._key(path)] = data

    async def remove(self, path: str) -> None:
        """Hold a document no more."""
        del self._held[self._key(path)]

    async def vanish(self) -> None:
        """Take the server away."""
        await self._vanish()

    def _key(self, path: str) -> str:
        name = path.removeprefix(self._prefix)
        return next(key for key in self._held if key.endswith(name))
