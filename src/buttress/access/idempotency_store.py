"""Who answers which Idempotency-Key, and what was answered, in PostgreSQL."""

from collections.abc import Collection

import msgspec

from buttress.access.idempotency import Kept, Named
from buttress.access.settings import IdempotencySettings
from buttress.storage.database import Database

# One statement, so that of many at once one wins. What it reads is as of its beginning: who lost against
# somebody who came a moment before may find nothing, and asks again.
CLAIM = """
    WITH mine AS (
        INSERT INTO idempotent_answers AS its (place, tenant, fingerprint, claim, expires_at)
        VALUES (%(place)s, %(tenant)s, %(fingerprint)s, %(claim)s, now() + make_interval(secs => %(keep_s)s))
        ON CONFLICT (place) DO UPDATE SET
            fingerprint = excluded.fingerprint, claim = excluded.claim, beat_at = now(),
            expires_at = excluded.expires_at, answered_at = NULL, answer = NULL
        WHERE CASE
            WHEN its.answered_at IS NOT NULL THEN its.expires_at < now()
            WHEN its.beat_at >= now() - make_interval(secs => %(owner_timeout_s)s) THEN false
            ELSE its.expires_at < now() OR (%(may_repeat)s AND its.fingerprint = excluded.fingerprint)
        END
        RETURNING claim
    )
    SELECT 'mine', '', NULL FROM mine
    UNION ALL
    SELECT
        CASE
            WHEN answered_at IS NOT NULL THEN 'answered'
            WHEN beat_at < now() - make_interval(secs => %(owner_timeout_s)s) THEN 'lost'
            ELSE 'under way'
        END,
        fingerprint, answer
    FROM idempotent_answers WHERE place = %(place)s AND NOT EXISTS (SELECT FROM mine)
"""

IS_OVER = """
    SELECT NOT EXISTS (
        SELECT FROM idempotent_answers
        WHERE place = %(place)s AND answered_at IS NULL
            AND beat_at >= now() - make_interval(secs => %(owner_timeout_s)s)
    )
"""

KEEP = """
    UPDATE idempotent_answers
    SET answered_at = now(), answer = %(answer)s, expires_at = now() + make_interval(secs => %(keep_s)s)
    WHERE claim = %(claim)s AND answered_at IS NULL
"""

FREE = "DELETE FROM idempotent_answers WHERE claim = %(claim)s AND answered_at IS NULL"

BEAT = "UPDATE idempotent_answers SET beat_at = now() WHERE claim = ANY(%s) AND answered_at IS NULL"

FORGET = """
    DELETE FROM idempotent_answers WHERE expires_at < now()
        AND (answered_at IS NOT NULL OR beat_at < now() - make_interval(secs => %(owner_timeout_s)s))
"""

# The newest stay. The key stays, too: it must not be answered, and paid for, once more.
TRIM = """
    UPDATE idempotent_answers AS its SET answer = NULL
    FROM (
        SELECT place,
            sum(octet_length(answer)) OVER (PARTITION BY tenant ORDER BY answered_at DESC, place) AS bytes
        FROM idempotent_answers WHERE answer IS NOT NULL
    ) AS kept
    WHERE its.place = kept.place AND kept.bytes > %(max_tenant_bytes)s AND its.answer IS NOT NULL
"""

_KEPT = msgspec.msgpack.Decoder(Kept)


class Mine(msgspec.Struct, frozen=True):
    """The key is ours: we answer, and `claim` is what we store the answer by."""

    claim: str


class Answered(msgspec.Struct, frozen=True):
    """The key was answered; `kept` is None where the answer was too long to be kept, or gave way."""

    fingerprint: str
    kept: Kept | None


class UnderWay(msgspec.Struct, frozen=True):
    """Somebody else answers; `is_lost` where nothing was heard of them for too long."""

    fingerprint: str
    is_lost: bool


Found = Mine | Answered | UnderWay


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim ended: with an answer, None where that is too long to be kept; or `is_free`, with none."""

    claim: str
    kept: Kept | None = None
    is_free: bool = False

    @property
    def size(self) -> int:
        """The bytes of its answer."""
        return len(self.kept.body) if self.kept else 0


class IdempotencyStore:
    """Any number of processes may use it at once; no clock but the database's counts.

    Each method raises what `storage.database.Database.connection` does.
    """

    def __init__(self, database: Database, settings: IdempotencySettings) -> None:
        self._database = database
        self._settings = settings

    async def claim(self, request: Named, claim: str) -> Found:
        """Make `request` ours, or return what became of it; of many who claim at once one gets `Mine`.

        What has expired is claimed anew, and so is what is lost where `after_crash` says `repeat`.
        """
        settings = self._settings
        values = {
            **msgspec.structs.asdict(request),
            **self._times,
            "claim": claim,
            "may_repeat": settings.after_crash == "repeat",
        }
        async with self._database.connection(autocommit=True) as connection:
            while (row := await (await connection.execute(CLAIM, values)).fetchone()) is None:
                pass
        state, fingerprint, answer = row
        if state == "mine":
            return Mine(claim)
        if state == "answered":
            return Answered(fingerprint, None if answer is None else _KEPT.decode(answer))
        return UnderWay(fingerprint, is_lost=state == "lost")

    async def is_over(self, place: str) -> bool:
        """Say whether nobody answers what is at `place` any more: it is answered, free, or lost."""
        async with self._database.connection(autocommit=True) as connection:
            row = await (await connection.execute(IS_OVER, {"place": place, **self._times})).fetchone()
        return bool(row and row[0])

    async def end(self, ending: Ending) -> bool:
        """Store how a claim ended; False where it is not ours any more, and nothing was stored."""
        answer = None if ending.kept is None else msgspec.msgpack.encode(ending.kept)
        values = {"claim": ending.claim, "answer": answer, **self._times}
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FREE if ending.is_free else KEEP, values)).rowcount > 0

    async def beat(self, claims: Collection[str]) -> None:
        """Say that we live and answer `claims`."""
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(BEAT, ([*claims],))

    async def forget(self) -> int:
        """Delete what has expired and is not under way; return how many answers that were."""
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET, self._times)).rowcount

    async def trim(self) -> int:
        """Drop the oldest answers of each tenant beyond so many bytes, not their keys; return how many."""
        values = {"max_tenant_bytes": self._settings.max_tenant_bytes}
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(TRIM, values)).rowcount

    @property
    def _times(self) -> dict[str, float]:
        return {"keep_s": self._settings.keep_s, "owner_timeout_s": self._settings.owner_timeout_s}
