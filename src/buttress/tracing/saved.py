"""What answers that were given again have saved, summed up from the traces of their calls."""

from datetime import datetime

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.storage.database import Database

# The steps `recall` and `follow` note whose answer a call was given (`of`), and what that one took.
SAVED = """
    SELECT traces.tenant, traces.feature, count(*),
        coalesce(sum((span -> 'data' ->> 'saved_tokens')::bigint), 0)::bigint,
        coalesce(sum((span -> 'data' ->> 'saved_nanodollars')::bigint), 0)::bigint,
        count(*) FILTER (WHERE span -> 'data' ->> 'saved_nanodollars' IS NULL)
    FROM traces CROSS JOIN LATERAL jsonb_array_elements(traces.spans) AS span
    WHERE traces.started_at >= %(since)s
        AND span ->> 'name' IN ('recall', 'follow') AND span -> 'data' ? 'of'
        AND (%(tenant)s::text IS NULL OR traces.tenant = %(tenant)s)
        AND (%(feature)s::text IS NULL OR traces.feature = %(feature)s)
    GROUP BY traces.tenant, traces.feature ORDER BY 5 DESC, traces.tenant, traces.feature
"""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What `hits` calls of a feature did not cost, in tokens and nano-dollars.

    Of `unpriced` of them nobody knows what they would have cost; that is not in the sum.
    """

    tenant: str
    feature: str
    hits: int
    tokens: int
    cost: NanoDollars
    unpriced: int


async def saved(
    database: Database, since: datetime, *, tenant: str | None = None, feature: str | None = None
) -> list[Saved]:
    """Return what was saved since then, by tenant and feature, the most first.

    Raises:
        StorageUnavailable: the database is away.
    """
    asked = {"since": since, "tenant": tenant, "feature": feature}
    async with database.connection() as connection:
        rows = await (await connection.execute(SAVED, asked)).fetchall()
    names = Saved.__struct_fields__
    return [msgspec.convert(dict(zip(names, row, strict=True)), Saved) for row in rows]
