"""What the calls of features came to of late, for whoever compares it with their targets."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from buttress.storage.database import Database

AT_MOST = 10_000
"""How many calls of a feature are looked at, the newest: so many say it as well as all of them."""

# What a span says of the latency budget is looked for only where a feature has one: it is most of the row.
FIGURES = """
    SELECT asked.feature, count(*), count(one.cost_nanodollars),
        coalesce(avg(one.cost_nanodollars), 0)::double precision,
        count(*) FILTER (WHERE one.is_late_first), count(*) FILTER (WHERE one.is_late)
    FROM unnest(%(features)s::text[], %(timed)s::boolean[]) AS asked (feature, is_timed)
    CROSS JOIN LATERAL (
        SELECT cost_nanodollars,
            asked.is_timed AND spans @? '$[*].data.latency.first_token_ms.missed ? (@ == true)'
                AS is_late_first,
            asked.is_timed AND spans @? '$[*].data.latency.total_ms.missed ? (@ == true)' AS is_late
        FROM traces
        WHERE traces.feature = asked.feature AND kind = 'feature' AND started_at > %(since)s
            AND outcome NOT IN ('refused', 'lost')
        ORDER BY started_at DESC LIMIT %(at_most)s
    ) AS one
    GROUP BY asked.feature
"""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of a feature came to, those apart that were refused before any work, or lost.

    `mean_nanodollars` is of the `priced` ones, whose cost is known. `missed` counts the calls that did not
    keep a limit of the latency budget they had, by its name.
    """

    calls: int
    priced: int
    mean_nanodollars: float
    missed: dict[str, int]


class FigureStore:
    """Figures over the traces of all tenants: a target is the feature's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, features: Mapping[str, bool], since: datetime) -> dict[str, Figures]:
        """Return the figures of `features` since a moment; True: its limits are looked at, too.

        A feature without calls has none.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        values = {
            "features": list(features),
            "timed": list(features.values()),
            "since": since,
            "at_most": AT_MOST,
        }
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(FIGURES, values)).fetchall()
        return {
            feature: Figures(
                calls=calls,
                priced=priced,
                mean_nanodollars=mean,
                missed={"first_token_ms": late_first, "total_ms": late},
            )
            for feature, calls, priced, mean, late_first, late in rows
        }
