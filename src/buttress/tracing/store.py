"""Traces in PostgreSQL."""

import re
from collections.abc import Sequence

import msgspec

from buttress.kernel.ids import TraceId
from buttress.storage.database import Database
from buttress.tracing.errors import TraceUnknown
from buttress.tracing.types import Trace

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL, which PostgreSQL's text cannot hold; not a backslash that somebody wrote before `u0000`."""

COLUMNS = ", ".join(field.encode_name for field in msgspec.structs.fields(Trace))

INSERT = f"""
    INSERT INTO traces ({COLUMNS})
    SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::traces, %s::jsonb)
    ON CONFLICT (trace_id) DO NOTHING RETURNING trace_id
"""  # noqa: S608 - the column names are the fields of our own struct

LIST = """
    SELECT to_jsonb(traces) FROM traces
    WHERE tenant = %(tenant)s AND (%(feature)s::text IS NULL OR feature = %(feature)s)
    ORDER BY started_at DESC, trace_id DESC LIMIT %(limit)s
"""

CITED = """
    SELECT DISTINCT citation->>'document_id' FROM traces, jsonb_array_elements(citations) AS citation
    WHERE citation ? 'document_id'
"""

FIND = "SELECT to_jsonb(traces) FROM traces WHERE tenant = %s AND trace_id LIKE %s LIMIT 2"


class TraceStore:
    """Traces by id, newest first, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, traces: Sequence[Trace]) -> frozenset[TraceId]:
        """Store `traces`, and return the ids that are new; one whose id is there already is left as it is."""
        rows = _without_nul(msgspec.json.encode(traces))
        async with self._database.connection() as connection:
            stored = await (await connection.execute(INSERT, (rows.decode(),))).fetchall()
        return frozenset(TraceId(trace_id) for (trace_id,) in stored)

    async def knows_any(self, trace_ids: Sequence[TraceId]) -> bool:
        """Say whether there is a trace of one of these very ids, of whichever tenant."""
        query = "SELECT 1 FROM traces WHERE trace_id = ANY(%s) LIMIT 1"
        async with self._database.connection(autocommit=True) as connection:
            found = await connection.execute(query, (list(trace_ids),))
            return await found.fetchone() is not None

    async def cited(self) -> set[str]:
        """Return the ids of all documents that a trace cites, of whichever tenant; it reads every trace."""
        async with self._database.connection(autocommit=True) as connection:
            return {document for (document,) in await (await connection.execute(CITED)).fetchall()}

    async def latest(self, tenant: str, *, feature: str | None = None, limit: int = 20) -> list[Trace]:
        """Return the latest traces of `tenant`, newest first."""
        values = {"tenant": tenant, "feature": feature, "limit": limit}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(LIST, values)).fetchall()
        return [_trace(row) for (row,) in rows]

    async def get(self, tenant: str, trace_id: str) -> Trace:
        """Return the trace whose id is, or alone begins or ends with, `trace_id`.

        Raises:
            TraceUnknown: there is none, more than one, or it is another tenant's.
        """
        async with self._database.connection() as connection:
            for pattern in _patterns(trace_id):
                rows = await (await connection.execute(FIND, (tenant, pattern))).fetchall()
                if len(rows) == 1:
                    return _trace(rows[0][0])
        raise TraceUnknown(f"no trace {TraceId(trace_id)!r}, or more than one")


def _without_nul(rows: bytes) -> bytes:
    """Return `rows` with a sign of replacement for each NUL; looked for in vain it costs most of shipping."""
    return _NUL.sub(rb"\1\\ufffd", rows) if b"u0000" in rows else rows


def _patterns(trace_id: str) -> tuple[str, ...]:
    escaped = trace_id.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (escaped, f"{escaped}%", f"%{escaped}")


def _trace(row: object) -> Trace:
    return msgspec.convert(row, Trace, strict=False)
