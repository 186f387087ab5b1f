"""Requests to upstreams: one pool of connections for each origin, closed together."""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import msgspec

from buttress.outbound.addresses import Address, AddressInvalid, Origin, parse_address
from buttress.outbound.connection import Connection
from buttress.outbound.faults import BrokenOff
from buttress.outbound.pool import Pool
from buttress.outbound.response import Response
from buttress.outbound.settings import OutboundSettings

USER_AGENT = "buttress"


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A POST to an upstream. `connect_timeout_s` bounds connecting; the answer has no bound here."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    connect_timeout_s: float


class Sessions:
    """The pools of one event loop; use it as an async context manager, or call `aclose`.

    Time limits belong to the caller, who knows what it waits for: only connecting has one here.
    """

    def __init__(self, settings: OutboundSettings) -> None:
        self._settings = settings
        self._pools: dict[Origin, Pool] = {}
        self._context: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def open_connections(self) -> int:
        """How many connections there are, to all origins."""
        return sum(pool.open_connections for pool in self._pools.values())

    @property
    def known_origins(self) -> int:
        """How many origins there are that somebody is, or just was, connected to."""
        return len(self._pools)

    def post(self, outgoing: Outgoing) -> "Exchange":
        """Return the exchange that sends `outgoing`; nothing is sent before its block is entered.

        Raises:
            AddressInvalid: the URL is not an absolute one, or a header holds a line break.
        """
        address = parse_address(outgoing.url)
        pool = self._pools.get(address.origin)
        if pool is None:
            # Origins change for as long as models.yaml does: those that nobody is connected to are forgotten.
            self._pools = {origin: one for origin, one in self._pools.items() if not one.is_unused}
            pool = self._pools[address.origin] = Pool(address.origin, self._settings, self._encryption)
        return Exchange(pool, _request(address, outgoing), outgoing)

    def close(self) -> None:
        """Close all connections; may be called twice."""
        while self._pools:
            _, pool = self._pools.popitem()
            pool.close()

    def _encryption(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context


class Exchange:
    """A request and its answer; leaving the block before the answer's end closes the connection."""

    def __init__(self, pool: Pool, request: bytes, outgoing: Outgoing) -> None:
        self._pool = pool
        self._request = request
        self._connect_timeout_s = outgoing.connect_timeout_s
        self._is_last = outgoing.headers.get("Connection") == "close"
        self._connection: Connection | None = None
        self._is_rest_unwanted = False

    async def __aenter__(self) -> Response:
        """Send the request; return the answer when its head is there.

        Raises:
            Unreachable: no connection; nothing was sent.
            BrokenOff: the connection broke after the request was sent.
            NotHttp: what came back is not HTTP.
        """
        try:
            return await self._ask(await self._pool.borrow(self._connect_timeout_s))
        except BrokenOff:
            if self._connection is None or not self._connection.went_stale:
                raise
        return await self._ask(await self._pool.borrow(self._connect_timeout_s, is_new=True))

    async def _ask(self, connection: Connection) -> Response:
        self._connection = connection
        try:
            return await connection.ask(self._request, is_last=self._is_last)
        except BaseException:
            connection.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.release(is_rest_unwanted=self._is_rest_unwanted)

    def want_no_more(self) -> None:
        """Say that all was heard: what is left of the body is only its end."""
        self._is_rest_unwanted = True


def request_head(*lines: str) -> bytes:
    """Return the head of a request: its first line and its headers.

    Raises:
        AddressInvalid: there is a character in it that no head can carry.
    """
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise AddressInvalid("a header that no request can carry")
    try:
        return head.encode("latin-1") + b"\r\n\r\n"
    except UnicodeEncodeError:
        raise AddressInvalid("a header that no request can carry") from None


def _request(address: Address, outgoing: Outgoing) -> bytes:
    head = request_head(
        f"POST {address.target} HTTP/1.1",
        f"Host: {address.origin.host_header}",
        f"User-Agent: {USER_AGENT}",
        "Accept-Encoding: identity",
        *(f"{name}: {value}" for name, value in outgoing.headers.items()),
        f"Content-Length: {len(outgoing.body)}",
    )
    return head + outgoing.body
