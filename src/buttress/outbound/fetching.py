"""A GET to an address that came from outside: a page that somebody names, or a redirect.

Such an address must be no way to what only this machine reaches. So a name is looked up once, every address
it has is looked at, and the connection goes to one that was looked at: what the name leads to a moment later
does not count. A redirect is another address from outside. What comes back is bounded in bytes, packed or
not, and in time, so that nothing is held up by what is long, endless, or slow.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urljoin

import msgspec

from buttress.outbound.addresses import Address, AddressInvalid, Origin, parse_address
from buttress.outbound.connection import Connection
from buttress.outbound.faults import (
    Barred,
    BrokenOff,
    NotHttp,
    TookTooLong,
    TooMuch,
    Unreachable,
    why_unreachable,
)
from buttress.outbound.networks import is_public
from buttress.outbound.response import Response
from buttress.outbound.sessions import USER_AGENT, request_head

FETCH_FAULTS = (AddressInvalid, Barred, BrokenOff, NotHttp, TookTooLong, TooMuch, Unreachable)
"""What may go wrong with a GET."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a name and a port to its IP addresses; raises OSError where there is none."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of `host`, as the system knows them.

    Raises:
        OSError: it knows none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Get(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `timeout_s` is for all of it, redirects included, `max_bytes` for the body unpacked.

    `headers` go to the origin of `url` only.
    """

    url: str
    max_bytes: int
    timeout_s: float
    connect_timeout_s: float = 10.0
    max_redirects: int = 5
    headers: Mapping[str, str] = {}


class Got(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered, whatever the status; `url` is the one that answered, `headers` are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Fetches from where it may: `may_ask` says of an IP address whether it is one that may be asked."""

    def __init__(
        self,
        may_ask: Callable[[str], bool] = is_public,
        resolve: Resolve = look_up,
        encryption: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._may_ask = may_ask
        self._resolve = resolve
        self._make_encryption = encryption
        self._encryption: ssl.SSLContext | None = None

    async def get(self, wanted: Get) -> Got:
        """Return what `wanted.url` answers, or where it redirects to.

        Raises:
            AddressInvalid: it is no absolute http(s) URL, or holds a user.
            Barred: it leads, or redirects, to where nobody may ask.
            Unreachable: there was no connection.
            BrokenOff: the connection broke before the end.
            NotHttp: what came is not HTTP, or redirects more than `max_redirects` times.
            TooMuch: there are more than `max_bytes`.
            TookTooLong: it was not whole after `timeout_s`.
        """
        try:
            async with asyncio.timeout(wanted.timeout_s):
                return await self._follow(wanted)
        except TimeoutError:
            raise TookTooLong(f"it was not whole after {wanted.timeout_s:g} s") from None

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the IP addresses of `host`; each is one that may be asked.

        Raises:
            Barred: one of them is none.
            Unreachable: it has none.
        """
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable("its name is not known") from error
        for address in found:
            if not self._may_ask(address):
                raise Barred(f"{host} leads to {address}, which is no address of the internet at large")
        return found

    async def _follow(self, wanted: Get) -> Got:
        url, first = wanted.url, parse_address(wanted.url).origin
        for _ in range(wanted.max_redirects + 1):
            address = parse_address(url)
            got = await self._ask(url, address, wanted, wanted.headers if address.origin == first else {})
            if got.status not in _REDIRECTS or "location" not in got.headers:
                return got
            if not wanted.max_redirects:
                return got
            url = _redirected(url, got.headers["location"])
        raise NotHttp(f"it redirects more than {wanted.max_redirects} times")

    async def _ask(self, url: str, address: Address, wanted: Get, headers: Mapping[str, str]) -> Got:
        connection = await self._connect(address.origin, wanted.connect_timeout_s)
        try:
            response = await connection.ask(_request(address, headers), is_last=True)
            is_read = response.status not in _REDIRECTS
            body = await _body(response, wanted.max_bytes) if is_read else b""
            return Got(url=url, status=response.status, headers=response.headers, body=body)
        finally:
            connection.close()

    async def _connect(self, origin: Origin, timeout_s: float) -> Connection:
        fault = Unreachable("its name has no address")
        for address in await self.addresses(origin.host, origin.port):
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._connect_to(address, origin)
            except TimeoutError:
                fault = Unreachable(f"no connection within {timeout_s:g} s")
            except OSError as error:
                fault = Unreachable(error.strerror or str(error))
                fault.__cause__ = error
        raise fault

    async def _connect_to(self, address: str, origin: Origin) -> Connection:
        """Connect to an address that was looked at; the certificate is the name's."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(_nothing, _nothing),
            address,
            origin.port,
            ssl=self._context() if origin.is_encrypted else None,
            server_hostname=origin.host if origin.is_encrypted else None,
        )
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._encryption is None:
            self._encryption = self._make_encryption()
        return self._encryption


def why_failed(fault: Exception) -> str:
    """Return what went wrong with a GET, for people."""
    match fault:
        case TookTooLong() | TooMuch() | Barred() | AddressInvalid():
            return str(fault)
        case Unreachable():
            return why_unreachable(fault)
        case BrokenOff():
            return "the connection broke off before the end"
        case _:
            return f"what was answered is not HTTP as it should be: {fault}"


def _redirected(url: str, location: str) -> str:
    """Return where a redirect leads; never from an encrypted page to an open one."""
    try:
        target = urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
        found = parse_address(target)
    except (AddressInvalid, ValueError):  # the latter for brackets around what is no address
        raise Barred("it redirects to what is no http(s) address without a user") from None
    if parse_address(url).origin.is_encrypted and not found.origin.is_encrypted:
        raise Barred("it redirects from https to http")
    return target


def _request(address: Address, headers: Mapping[str, str]) -> bytes:
    return request_head(
        f"GET {address.target} HTTP/1.1",
        f"Host: {address.origin.host_header}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    )


async def _body(response: Response, max_bytes: int) -> bytes:
    said = response.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > max_bytes:
        raise TooMuch(f"it has {int(said[:20]):,} bytes; the limit is {max_bytes:,}")
    body = await response.whole(max_bytes + 1)
    if len(body) > max_bytes:
        raise TooMuch(f"it has more than {max_bytes:,} bytes")
    return body


def _nothing(_: Connection) -> None:
    """A connection that is used once is nobody's afterwards."""
