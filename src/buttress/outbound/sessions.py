"""One HTTP session per upstream origin, opened when first asked for, closed together."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from yarl import URL

from buttress.kernel.secrets import mask_password
from buttress.outbound.settings import OutboundSettings

USER_AGENT = "buttress"


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A POST to an upstream. `connect_timeout_s` bounds connecting; the answer has no bound here."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    connect_timeout_s: float


class Sessions:
    """The sessions of one event loop; use it as an async context manager, or call `aclose`.

    Time limits belong to the caller, who knows what it waits for: a session sets only the one for connecting.
    """

    def __init__(self, settings: OutboundSettings) -> None:
        self._settings = settings
        self._open: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def of(self, url: str) -> aiohttp.ClientSession:
        """Return the session of the origin of `url` (scheme, host, port); must be called in the running loop.

        Raises:
            aiohttp.InvalidURL: `url` is not an absolute URL.
        """
        try:
            origin = str(URL(url).origin())
        except ValueError as error:
            raise aiohttp.InvalidURL(mask_password(url)) from error
        session = self._open.get(origin)
        if session is None or session.closed:
            session = self._open[origin] = self._new()
        return session

    def post(self, outgoing: Outgoing) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send `outgoing`; leaving the block before the answer was read to its end closes the connection.

        Raises:
            aiohttp.InvalidURL: the URL is not an absolute one.
            aiohttp.ClientError: the upstream could not be reached, or broke off.
        """
        return self.of(outgoing.url).post(
            outgoing.url,
            data=outgoing.body,
            headers=outgoing.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=outgoing.connect_timeout_s),
        )

    async def aclose(self) -> None:
        """Close all sessions, the last opened first; may be called twice."""
        while self._open:
            _, session = self._open.popitem()
            await session.close()

    def _new(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.connections_per_origin,
                keepalive_timeout=self._settings.keep_alive_s,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            trust_env=False,
        )
