"""uvicorn on a port that several workers share, and an ordered end of running answers."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from types import FrameType

import uvicorn
from typing_extensions import override

from buttress.server.bells import Bell
from buttress.server.connections import connection_class
from buttress.server.errors import HostUnknown, PortTaken, RemoteWithoutKeys
from buttress.settings.tree import ServerSettings

BACKLOG = 1_024


def is_local(settings: ServerSettings) -> bool:
    """Say whether only this machine reaches the address of the settings.

    Raises:
        HostUnknown: there is no such host.
    """
    _, address = _resolved(settings.host, settings.port)
    return ip_address(str(address[0]).partition("%")[0]).is_loopback


def require_local(settings: ServerSettings) -> None:
    """Refuse to listen where other machines reach us and to ask nobody for a key.

    Raises:
        RemoteWithoutKeys: `keys` is `never`, and `host` is not this machine's own.
        HostUnknown: there is no such host.
    """
    if settings.keys == "never" and not is_local(settings):
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
        http=connection_class(settings),
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
