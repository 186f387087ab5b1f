"""Answers in PostgreSQL, for all processes. This room's SQL lives here."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from buttress.caching.types import FORMAT, Entry, Held, Key, Meaning, Similar
from buttress.storage.database import Database

GET = """
    SELECT body, made_at, expires_at, cited, tokens, cost_nanodollars FROM answers
    WHERE tenant = %s AND digest = %s AND form = %s AND expires_at > %s
"""

PUT = """
    INSERT INTO answers (tenant, digest, feature, form, body, cited, tokens, cost_nanodollars, made_at,
        expires_at, partition, question, meaning)
    VALUES (%(tenant)s, %(digest)s, %(feature)s, %(form)s, %(body)s, %(cited)s, %(tokens)s, %(cost)s,
        %(made_at)s, %(expires_at)s, %(partition)s, %(question)s, %(meaning)s)
    ON CONFLICT (tenant, digest) DO UPDATE SET
        feature = excluded.feature, form = excluded.form, body = excluded.body, cited = excluded.cited,
        tokens = excluded.tokens, cost_nanodollars = excluded.cost_nanodollars, made_at = excluded.made_at,
        expires_at = excluded.expires_at, partition = excluded.partition, question = excluded.question,
        meaning = excluded.meaning
    WHERE answers.made_at <= excluded.made_at OR answers.form <> excluded.form
"""

# Exact: a partition holds the questions to one release and one version of its documents.
SIMILAR = """
    SELECT question, 1 - distance, body, made_at, expires_at, cited, tokens, cost_nanodollars FROM (
        SELECT *, meaning::vector <=> %(meaning)s::real[]::vector AS distance FROM answers
        WHERE tenant = %(tenant)s AND partition = %(partition)s AND form = %(form)s
            AND expires_at > %(now)s AND cardinality(meaning) = %(dimensions)s
    ) AS near
    WHERE 1 - distance >= %(threshold)s ORDER BY distance LIMIT %(limit)s
"""

FORGET_CITED = "DELETE FROM answers WHERE cited && %s::text[]"

CITED = "SELECT DISTINCT unnest(cited) FROM answers"

FORGET = """
    DELETE FROM answers
    WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        AND (%(feature)s::text IS NULL OR feature = %(feature)s)
"""

EXPIRED = "DELETE FROM answers WHERE expires_at <= %s OR form < %s"

TOO_MANY = """
    DELETE FROM answers AS old USING (
        SELECT tenant, digest, sum(octet_length(body)) OVER (ORDER BY made_at DESC, tenant, digest) AS behind
        FROM answers
    ) AS measured
    WHERE old.tenant = measured.tenant AND old.digest = measured.digest AND measured.behind > %s
"""

HELD = """
    SELECT tenant, feature, count(*), sum(octet_length(body))::bigint, sum(tokens)::bigint,
        coalesce(sum(cost_nanodollars), 0)::bigint, min(expires_at)
    FROM answers
    WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        AND (%(feature)s::text IS NULL OR feature = %(feature)s)
    GROUP BY tenant, feature ORDER BY tenant, feature
"""


_COLUMNS = ("body", "made_at", "expires_at", "cited", "tokens", "cost")


class AnswerStore:
    """The answers of all processes. Each method raises what `Database.connection` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: Key, now: datetime) -> Entry | None:
        """Return what is kept under `key`; not what is over, nor what another version has written."""
        async with self._database.connection(autocommit=True) as connection:
            found = await connection.execute(GET, (key.tenant, key.digest, FORMAT, now))
            row = await found.fetchone()
        return _entry(row) if row else None

    async def put(self, key: Key, entry: Entry, meaning: Meaning | None = None) -> None:
        """Keep `entry` under `key`, unless a newer one is there; with its `meaning` it is found by that."""
        values = {
            "tenant": key.tenant,
            "digest": key.digest,
            "feature": key.feature,
            "form": FORMAT,
            "body": entry.body,
            "cited": list(entry.cited),
            "tokens": entry.tokens,
            "cost": entry.cost,
            "made_at": entry.made_at,
            "expires_at": entry.expires_at,
            "partition": meaning.partition if meaning else None,
            "question": meaning.question if meaning else None,
            "meaning": list(meaning.vector) if meaning else None,
        }
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(PUT, values)

    async def similar(
        self, tenant: str, meaning: Meaning, *, threshold: float, now: datetime, limit: int = 3
    ) -> list[Similar]:
        """Return the entries of one partition nearest to a question, best first, from `threshold` on.

        Raises:
            psycopg.errors.UndefinedObject: the server has no pgvector.
        """
        asked = {
            "tenant": tenant,
            "partition": meaning.partition,
            "meaning": list(meaning.vector),
            "dimensions": len(meaning.vector),
            "form": FORMAT,
            "now": now,
            "threshold": threshold,
            "limit": limit,
        }
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(SIMILAR, asked)).fetchall()
        return [Similar(row[0], row[1], _entry(row[2:])) for row in rows]

    async def forget_cited(self, documents: Collection[str]) -> int:
        """Delete the answers that cite one of `documents`; return how many there were."""
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET_CITED, (list(documents),))).rowcount

    async def cited(self) -> set[str]:
        """Return the ids of all documents that an answer cites, of whichever tenant."""
        async with self._database.connection(autocommit=True) as connection:
            return {document for (document,) in await (await connection.execute(CITED)).fetchall()}

    async def forget(self, tenant: str | None, feature: str | None) -> int:
        """Delete the answers of a tenant, a feature, both or all; return how many there were."""
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET, {"tenant": tenant, "feature": feature})).rowcount

    async def sweep(self, now: datetime, max_bytes: int) -> int:
        """Delete what is over, then the oldest answers beyond `max_bytes`; return how many there were."""
        async with self._database.connection(autocommit=True) as connection:
            over = (await connection.execute(EXPIRED, (now, FORMAT))).rowcount
            return over + (await connection.execute(TOO_MANY, (max_bytes,))).rowcount

    async def held(self, tenant: str | None, feature: str | None) -> list[Held]:
        """Return how much is kept of each feature of each tenant, or of the one that is named."""
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(HELD, {"tenant": tenant, "feature": feature})).fetchall()
        return [_held(row) for row in rows]


def _entry(row: Sequence[object]) -> Entry:
    return msgspec.convert(dict(zip(_COLUMNS, row, strict=True)), Entry)


def _held(row: Sequence[object]) -> Held:
    return msgspec.convert(dict(zip(Held.__struct_fields__, row, strict=True)), Held)
