"""What calls cost, summed up from their traces: by whom and what they were asked."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.storage.database import Database

Dimension = Literal["tenant", "feature", "user", "key", "model", "day"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_COLUMNS: dict[Dimension, str] = {
    "tenant": "traces.tenant",
    "feature": "traces.feature",
    "user": "coalesce(traces.user_id, '')",
    "key": "coalesce(traces.key_id, '')",
    "model": "coalesce(attempt.model, '')",
    "day": "to_char(traces.started_at AT TIME ZONE %(zone)s, 'YYYY-MM-DD')",
}

# Each attempt by itself: a call that fell back was paid at two models.
SPENT = """
    SELECT {columns},
        count(DISTINCT traces.trace_id), count(attempt.model),
        coalesce(sum(attempt.cost), 0)::bigint,
        count(*) FILTER (WHERE attempt.model IS NOT NULL AND attempt.cost IS NULL),
        coalesce(sum(attempt.tokens), 0)::bigint
    FROM traces LEFT JOIN LATERAL (
        SELECT one.model, one.cost, (SELECT sum(value::bigint) FROM jsonb_each_text(one.usage)) AS tokens
        FROM jsonb_to_recordset(traces.attempts) AS one (model text, cost bigint, usage jsonb)
    ) AS attempt ON true
    WHERE traces.started_at >= %(since)s{only}
    GROUP BY {positions} ORDER BY {order} LIMIT %(most)s
"""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a group of calls cost, in nano-dollars; `unpriced` counts attempts whose cost nobody knows.

    `of` says which group: a value for each dimension, empty where a call has none there.
    """

    of: dict[Dimension, str]
    calls: int
    attempts: int
    cost: NanoDollars
    unpriced: int
    tokens: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted: the sums since then, divided `by`, the `most` dearest groups.

    Of calls that have one of these values in each dimension of `only`; all others are left out. Days are
    those of the time zone `zone`, and stand in their order.
    """

    since: datetime
    by: Sequence[Dimension] = ("feature",)
    only: Mapping[Dimension, Collection[str]] = {}
    zone: str = "UTC"
    most: int = 50


async def spent(database: Database, asked: Asked) -> list[Spent]:
    """Return what was spent.

    Raises:
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    by = list(dict.fromkeys(asked.by))
    columns = ", ".join(_COLUMNS[dimension] for dimension in by) or "''"
    days = [str(at + 1) for at, dimension in enumerate(by) if dimension == "day"]
    width = max(1, len(by))
    positions = ", ".join(str(at + 1) for at in range(width))
    order = ", ".join([*days, f"{width + 3} DESC", positions])
    only = "".join(f" AND {_COLUMNS[dimension]} = ANY(%(only_{dimension})s)" for dimension in asked.only)
    query = SPENT.format(columns=columns, positions=positions, order=order, only=only)
    values = {"since": asked.since, "zone": asked.zone, "most": asked.most}
    values |= {f"only_{dimension}": sorted(among) for dimension, among in asked.only.items()}
    async with database.connection(autocommit=True) as connection:
        rows = await (await connection.execute(query, values)).fetchall()
    return [_group(by, row[:width], row[width:]) for row in rows if row[width]]


def _group(by: list[Dimension], names: Sequence[str], sums: Sequence[int]) -> Spent:
    calls, attempts, cost, unpriced, tokens = sums
    return Spent(
        of=dict(zip(by, names, strict=False)),
        calls=calls,
        attempts=attempts,
        cost=NanoDollars(cost),
        unpriced=unpriced,
        tokens=tokens,
    )
