"""The connections to one origin: kept while they are good, bounded in number, waited for in order."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

from buttress.outbound.addresses import Origin
from buttress.outbound.connection import Connection
from buttress.outbound.faults import NoneFree, Unreachable
from buttress.outbound.settings import OutboundSettings


class Pool:
    """Lends connections of one event loop to one origin. `clock` is the loop's time, in seconds."""

    def __init__(
        self, origin: Origin, settings: OutboundSettings, encryption: Callable[[], ssl.SSLContext]
    ) -> None:
        self._origin = origin
        self._settings = settings
        self._encryption = encryption
        self._idle: deque[tuple[float, Connection]] = deque()
        self._all: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def open_connections(self) -> int:
        """How many there are, lent or not."""
        return len(self._all)

    @property
    def is_unused(self) -> bool:
        """Whether there is no connection, and nobody waits for one."""
        return not (self._all or self._opening or self._waiting)

    async def borrow(self, connect_timeout_s: float, *, is_new: bool = False) -> Connection:
        """Return a connection that nobody uses: the one used last, else a new one; with `is_new` always that.

        Raises:
            NoneFree: all are lent, and none came back within `connect_timeout_s`.
            Unreachable: no connection within `connect_timeout_s`.
        """
        if not is_new and (kept := self._take_idle()) is not None:
            return kept
        is_connecting = False
        try:
            async with asyncio.timeout(connect_timeout_s):
                while len(self._all) + self._opening >= self._settings.connections_per_origin:
                    handed = await self._handed_over()
                    if handed is not None and handed.is_open:  # it may have broken since
                        return handed
                is_connecting = True
                return await self._connect()
        except TimeoutError:
            if not is_connecting:
                raise NoneFree(
                    f"{len(self._all):,} connections were lent for {connect_timeout_s:g} s"
                ) from None
            raise Unreachable(f"no connection within {connect_timeout_s:g} s") from None

    def close(self) -> None:
        """Close all connections, lent ones too."""
        self._is_closed = True
        if self._sweep:
            self._sweep.cancel()
        for connection in list(self._all):
            connection.close()

    def _take_idle(self) -> Connection | None:
        while self._idle:
            _, connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _handed_over(self) -> Connection | None:
        """Wait in line; return a connection that became free, None where there is room for a new one."""
        waiting: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():  # it was our turn, and we are gone
                self._pass_on(waiting.result())
            raise

    async def _connect(self) -> Connection:
        origin = self._origin
        context = self._encryption() if origin.is_encrypted else None
        self._opening += 1
        connection: Connection | None = None
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._keep, self._forget), origin.host, origin.port, ssl=context
            )
            self._all.add(connection)
        except OSError as error:
            raise Unreachable(error.strerror or str(error)) from error
        finally:
            self._opening -= 1
            if connection is None:
                self._call(None)  # there is room again
        return connection

    def _keep(self, connection: Connection) -> None:
        if self._is_closed or not self._settings.keep_alive_s:
            connection.close()
        elif not self._call(connection):
            self._idle.append((asyncio.get_running_loop().time(), connection))
            if self._sweep is None:
                self._sweep_in(self._settings.keep_alive_s)

    def _forget(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._call(None)

    def _pass_on(self, handed: Connection | None) -> None:
        if handed is None:
            self._call(None)
        else:
            self._keep(handed)

    def _call(self, handed: Connection | None) -> bool:
        """Give what became free to whoever waits longest; say whether anybody did."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(handed)
                return True
        return False

    def _sweep_in(self, delay_s: float) -> None:
        self._sweep = asyncio.get_running_loop().call_later(delay_s, self._close_idle)

    def _close_idle(self) -> None:
        """Close what nobody used for so long, the oldest first; look again when the next one is due."""
        now, keep_s = asyncio.get_running_loop().time(), self._settings.keep_alive_s
        while self._idle and self._idle[0][0] + keep_s <= now:
            self._idle.popleft()[1].close()
        self._sweep = None
        if self._idle:
            self._sweep_in(self._idle[0][0] + keep_s - now)
