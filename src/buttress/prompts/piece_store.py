"""What models said of pieces of long texts, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from psycopg.errors import ForeignKeyViolation

from buttress.prompts.reading_types import PieceAnswer
from buttress.storage.database import Database
from buttress.storage.translation import storable

KEPT = """
    SELECT tenant, digest, feature, coalesce(knowledge, ''), coalesce(document_id, ''), answer, model, tokens,
        cost_nanodollars
    FROM piece_answers WHERE tenant = %s AND digest = any(%s)
"""

KEEP = """
    INSERT INTO piece_answers (tenant, digest, feature, knowledge, document_id, answer, model, tokens,
        cost_nanodollars, made_at)
    VALUES (%(tenant)s, %(digest)s, %(feature)s, nullif(%(knowledge)s, ''), nullif(%(document_id)s, ''),
        %(answer)s, %(model)s, %(tokens)s, %(cost_nanodollars)s, %(made_at)s)
    ON CONFLICT (tenant, digest) DO NOTHING
"""

FORGET = "DELETE FROM piece_answers WHERE made_at < %s"


class PieceStore:
    """Answers by tenant and digest. Each method raises what `Database.connection` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def kept(self, tenant: str, digests: Sequence[str]) -> Mapping[str, PieceAnswer]:
        """Return what is kept under `digests`, by these."""
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(KEPT, (tenant, list(digests)))).fetchall()
        names = PieceAnswer.__struct_fields__
        found = [msgspec.convert(dict(zip(names, row, strict=True)), PieceAnswer) for row in rows]
        return {one.digest: one for one in found}

    async def keep(self, answer: PieceAnswer, made_at: datetime) -> bool:
        """Keep `answer`, unless one is there; False when its document is not there any more."""
        values = {**msgspec.structs.asdict(answer), "made_at": made_at, "answer": storable(answer.answer)}
        try:
            async with self._database.connection(autocommit=True) as connection:
                await connection.execute(KEEP, values)
        except ForeignKeyViolation:
            return False
        return True

    async def forget_before(self, moment: datetime) -> int:
        """Delete the answers that were made before `moment`; return how many there were."""
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET, (moment,))).rowcount
