"""An answer on its way in: its head, and a body of unknown length held in bounds."""

import asyncio
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from buttress.outbound.faults import NotHttp

HIGH_WATER_BYTES = 262_144
"""From how many unread bytes on the upstream is made to wait."""

MAX_UNPACKED_BYTES = 16_777_216
"""To how many bytes what comes in at once may unpack: a little can become a thousand times as much."""


class Flow(Protocol):
    """What a transport can do to slow an upstream down."""

    def pause_reading(self) -> None: ...  # noqa: D102 - the standard library's
    def resume_reading(self) -> None: ...  # noqa: D102 - the standard library's


class Response:
    """An answer whose head is there; its body is read piece by piece.

    `headers` have lower-case names; of a header that came twice the first counts.
    """

    def __init__(self, status: int, headers: Mapping[str, str], flow: Flow) -> None:
        self.status = status
        self.headers = headers
        self.is_whole = False
        self._flow = flow
        self._packing = _packing(headers.get("content-encoding", "identity"))
        self._is_begun = False
        self._pieces: deque[bytes] = deque()
        self._unread_bytes = 0
        self._is_paused = False
        self._fault: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def content_type(self) -> str:
        """The kind of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def some(self) -> bytes:
        """Return what came in since the last time, waiting for more if need be; nothing at the end.

        Raises:
            BrokenOff: the connection broke.
            NotHttp: what came is not what the head says.
        """
        while not self._pieces:
            if self._fault:
                raise self._fault
            if self.is_whole:
                return b""
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        data = self._pieces.popleft() if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._unread_bytes = 0
        if self._is_paused:
            self._is_paused = False
            self._flow.resume_reading()
        return data

    async def whole(self, max_bytes: int) -> bytes:
        """Return the body, no more than `max_bytes` of it; raises as `some`."""
        body = await self.some()
        if self.is_whole and not self._pieces and not self._fault:
            return body[:max_bytes]
        pieces, size = [body], len(body)
        while size < max_bytes and (more := await self.some()):
            pieces.append(more)
            size += len(more)
        return b"".join(pieces)[:max_bytes]

    def feed(self, data: bytes) -> None:
        """Take a piece of the body from the connection."""
        self._is_begun = True
        try:
            data = self._unpacked(data)
        except zlib.error as error:
            self.fail(NotHttp(f"the body is not compressed as its head says: {error}"))
            return
        if not data:
            return
        self._pieces.append(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > HIGH_WATER_BYTES and not self._is_paused:
            self._is_paused = True
            self._flow.pause_reading()
        self._wake()

    def end(self) -> None:
        """Note that no more of the body will come; one that is packed may be cut short all the same."""
        self.is_whole = True
        if self._packing and self._is_begun and not self._packing.eof:
            self._fault = self._fault or NotHttp("the body is compressed, and its end is missing")
        self._wake()

    def fail(self, fault: Exception) -> None:
        """Note that no more will come; what came is read first."""
        self._fault = self._fault or fault
        self._wake()

    def _unpacked(self, data: bytes) -> bytes:
        if self._packing is None:
            return data
        unpacked = self._packing.decompress(data, MAX_UNPACKED_BYTES)
        if len(unpacked) == MAX_UNPACKED_BYTES:
            raise zlib.error(f"it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes at once")
        return unpacked

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting and not waiting.done():
            waiting.set_result(None)


def _packing(encoding: str) -> "zlib._Decompress | None":
    """Return what unpacks a body, None where nothing does; we ask for none that is packed, not all listen.

    Raises:
        NotHttp: packed in a way that we did not ask for and cannot unpack.
    """
    match encoding.strip().lower():
        case "identity" | "":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(zlib.MAX_WBITS | 32)
        case other:
            raise NotHttp(f"the body is packed as {other[:40]!r}")
