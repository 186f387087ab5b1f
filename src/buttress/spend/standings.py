"""How all accounts of the budgets stand, for whoever raises alerts: one look at the ledger."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.spend.alerts import Standing, least_used
from buttress.spend.budgets import Budget, current_window
from buttress.storage.database import Database

# Only accounts that have reached the lowest share, or refused: there may be one for each user. What was
# refused under another limit says nothing of this one.
LOOK = """
    SELECT asked.budget, standing.owner, standing.used, standing.is_refusing
    FROM jsonb_to_recordset(%s::jsonb) AS asked (
        budget text, parts integer, counts_from timestamptz, counts_until timestamptz,
        window_start timestamptz, lowest bigint, whole bigint
    )
    CROSS JOIN LATERAL (
        SELECT owner, least(sum(used), 1e18)::bigint AS used, bool_or(is_refusing) AS is_refusing
        FROM (
            SELECT owner, used, false AS is_refusing FROM ledger_leases
            WHERE budget = asked.budget AND window_start >= asked.counts_from
                AND (asked.counts_until IS NULL OR window_start < asked.counts_until)
            UNION ALL
            SELECT owner, 0, true FROM ledger_owners
            WHERE budget = asked.budget AND refused_at >= asked.window_start AND refused_limit = asked.whole
        ) AS parts
        GROUP BY owner
    ) AS standing
    WHERE cardinality(standing.owner) = asked.parts
        AND (standing.used >= asked.lowest OR standing.is_refusing)
"""


class Standings:
    """The accounts of every budget as they stand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, budgets: Sequence[Budget], now: datetime) -> list[Standing]:
        """Return the accounts that have reached a share at which their budget alerts, in windows at `now`.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        asked = msgspec.json.encode([_asked(one, now) for one in budgets if one.alerts])
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(LOOK, (asked.decode(),))).fetchall()
        return [
            Standing(budget=name, owner=tuple(owner), used=NanoDollars(used), is_refusing=is_refusing)
            for name, owner, used, is_refusing in rows
        ]


def _asked(budget: Budget, now: datetime) -> dict[str, object]:
    window = current_window(budget, now)
    return {
        "budget": budget.name,
        "parts": len(budget.per),
        "counts_from": window.counts_from,
        "counts_until": window.counts_until,
        "window_start": window.start,
        "whole": budget.limit,
        "lowest": least_used(budget, min(budget.alerts)),
    }
