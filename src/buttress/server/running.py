"""uvicorn on a port that several workers share, and an ordered end of running answers."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from buttress.kernel.errors import ButtressError
from buttress.server.bodies import error_body
from buttress.server.errors import HeadTooLarge, NoHttp, PortTaken, status_of
from buttress.settings.tree import ServerSettings

BACKLOG = 1_024
MAX_HEAD_BYTES = 65_536
"""From how many bytes on a request line with its headers is refused; without a bound they fill the memory."""


def reserve_port(host: str, port: int) -> socket.socket:
    """Return a socket that keeps a port for the workers of this project, without listening on it.

    Workers share their port, and so could two projects by mistake: so it is first asked for alone.

    Raises:
        PortTaken: another program listens there, or the address is not one of this machine.
    """
    _bound(host, port, socket.SO_REUSEADDR).close()
    # Without SO_REUSEADDR: two sockets that have it and do not listen yet may be bound to one port.
    return _bound(host, port, socket.SO_REUSEPORT)


def shared_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket on a port that other workers of this project may share.

    Raises:
        PortTaken: another program listens there, or the address is not one of this machine.
    """
    found = _bound(host, port, socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    found.listen(BACKLOG)
    return found


def _bound(host: str, port: int, *options: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    for option in options:
        found.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return found


class _Connection(HttpToolsProtocol):
    """One connection of uvicorn, with bounds and answers of ours for what never becomes a request."""

    _in_head = True
    _head_bytes = 0

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what came in; refuse a request whose head does not end."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadTooLarge(f"the headers of the request are longer than {MAX_HEAD_BYTES:,} bytes"))

    @override
    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        """Note that a request's head is whole."""
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the shape of every other error."""
        self._refuse(NoHttp("what came in is not an HTTP request"))

    def _refuse(self, error: ButtressError) -> None:
        body = error_body(error)
        head = f"HTTP/1.1 {status_of(error)} \r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn, told apart from its own way of stopping: running answers are let end first."""

    def __init__(self, config: uvicorn.Config, draining: asyncio.Event, drain_s: float) -> None:
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
            self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_s, self._draining.set)
        self.should_exit = True


async def serve(
    application: Callable[..., Awaitable[None]],
    listening: socket.socket,
    settings: ServerSettings,
    draining: asyncio.Event,
) -> None:
    """Answer requests on `listening` until SIGTERM or SIGINT, then end in order.

    Answers that run get `drain_s` seconds; then `draining` is set, and each stream ends with an error event.
    """
    config = uvicorn.Config(
        application,
        http=_Connection,
        ws="none",
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=round(settings.drain_s) + 3,
    )
    await _Server(config, draining, settings.drain_s).serve(sockets=[listening])
