"""How the last sync of each knowledge base went, in PostgreSQL. The SQL of that stands here."""

from datetime import datetime

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.knowledge.syncing.schedule import LastSync
from buttress.storage.database import Database

_BEGIN = """
    insert into syncs (knowledge, began_at, failures) values (%(knowledge)s, %(now)s, 1)
    on conflict (knowledge) do update set
        began_at = excluded.began_at, ended_at = null, failures = syncs.failures + 1
"""
_END = """
    update syncs set ended_at = %(now)s, succeeded_at = %(now)s, failures = 0, left_out = %(left_out)s,
        error_code = null, error = null
    where knowledge = %(knowledge)s
"""
_FAIL = """
    update syncs set ended_at = %(now)s, error_code = %(error_code)s, error = %(error)s
    where knowledge = %(knowledge)s
"""
_SYNCS = """
    select knowledge, began_at, ended_at, succeeded_at, failures, left_out, error_code, error from syncs
"""


class SyncLog:
    """How the last sync of each knowledge base went. Each method raises what `Database.connection` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def began(self, knowledge: str, now: datetime) -> None:
        """Note a beginning: a failure, until it has ended well."""
        await self._note(_BEGIN, {"knowledge": knowledge, "now": now})

    async def ended(self, knowledge: str, now: datetime, left_out: int) -> None:
        """Note a good end; `left_out` are the documents and sources that were."""
        await self._note(_END, {"knowledge": knowledge, "now": now, "left_out": left_out})

    async def failed(self, knowledge: str, now: datetime, error: ButtressError) -> None:
        """Note why it could not be done."""
        told = {"error_code": error.code, "error": error.message.replace("\0", "")}
        await self._note(_FAIL, {"knowledge": knowledge, "now": now, **told})

    async def all(self) -> dict[str, LastSync]:
        """Return the last sync of each knowledge base that was ever synced."""
        async with self._database.connection(autocommit=True) as connection:
            found = await (await connection.execute(_SYNCS)).fetchall()
        names = LastSync.__struct_fields__
        rows = [msgspec.convert(dict(zip(names, row, strict=True)), LastSync) for row in found]
        return {row.knowledge: row for row in rows}

    async def _note(self, statement: str, values: dict[str, object]) -> None:
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(statement.encode(), values)
