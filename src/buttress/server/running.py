"""uvicorn on a port that several workers share, and an ordered end of running answers."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from types import FrameType
from typing import cast

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from buttress.kernel.errors import ButtressError
from buttress.server.bells import Bell
from buttress.server.bodies import error_body
from buttress.server.errors import (
    HeadTimeout,
    HeadTooLarge,
    HostUnknown,
    NoHttp,
    PortTaken,
    RemoteWithoutKeys,
    status_of,
)
from buttress.settings.tree import ServerSettings

BACKLOG = 1_024
GONE = "gone"
"""Where the state of a request has the bell that rings when its client hangs up."""

MAX_HEAD_BYTES = 65_536
"""From how many bytes on a request line with its headers is refused; without a bound they fill the memory."""


def require_local(settings: ServerSettings) -> None:
    """Refuse to listen where other machines reach us, unless the settings allow it: there are no keys.

    Raises:
        RemoteWithoutKeys: `host` is not this machine's own, and `allow_remote_without_keys` is not set.
        HostUnknown: there is no such host.
    """
    if settings.allow_remote_without_keys:
        return
    _, address = _resolved(settings.host, settings.port)
    if not ip_address(str(address[0]).partition("%")[0]).is_loopback:
        message = f"{settings.host} can be reached from other machines, and nobody who asks there needs a key"
        raise RemoteWithoutKeys(message)


def url_of(host: str, port: int) -> str:
    """Return where `host` and `port` are reached; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reserve_port(host: str, port: int) -> socket.socket:
    """Return a socket that keeps a port for the workers of this project, without listening on it.

    Workers share their port, and so could two projects by mistake: so it is first asked for alone.

    Raises:
        PortTaken: another program listens there.
        HostUnknown: the address is not one of this machine.
    """
    _bound(host, port, socket.SO_REUSEADDR).close()
    # Without SO_REUSEADDR: two sockets that have it and do not listen yet may be bound to one port.
    return _bound(host, port, socket.SO_REUSEPORT)


def shared_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket on a port that other workers of this project may share.

    Raises:
        PortTaken: another program listens there.
        HostUnknown: the address is not one of this machine.
    """
    found = _bound(host, port, socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    found.listen(BACKLOG)
    return found


def _bound(host: str, port: int, *options: int) -> socket.socket:
    family, address = _resolved(host, port)
    found = socket.socket(family, socket.SOCK_STREAM)
    for option in options:
        found.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        kind = HostUnknown if error.errno == errno.EADDRNOTAVAIL else PortTaken
        raise kind(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return found


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """Return the family and the address of `host`; IPv4 where a name has both."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(f"cannot listen on {host}: {error}") from error
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


class _Connection(HttpToolsProtocol):
    """One connection of uvicorn, with bounds and answers of ours for what never becomes a request."""

    head_timeout_s = 10.0
    send_timeout_s = 60.0
    _in_head = True
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._gone = Bell()
        self._wait_for_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
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
        """Note that a request's head is whole."""
        self._in_head, self._head_bytes = False, 0
        self._stop_waiting()
        super().on_headers_complete()

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
        head = f"HTTP/1.1 {status_of(error)} \r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()


def _connection(settings: ServerSettings) -> type[_Connection]:
    """Return the class of connections with those limits; uvicorn makes them by itself."""

    class Connection(_Connection):
        head_timeout_s = settings.head_timeout_s
        send_timeout_s = settings.send_timeout_s

    return Connection


class _Server(uvicorn.Server):
    """uvicorn, told apart from its own way of stopping: running answers are let end first."""

    def __init__(self, config: uvicorn.Config, draining: Bell, drain_s: float) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self._draining = draining
        self._drain_s = drain_s

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting now; cut answers that are still running after `drain_s` seconds.

        uvicorn would raise the signal again at the end, and kill what is still to be closed around it.
        """
        if not self.should_exit:
            self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_s, self._draining.ring)
        self.should_exit = True


async def serve(
    application: Callable[..., Awaitable[None]],
    listening: socket.socket,
    settings: ServerSettings,
    draining: Bell,
) -> None:
    """Answer requests on `listening` until SIGTERM or SIGINT, then end in order.

    Answers that run get `drain_s` seconds; then `draining` rings, and each stream ends with an error event.
    """
    config = uvicorn.Config(
        application,
        http=_connection(settings),
        ws="none",
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # nothing here asks where a client is; it costs each request 10 microseconds
        timeout_graceful_shutdown=round(settings.drain_s) + 3,
    )
    await _Server(config, draining, settings.drain_s).serve(sockets=[listening])
