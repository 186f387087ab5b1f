"""The keys in PostgreSQL. Whoever changes one tells all who listen, in the same transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from buttress.access.errors import NoSuchKey
from buttress.access.types import Key
from buttress.storage.connecting import Connection
from buttress.storage.database import Database

CHANNEL = "buttress_keys"

ALL = "SELECT body, last_used_at FROM keys ORDER BY created_at, key_id"
ONE = "SELECT body, last_used_at FROM keys WHERE key_id = %s FOR UPDATE"
ADD = "INSERT INTO keys (key_id, body, created_at) VALUES (%s, %s::jsonb, %s)"
CHANGE = "UPDATE keys SET body = %s::jsonb WHERE key_id = %s"
TELL = "SELECT pg_notify(%s, '')"
# In the order of their ids: two workers that write of the same keys must not wait for each other.
USED = """
    UPDATE keys SET last_used_at = greatest(keys.last_used_at, used.at)
    FROM (
        SELECT keys.key_id, told.value::timestamptz AS at
        FROM jsonb_each_text(%s::jsonb) AS told JOIN keys ON keys.key_id = told.key
        ORDER BY keys.key_id FOR UPDATE OF keys
    ) AS used
    WHERE keys.key_id = used.key_id
"""


class KeyStore:
    """Every key there is or was. Any number of processes may use it at once.

    All of it raises what `Database.connection` does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Key]:
        """Return the keys in the order they were made."""
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(ALL)).fetchall()
        return [_key(body, used) for body, used in rows]

    async def get(self, key_id: str) -> Key:
        """Return one key.

        Raises:
            NoSuchKey: there is none.
        """
        async with self._database.connection() as connection:
            return await _get(connection, key_id)

    async def add(self, key: Key) -> None:
        """Store a new key."""
        async with self._database.connection() as connection:
            await connection.execute(ADD, (key.key_id, _body(key), key.created_at))
            await connection.execute(TELL, (CHANNEL,))

    async def change(self, key_id: str, rule: Callable[[Key], Key]) -> Key:
        """Replace a key by what `rule` makes of it; of two changes at once, one sees what the other did.

        Raises:
            NoSuchKey: there is none.
            ButtressError: what the rule raises; nothing was changed.
        """
        async with self._database.connection() as connection:
            changed = rule(await _get(connection, key_id))
            await connection.execute(CHANGE, (_body(changed), key_id))
            await connection.execute(TELL, (CHANNEL,))
        return changed

    async def used(self, last: Mapping[str, datetime]) -> None:
        """Note when keys were last used, by their ids."""
        if last:
            async with self._database.connection(autocommit=True) as connection:
                await connection.execute(USED, (msgspec.json.encode(last).decode(),))


async def _get(connection: Connection, key_id: str) -> Key:
    # PostgreSQL has no text with NUL in it, and no id of ours is anything but letters and digits.
    row = await (await connection.execute(ONE, (key_id,))).fetchone() if key_id.isalnum() else None
    if row is None:
        raise NoSuchKey(f"there is no key {key_id[:50]!r}")
    return _key(*row)


def _key(body: object, used: datetime | None) -> Key:
    return msgspec.structs.replace(msgspec.convert(body, Key), last_used_at=used)


def _body(key: Key) -> str:
    return msgspec.json.encode(msgspec.structs.replace(key, last_used_at=None)).decode()
