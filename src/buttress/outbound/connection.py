"""One connection to an upstream, HTTP/1.1: a request out, an answer in, and again."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools
from typing_extensions import override

from buttress.outbound.faults import BrokenOff, NotHttp
from buttress.outbound.response import Response

MAX_HEAD_BYTES = 65_536
TAIL_S = 0.05
"""How long the end of a body may come after the last that was wanted, for the connection to be kept."""


class Connection(asyncio.Protocol):
    """Asks one thing at a time; whoever asks owns it until `release`.

    `on_free` is called when it may be used again, `on_lost` once when it is gone.
    """

    def __init__(
        self, on_free: Callable[["Connection"], None], on_lost: Callable[["Connection"], None]
    ) -> None:
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._response: Response | None = None
        self._head: asyncio.Future[Response] | None = None
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._is_released = True
        self._is_last = False
        self._may_be_kept = False
        self._answered = 0
        self._tail: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def went_stale(self) -> bool:
        """Whether it was kept from an earlier answer, and broke before a byte of this one came.

        Mostly the upstream closed it for its age in the moment it was asked: nobody has read the request.
        """
        return self._answered > 0 and not self._head_bytes

    async def ask(self, request: bytes, *, is_last: bool = False) -> Response:
        """Send `request`, a whole one; return the answer when its head is there.

        After the `is_last` one it is not kept: the upstream was told so.

        Raises:
            BrokenOff: the connection broke before.
            NotHttp: what came is no head.
        """
        assert self._transport is not None  # noqa: S101 - for the type checker: it is made by a loop
        self._is_released, self._is_last = False, is_last
        self._response = None
        self._headers, self._head_bytes = {}, 0
        self._head = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._head

    def release(self, *, is_rest_unwanted: bool = False) -> None:
        """Give it back. It is kept when the answer was read to its end; else it is closed at once.

        `is_rest_unwanted` lets what is still to come pass by for a moment, so that it can be kept.
        """
        self._is_released = True
        if self._response and self._response.is_whole:
            self._keep_or_close()
        elif is_rest_unwanted and self.is_open:
            self._tail = asyncio.get_running_loop().call_later(TAIL_S, self.close)
        else:
            self.close()

    def close(self) -> None:
        """Close it now, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def _keep_or_close(self) -> None:
        if self._tail:
            self._tail.cancel()
            self._tail = None
        if self.is_open and self._may_be_kept:
            self._response = None
            self._answered += 1
            self._on_free(self)
        else:
            self.close()

    # What the transport tells.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what came in."""
        if self._head is None and self._response is None:
            self.close()  # nobody asked
            return
        self._head_bytes += len(data) if self._head is not None else 0
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(NotHttp(str(error) or "no HTTP"))
            self.close()
        if self._head is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._fail(NotHttp(f"a head of more than {MAX_HEAD_BYTES:,} bytes"))
            self.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Say so to whoever waits; a body without a length ends here, as it should."""
        has_no_length = not ({"content-length", "transfer-encoding"} & self._headers.keys())
        if exc is None and self._response and has_no_length:
            self._response.end()
        self._fail(BrokenOff(str(exc) if exc else "the connection was closed"))
        if self._tail:
            self._tail.cancel()
        self._on_lost(self)

    def _fail(self, fault: Exception) -> None:
        if self._head is not None and not self._head.done():
            self._head.set_exception(fault)
        elif self._response and not self._response.is_whole:
            self._response.fail(fault)
        self._head = None

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Note that an answer begins; one that nobody asked for spoils the connection."""
        if self._head is None:
            self._may_be_kept = False
            if self._is_released:
                self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; those after the body say nothing that we need."""
        if self._response is None:
            self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Hand the head out."""
        status = self._parser.get_status_code()
        if status < 200 or self._head is None:
            return
        assert self._transport is not None  # noqa: S101 - for the type checker: it is made by a loop
        self._may_be_kept = self._parser.should_keep_alive() and not self._is_last
        try:
            self._response = Response(status, self._headers, self._transport)
        except NotHttp as fault:
            self._fail(fault)
            self.close()
            return
        if not self._head.done():
            self._head.set_result(self._response)
        self._head = None

    def on_body(self, data: bytes) -> None:
        """Hand a piece of the body out."""
        if self._response and not self._response.is_whole and not self._is_released:
            self._response.feed(data)

    def on_message_complete(self) -> None:
        """Note that the answer is whole; an interim one (1xx) is followed by the real one."""
        if self._response is None:
            self._headers = {}
            return
        self._response.end()
        if self._is_released:
            self._keep_or_close()
