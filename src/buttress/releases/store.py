"""Releases in PostgreSQL."""

from datetime import datetime

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.ids import ReleaseId
from buttress.releases.errors import ReleaseUnknown, ReleaseUnreadable
from buttress.releases.types import Release, identified
from buttress.storage.database import Database

KEEP = """
    INSERT INTO releases (release_id, feature, body, created_at)
    VALUES (%s, %s, %s::jsonb, %s)
    ON CONFLICT (release_id) DO NOTHING
"""

GET = "SELECT body::text FROM releases WHERE release_id = %s"

LIST = """
    SELECT release_id, feature, created_at FROM releases
    WHERE %(feature)s::text IS NULL OR feature = %(feature)s
    ORDER BY created_at DESC, release_id LIMIT %(limit)s
"""

_NUL = "\0"


class KeptRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release in a list."""

    release_id: ReleaseId
    feature: str
    created_at: datetime


class ReleaseStore:
    """Releases by id. One is kept once and never changed; keeping it again changes nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def keep(self, release: Release) -> bool:
        """Keep `release`; say whether it was not there before. Of two that keep it at once, one gets True."""
        body = msgspec.json.encode(release).decode()
        values = (release.release_id, release.feature, body, self._clock.now())
        async with self._database.connection() as connection:
            return (await connection.execute(KEEP, values)).rowcount == 1

    async def get(self, release_id: str) -> Release:
        """Return the release of that id, as it was kept.

        Raises:
            ReleaseUnknown: there is none.
            ReleaseUnreadable: it is not what its id says.
        """
        row = None
        if _NUL not in release_id:  # PostgreSQL's text holds none
            async with self._database.connection() as connection:
                row = await (await connection.execute(GET, (release_id,))).fetchone()
        if row is None:
            raise ReleaseUnknown(f"no release is called {release_id!r}")
        return _release(release_id, row[0])

    async def latest(self, *, feature: str | None = None, limit: int = 20) -> list[KeptRelease]:
        """Return the latest releases, of one feature or all, newest first."""
        values = {"feature": feature, "limit": limit}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(LIST, values)).fetchall()
        return [KeptRelease(release_id=ReleaseId(one), feature=of, created_at=at) for one, of, at in rows]


def _release(release_id: str, body: str) -> Release:
    try:
        release = msgspec.json.decode(body, type=Release)
    except msgspec.ValidationError as error:
        raise ReleaseUnreadable(f"{release_id} cannot be read: {error}") from error
    if identified(release).release_id != release_id:
        raise ReleaseUnreadable(f"{release_id} was changed after it was kept: its content has another id")
    return release
