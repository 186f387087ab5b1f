"""The ledger in PostgreSQL: what is granted of each budget, and what is known of each lease."""

from collections.abc import Iterable

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import AccountKey, Due
from buttress.spend.leases import Holding, assumed, grant_of
from buttress.storage.database import Database

# A statement of its own: the sums are to be read after the lock was had, not before it was waited for.
LOCK = """
    INSERT INTO ledger_owners (budget, owner) VALUES (%(budget)s, %(owner)s)
    ON CONFLICT (budget, owner) DO UPDATE SET budget = excluded.budget
"""

SUMS = """
    SELECT coalesce(sum(used), 0)::bigint,
        coalesce(sum(greatest(0, granted - used - returned)) FILTER (WHERE NOT is_ended), 0)::bigint
    FROM ledger_leases
    WHERE budget = %(budget)s AND owner = %(owner)s AND window_start >= %(counts_from)s
"""

GRANT = """
    INSERT INTO ledger_leases
        (lease, worker, budget, owner, window_start, granted, used, returned, is_ended)
    VALUES (%(lease)s, %(worker)s, %(budget)s, %(owner)s, %(start)s, %(amount)s, 0, 0, false)
    ON CONFLICT (lease) DO UPDATE SET granted = ledger_leases.granted + excluded.granted, changed_at = now()
    RETURNING granted, nextval('ledger_grants')
"""

# In the order of their ids: two that tell of the same leases must not wait for each other.
TELL = """
    INSERT INTO ledger_leases
        (lease, worker, budget, owner, window_start, granted, used, returned, is_ended)
    SELECT lease, worker, budget, owner, window_start, granted, used, returned, is_ended
    FROM jsonb_to_recordset(%s::jsonb) AS told (
        lease text, worker text, budget text, owner text[], window_start timestamptz,
        granted bigint, used bigint, returned bigint, is_ended boolean
    )
    ORDER BY lease
    ON CONFLICT (lease) DO UPDATE SET
        granted = greatest(ledger_leases.granted, excluded.granted),
        used = greatest(ledger_leases.used, excluded.used),
        returned = greatest(ledger_leases.returned, excluded.returned),
        is_ended = ledger_leases.is_ended OR excluded.is_ended,
        changed_at = now()
"""

KNOWN = """
    SELECT granted, used, returned, is_ended FROM ledger_leases WHERE lease = %s FOR UPDATE
"""

BURY = """
    UPDATE ledger_leases SET used = %(used)s, is_ended = true, changed_at = now() WHERE lease = %(lease)s
"""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker tells of one of its leases: a record of its spool."""

    lease: str
    worker: str
    account: AccountKey
    holding: Holding


class Grant(msgspec.Struct, frozen=True):
    """What a lease has been granted in all, in nano-dollars, and the number of the grant."""

    total: NanoDollars
    number: int


class Balance(msgspec.Struct, frozen=True):
    """What of an account was used, and what workers may still spend, in nano-dollars."""

    used: int
    held: int


class Ledger:
    """The accounts of every budget. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grant(self, due: Due, lease: str, worker: str, needed: NanoDollars) -> Grant | None:
        """Give `lease` of `worker` at least `needed` more; None where there is not so much left.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        account = _values(due.key) | {"counts_from": due.window.counts_from}
        async with self._database.connection() as connection:
            await connection.execute(LOCK, account)
            row = await (await connection.execute(SUMS, account)).fetchone()
            used, held = row or (0, 0)
            amount = grant_of(max(0, due.budget.limit - used - held), needed)
            if amount is None:
                return None
            values = account | {"lease": lease, "worker": worker, "amount": amount}
            granted = await (await connection.execute(GRANT, values)).fetchone()
        return Grant(NanoDollars(granted[0]), granted[1]) if granted else None

    async def tell(self, reports: Iterable[Report]) -> None:
        """Take notice of what workers say of their leases; in any order, as often as they like.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        newest = {one.lease: one for one in sorted(reports, key=lambda one: _age(one.holding))}
        rows = [_row(one) for one in newest.values()]
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(TELL, (msgspec.json.encode(rows).decode(),))

    async def bury(self, lease: str, under_way: NanoDollars | None) -> None:
        """End the lease of a worker that is gone; see `leases.assumed`. One that is not known stays unknown.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        async with self._database.connection() as connection:
            row = await (await connection.execute(KNOWN, (lease,))).fetchone()
            if row is None:
                return
            granted, used, returned, is_ended = row
            known = Holding(granted=granted, used=used, returned=returned, is_ended=is_ended)
            if not is_ended:
                await connection.execute(BURY, {"lease": lease, "used": assumed(known, under_way).used})

    async def balance(self, due: Due) -> Balance:
        """Return how it stands with an account.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        account = _values(due.key) | {"counts_from": due.window.counts_from}
        async with self._database.connection() as connection:
            row = await (await connection.execute(SUMS, account)).fetchone()
        return Balance(*(row or (0, 0)))


def _values(key: AccountKey) -> dict[str, object]:
    return {"budget": key.budget, "owner": list(key.owner), "start": key.start}


def _age(holding: Holding) -> tuple[int, int, int, bool]:
    """Return what grows from report to report of one lease: the newest one says it all."""
    return holding.granted, holding.used, holding.returned, holding.is_ended


def _row(report: Report) -> dict[str, object]:
    account, holding = report.account, report.holding
    return {
        "lease": report.lease,
        "worker": report.worker,
        "budget": account.budget,
        "owner": account.owner,
        "window_start": account.start,
        **msgspec.structs.asdict(holding),
    }
