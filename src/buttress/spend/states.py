"""How every account of every budget stands: for people, who want to know what is left and until when."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget, Sight, current_window
from buttress.spend.windows import Window
from buttress.storage.database import Database

MAX_ACCOUNTS = 10_000
"""Of each budget so many accounts are told at most."""

# Sums in numeric, which has no end. Whoever was cut otherwise before the file was edited has other owners.
LOOK = """
    SELECT owner, sum(used),
        coalesce(sum(greatest(0, granted - used - returned)) FILTER (WHERE NOT is_ended), 0),
        sum(assumed), sum(unpriced)
    FROM ledger_leases
    WHERE budget = %(budget)s AND cardinality(owner) = %(parts)s AND window_start >= %(counts_from)s
        AND (%(counts_until)s::timestamptz IS NULL OR window_start < %(counts_until)s){only}
    GROUP BY owner ORDER BY 2 DESC, owner LIMIT %(most)s
"""


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """An account in its window of now; money in nano-dollars.

    `held` may still be spent by calls under way, or by workers without asking. Of `used`, so much is only
    `assumed`: what a killed process had under way. `unpriced` counts attempts whose cost nobody knows.
    `ends_at` None: its window never ends. Who has spent nothing yet has no account, but where a budget has
    only one.
    """

    budget: str
    owner: dict[str, str]
    limit: NanoDollars
    is_hard: bool
    window: str
    ends_at: datetime | None
    used: NanoDollars
    held: NanoDollars
    assumed: NanoDollars
    unpriced: int

    @property
    def left(self) -> int:
        """What can still be spent by anybody who asks; below 0 where more was spent than there was."""
        return self.limit - self.used - self.held


async def account_states(
    database: Database, budgets: Sequence[Budget], now: datetime, most: int = 20, sight: Sight | None = None
) -> list[AccountState]:
    """Return the accounts of `budgets` at `now`: of each budget the `most` that have spent most, in order.

    Those only that are all in `sight`; an account that others share is in the sight of who may see everybody.

    Raises:
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    found = []
    seen = [(one, parts) for one in budgets if (parts := _seen(one, sight or {})) is not None]
    async with database.connection(autocommit=True) as connection:
        for budget, parts in seen:
            window = current_window(budget, now)
            values = {"budget": budget.name, "parts": len(budget.per), "most": most}
            values |= {"counts_from": window.counts_from, "counts_until": window.counts_until}
            values |= {f"of_{at}": sorted(among) for at, among in parts.items()}
            only = "".join(f" AND owner[{at}] = ANY(%(of_{at})s)" for at in parts)
            rows = await (await connection.execute(LOOK.format(only=only), values)).fetchall()
            unspent = [] if budget.per else [()]
            found += [_state(budget, window, _row(row)) for row in rows or unspent]
    return found


def _seen(budget: Budget, sight: Sight) -> dict[int, Collection[str]] | None:
    """Return which values the owners of accounts in `sight` have, by their place; None: there are none."""
    parts = {}
    for dimension, among in sight.items():
        if dimension in budget.per:
            parts[budget.per.index(dimension) + 1] = among
        elif budget.where.get(dimension) not in among:
            return None
    return parts


class _Row(msgspec.Struct, frozen=True, array_like=True):
    owner: Sequence[str] = ()
    used: int = 0
    held: int = 0
    assumed: int = 0
    unpriced: int = 0


def _row(row: Sequence[object]) -> _Row:
    return msgspec.convert([*row[:1], *(int(str(one)) for one in row[1:])], _Row)


def _state(budget: Budget, window: Window, row: _Row) -> AccountState:
    return AccountState(
        budget=budget.name,
        owner=dict(zip(budget.per, row.owner, strict=False)),
        limit=budget.limit,
        is_hard=budget.hard,
        window=budget.window,
        ends_at=window.end,
        used=NanoDollars(row.used),
        held=NanoDollars(row.held),
        assumed=NanoDollars(row.assumed),
        unpriced=row.unpriced,
    )
