"""How a connection is made; and how a server of ours that was killed is brought back for it."""

import asyncio
import os

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from buttress.kernel.clock import Clock
from buttress.kernel.secrets import mask_password
from buttress.storage.embedded import EmbeddedServer
from buttress.storage.errors import StorageUnavailable, UrlInvalid
from buttress.storage.folder import PORT
from buttress.storage.settings import StorageSettings
from buttress.storage.translation import one_line

Connection = psycopg.AsyncConnection[TupleRow]

_RETRY_S = 0.1
_KEEPALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


class Connector:
    """Makes connections to one database: the embedded `server`, or without one `settings.database_url`."""

    def __init__(self, settings: StorageSettings, clock: Clock, server: EmbeddedServer | None) -> None:
        self._settings = settings
        self._clock = clock
        self._server = server
        self._given = {} if server else parse_url(settings.database_url)

    @property
    def conninfo(self) -> str:
        """What libpq needs to connect; it may hold a password, so it is never shown."""
        return make_conninfo("", **self._parameters(self._settings.statement_timeout_s))

    async def connect(self, *, autocommit: bool = False, patient: bool = False) -> Connection:
        """Return a new connection; when `patient`, its statements may take as long as they like.

        Raises:
            StorageUnavailable: the database did not answer within `connect_timeout_s`, or refused.
            StartFailed, DiskFull, FolderUnusable: our own server was down and could not be started again.
        """
        timeout_s = 0.0 if patient else self._settings.statement_timeout_s
        deadline = self._clock.monotonic() + self._settings.connect_timeout_s
        pause_s = 0.0
        while True:
            try:
                return await self._try_connect(timeout_s, autocommit=autocommit)
            except (psycopg.OperationalError, TimeoutError) as error:
                if self._server is None or self._clock.monotonic() >= deadline:
                    raise StorageUnavailable(f"no connection to {self._place}: {one_line(error)}") from error
            await asyncio.to_thread(self._server.ensure_running)
            await asyncio.sleep(pause_s)
            pause_s = _RETRY_S

    @property
    def _place(self) -> str:
        if self._server:
            return f"our own server ({self._server.socket_folder})"
        return mask_password(self._settings.database_url)

    async def _try_connect(self, statement_timeout_s: float, *, autocommit: bool) -> Connection:
        conninfo = make_conninfo("", **self._parameters(statement_timeout_s))
        async with asyncio.timeout(self._settings.connect_timeout_s):
            return await psycopg.AsyncConnection.connect(conninfo, autocommit=autocommit)

    def _parameters(self, statement_timeout_s: float) -> dict[str, str]:
        given = self._given
        if self._server:
            given = {
                "host": str(self._server.socket_folder),
                "port": str(PORT),
                "user": "postgres",
                "dbname": "postgres",
            }
        options = f"-c statement_timeout={round(statement_timeout_s * 1000)} -c timezone=UTC"
        return {
            **_KEEPALIVE,
            "fallback_application_name": f"buttress {os.getpid()}",
            **given,
            "options": f"{given.get('options', '')} {options}".strip(),
        }


def parse_url(url: str) -> dict[str, str]:
    """Return the parameters of a PostgreSQL URL.

    Raises:
        UrlInvalid: it is none. The message never holds the password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise UrlInvalid("`storage.database_url` does not begin with postgresql://")
    try:
        found = conninfo_to_dict(url)
    except psycopg.Error:
        raise UrlInvalid(f"`storage.database_url` cannot be read: {mask_password(url)}") from None
    return {name: str(value) for name, value in found.items() if value is not None}
