"""One connection of a client: HTTP/1.1 by uvicorn's parser, with bounds and a way out of our own."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import unquote

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from buttress.kernel.errors import ButtressError
from buttress.server.bells import Bell
from buttress.server.bodies import WHOLE, error_body
from buttress.server.errors import HeadTimeout, HeadTooLarge, NoHttp, status_of
from buttress.settings.tree import ServerSettings

GONE = "gone"
"""Where the state of a request has the bell that rings when its client hangs up."""

MAX_HEAD_BYTES = 65_536
"""From how many bytes on a request line with its headers is refused; without a bound they fill the memory."""

MAX_UNSENT_BYTES = 65_536
"""From how many bytes on what is said without a pause is written, so that a slow client makes it pause."""


class Cycle(RequestResponseCycle):
    """A request and its answer, in few writes: each is dear, and wakes who waits for it.

    The head goes out with the first of the body, at once; what is said after that without a pause, together.
    """

    _unsent: list[bytes]
    _unsent_bytes = 0
    _is_in_burst = False

    @override
    async def send(self, message: Mapping[str, object]) -> None:
        """Send a piece of the answer, as ASGI has it; slowly, to a client that reads slowly."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_complete:
            raise RuntimeError(f"{message['type']} after the end of the answer")
        if self.response_started:
            self._put(cast("bytes", message.get("body", b"")), is_last=not message.get("more_body", False))
        else:
            self._begin(message)

    def _begin(self, message: Mapping[str, object]) -> None:
        status = cast("int", message["status"])
        headers = cast("Sequence[tuple[bytes, bytes]]", message["headers"])
        named = dict(headers)
        has_body = self.scope["method"] != "HEAD" and status not in (204, 304)
        self.expected_content_length = int(named.get(b"content-length", 0))
        self.chunked_encoding = has_body and b"content-length" not in named
        if self.chunked_encoding:
            headers = [*headers, (b"transfer-encoding", b"chunked")]
        if named.get(b"connection") == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            headers = [*headers, (b"connection", b"close")]
        self._unsent = [_head(status, headers)]
        self.response_started, self.waiting_for_100_continue = True, False

    def _put(self, body: bytes, *, is_last: bool) -> None:
        if self.scope["method"] == "HEAD":
            data, self.expected_content_length = b"", 0
        elif self.chunked_encoding:
            data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            data += b"0\r\n\r\n" if is_last else b""
        else:
            data = body
            self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (is_last and self.expected_content_length):
            raise RuntimeError("the answer is not as long as its head says")
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if is_last:
            self._flush()
            self._end()
        elif not self._is_in_burst:
            self._flush()
            self._is_in_burst = True
            asyncio.get_running_loop().call_soon(self._end_burst)
        elif self._unsent_bytes > MAX_UNSENT_BYTES:
            self._flush()

    def _end_burst(self) -> None:
        self._is_in_burst = False
        if not self.transport.is_closing():
            self._flush()

    def _flush(self) -> None:
        if self._unsent:
            self.transport.writelines(self._unsent)
            self._unsent, self._unsent_bytes = [], 0

    def _end(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def _head(status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the head of an answer; no value may hold a line break, or it could say what it likes."""
    lines = [STATUS_LINE[status], *[b"%b: %b\r\n" % header for header in headers]]
    head = b"".join(lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
        raise RuntimeError("a header that no answer can carry")
    return head + b"\r\n"


class Connection(HttpToolsProtocol):
    """One connection of uvicorn, with bounds and answers of ours for what never becomes a request."""

    head_timeout_s = 10.0
    send_timeout_s = 60.0
    _in_head = True
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _idle_since: float | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._gone = Bell()
        self._wait_for_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        self._stop_waiting()
        self._is_read()
        super().connection_lost(exc)
        self._gone.ring()

    @override
    def pause_writing(self) -> None:
        """Give a client time that does not read its answer; else it keeps a model busy for ever."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.send_timeout_s, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._is_read()
        super().resume_writing()

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what came in; refuse a request whose head does not end."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._timer is None:  # most heads come whole, and need no timer
                self._wait_for_head()
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadTooLarge(f"the headers of the request are longer than {MAX_HEAD_BYTES:,} bytes"))

    @override
    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()
        self.scope["state"][GONE] = self._gone

    @override
    def on_headers_complete(self) -> None:
        """Begin to answer a request whose head is whole; after the one before it on this connection."""
        self._in_head, self._head_bytes = False, 0
        self._stop_waiting()
        self._complete_scope()
        is_busy = self._is_answering
        self.cycle = self._new_cycle()
        if is_busy:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._start_asgi_task(self.cycle, self.app)

    def _complete_scope(self) -> None:
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["http_version"] = self.parser.get_http_version()
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""

    def _new_cycle(self) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    @override
    def on_message_complete(self) -> None:
        """Note that a request's body is whole."""
        self.scope["state"][WHOLE] = True
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """Begin with the next request, or wait for one: by a timer that is set anew only when it rings."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_for_next(self.timeout_keep_alive)

    @override
    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _wait_for_next(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    @override
    def timeout_keep_alive_handler(self) -> None:
        """Hang up where nothing was asked for so long."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._wait_for_next(left_s)
        elif not self.transport.is_closing():
            self.transport.close()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the shape of every other error."""
        self._refuse(NoHttp("what came in is not an HTTP request"))

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(self.head_timeout_s, self._head_is_late)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _is_read(self) -> None:
        if self._unread:
            self._unread.cancel()
        self._unread = None

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _head_is_late(self) -> None:
        if self._is_answering:  # the request before it, on the same connection
            self._wait_for_head()
        elif not self.transport.is_closing():
            self._refuse(HeadTimeout(f"the headers were not whole after {self.head_timeout_s:g} s"))

    def _refuse(self, error: ButtressError) -> None:
        body = error_body(error)
        told = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        self.transport.write(_head(status_of(error), [*told, (b"connection", b"close")]) + body)
        self.transport.close()


def connection_class(settings: ServerSettings) -> type[Connection]:
    """Return the class of connections with those limits; uvicorn makes them by itself."""

    class Limited(Connection):
        head_timeout_s = settings.head_timeout_s
        send_timeout_s = settings.send_timeout_s

    return Limited
