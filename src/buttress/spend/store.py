"""The ledger in PostgreSQL: what is granted of each budget, and what is known of each lease."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import AccountKey, Due
from buttress.spend.errors import LeaseEnded, LedgerBehind
from buttress.spend.leases import MOST, Holding, assumed, grant_of
from buttress.storage.connecting import Connection
from buttress.storage.database import Database

# A statement of its own: the sums are to be read after the lock was had, not before it was waited for.
LOCK = """
    INSERT INTO ledger_owners (budget, owner) VALUES (%(budget)s, %(owner)s)
    ON CONFLICT (budget, owner) DO UPDATE SET budget = excluded.budget
"""

SUMS = """
    SELECT least(coalesce(sum(used), 0), %(most)s)::bigint,
        least(
            coalesce(sum(greatest(0, granted - used - returned)) FILTER (WHERE NOT is_ended), 0), %(most)s
        )::bigint,
        coalesce(max(granted) FILTER (WHERE lease = %(lease)s), 0)::bigint,
        coalesce(max(greatest(0, used + returned - granted)) FILTER (WHERE lease = %(lease)s), 0)::bigint,
        (SELECT number FROM ledger_grants)
    FROM ledger_leases
    WHERE budget = %(budget)s AND owner = %(owner)s AND window_start >= %(counts_from)s
        AND (%(counts_until)s::timestamptz IS NULL OR window_start < %(counts_until)s)
"""

GRANT = """
    INSERT INTO ledger_leases
        (lease, worker, budget, owner, window_start, granted, used, returned, assumed, unpriced, is_ended)
    VALUES (%(lease)s, %(worker)s, %(budget)s, %(owner)s, %(start)s, %(amount)s, 0, 0, 0, 0, false)
    ON CONFLICT (lease) DO UPDATE SET
        granted = least(ledger_leases.granted + excluded.granted, %(most)s), changed_at = now()
    WHERE NOT ledger_leases.is_ended
    RETURNING granted
"""

# Whatever others hold, it would not do: alerts want to know, and need not be told of each call.
REFUSED = """
    UPDATE ledger_owners SET refused_at = now(), refused_limit = %(limit)s
    WHERE budget = %(budget)s AND owner = %(owner)s
        AND (refused_at IS NULL OR refused_at < now() - interval '10 seconds' OR refused_limit <> %(limit)s)
"""

# The last thing before the end: whoever grants anything waits for this row.
NUMBER = "UPDATE ledger_grants SET number = number + 1 RETURNING number"

NEWEST = "SELECT number FROM ledger_grants"

CATCH_UP = """
    UPDATE ledger_grants SET number = greatest(number, %(seen)s), learned_until = greatest(number, %(seen)s)
"""

LEARNED = "SELECT learned_until FROM ledger_grants"

# In the order of their ids: two that tell of the same leases must not wait for each other.
TELL = """
    INSERT INTO ledger_leases
        (lease, worker, budget, owner, window_start, granted, used, returned, assumed, unpriced, is_ended)
    SELECT lease, worker, budget, owner, window_start, granted, used, returned, assumed, unpriced, is_ended
    FROM jsonb_to_recordset(%s::jsonb) AS told (
        lease text, worker text, budget text, owner text[], window_start timestamptz,
        granted bigint, used bigint, returned bigint, assumed bigint, unpriced bigint, is_ended boolean
    )
    ORDER BY lease
    ON CONFLICT (lease) DO UPDATE SET
        granted = greatest(ledger_leases.granted, excluded.granted),
        used = greatest(ledger_leases.used, excluded.used),
        returned = greatest(ledger_leases.returned, excluded.returned),
        assumed = greatest(ledger_leases.assumed, excluded.assumed),
        unpriced = greatest(ledger_leases.unpriced, excluded.unpriced),
        is_ended = ledger_leases.is_ended OR excluded.is_ended,
        changed_at = now()
"""

# Whoever has had a number, and was killed before the end of the grant, is waited for here.
BARRIER = "SELECT number FROM ledger_grants FOR SHARE"

RUNNING = """
    SELECT lease, budget, owner, window_start, granted, used, returned, assumed, unpriced FROM ledger_leases
    WHERE worker = %s AND NOT is_ended ORDER BY lease
"""

# What began with 1970 never ends.
FORGET = """
    DELETE FROM ledger_leases WHERE lease IN (
        SELECT lease FROM ledger_leases
        WHERE is_ended AND window_start > 'epoch'
            AND window_start < now() - make_interval(secs => %(older_than_s)s)
            AND changed_at < now() - make_interval(secs => %(quiet_s)s)
        LIMIT %(at_once)s
    )
"""

AT_ONCE = 1_000
"""Leases in one statement: more would hold up whoever else is served here."""


Values = Sequence[object] | Mapping[str, object] | None


class Report(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a worker tells of one of its leases: a record of its journal.

    `reserved` are the nano-dollars that attempts under way may cost: what may have been spent if nothing more
    is heard. It is told to nobody but whoever reads the journal. `grant` is the number of the newest grant.
    """

    lease: str
    worker: str
    account: AccountKey
    holding: Holding
    reserved: NanoDollars = NanoDollars(0)
    grant: int = 0


class Grant(msgspec.Struct, frozen=True):
    """What a lease has been granted in all, in nano-dollars, and the number of the grant.

    `used` is what all that draw from the account had spent then, as far as they had told.
    """

    total: NanoDollars
    number: int
    used: int = 0


class Balance(msgspec.Struct, frozen=True):
    """What of an account was used, and what workers may still spend, in nano-dollars."""

    used: int
    held: int


class Refusal(msgspec.Struct, frozen=True):
    """How it stands where there is not so much left; `granted` is what the lease has in all.

    It may be more than its worker knows of: the answer to an earlier grant was lost.
    """

    balance: Balance
    granted: Grant


class _Running(msgspec.Struct, frozen=True):
    lease: str
    budget: str
    owner: tuple[str, ...]
    start: datetime
    granted: NanoDollars
    used: NanoDollars
    returned: NanoDollars
    assumed: NanoDollars
    unpriced: int


class _Sums(msgspec.Struct, frozen=True):
    """An account, one lease of it (its debt is what it used beyond its grants), and the newest grant."""

    used: int = 0
    held: int = 0
    granted: int = 0
    debt: int = 0
    newest: int = 0


class Ledger:
    """The accounts of every budget. Any number of processes may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grant(
        self,
        due: Due,
        lease: str,
        worker: str,
        needed: NanoDollars,
        seen: int = 0,
        worst: NanoDollars = NanoDollars(0),  # noqa: B008 - a number
    ) -> Grant | Refusal:
        """Give `lease` of `worker` at least `needed` more; how it stands where there is not so much left.

        `seen` is the highest number of a grant that anybody is known to have had. `worst` is what the call
        needs with what its worker has already: where all of the limit would not do, it is noted as refused.
        What the lease has used beyond its grants counts as used already, and is not to be had twice.

        Raises:
            LedgerBehind: the database does not know of that one: it was restored, and must learn first.
            LeaseEnded: its worker was taken for gone.
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        limit, account = due.budget.limit, _asked(due, lease)
        async with self._database.connection() as connection:
            await connection.execute(LOCK, account)
            sums = await _sums(connection, account)
            amount = grant_of(max(0, limit - sums.used - sums.held + sums.debt), needed)
            if amount is None:
                _require(sums.newest, seen)
                if sums.used + (worst or needed) > limit:
                    await connection.execute(REFUSED, account | {"limit": limit})
                held = Grant(NanoDollars(sums.granted), sums.newest)
                return Refusal(Balance(sums.used, sums.held), held)
            total = await _number(connection, GRANT, account | {"worker": worker, "amount": amount}, -1)
            if total < 0:
                raise LeaseEnded(f"the lease {lease} was ended by somebody else")
            number = await _number(connection, NUMBER)
            _require(number - 1, seen)  # the grant is taken back with the transaction
        return Grant(NanoDollars(total), number, sums.used)

    async def newest_grant(self) -> int:
        """Return the number of the newest grant that the database knows of.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        async with self._database.connection(autocommit=True) as connection:
            return await _number(connection, NEWEST)

    async def catch_up(self, number: int) -> None:
        """Take `number` for the newest grant's: all that was granted up to it has been told again.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(CATCH_UP, {"seen": number})

    async def learned_until(self) -> int:
        """Return the number of the newest grant when a restored database last learned again; 0: it never did.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        async with self._database.connection(autocommit=True) as connection:
            return await _number(connection, LEARNED)

    async def tell(self, reports: Iterable[Report]) -> None:
        """Take notice of what workers say of their leases; in any order, as often as they like.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        for rows in await asyncio.to_thread(_batches, reports):
            async with self._database.connection(autocommit=True) as connection:
                await connection.execute(TELL, (rows,))

    async def bury(self, worker: str, under_way: Mapping[str, NanoDollars] | None) -> list[Report]:
        """End the leases of a worker that is gone; return how they ended.

        `under_way` is what was reserved under each lease, as `leases.assumed` takes it: of one that is not
        named there, nothing. None: nobody knows.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(BARRIER)
            rows = await (await connection.execute(RUNNING, (worker,))).fetchall()
        ended = await asyncio.to_thread(_all_ended, worker, rows, under_way)
        await self.tell(ended)
        return ended

    async def forget(self, older_than_s: float, quiet_s: float) -> int:
        """Delete ended leases of windows that began so long ago; return how many.

        Not those of which anything was told within `quiet_s`, and none of a window that never ends.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        values = {"older_than_s": older_than_s, "quiet_s": quiet_s, "at_once": AT_ONCE}
        forgotten, more = 0, True
        while more:
            async with self._database.connection(autocommit=True) as connection:
                deleted = (await connection.execute(FORGET, values)).rowcount
            forgotten, more = forgotten + deleted, deleted == AT_ONCE
        return forgotten

    async def balance(self, due: Due) -> Balance:
        """Return how it stands with an account.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        async with self._database.connection() as connection:
            sums = await _sums(connection, _asked(due, ""))
        return Balance(sums.used, sums.held)


async def _sums(connection: Connection, account: Mapping[str, object]) -> _Sums:
    row = await (await connection.execute(SUMS, account)).fetchone()
    return _Sums(*row) if row else _Sums()


async def _number(connection: Connection, query: str, values: Values = None, nothing: int = 0) -> int:
    row = await (await connection.execute(query, values)).fetchone()
    return int(row[0]) if row else nothing


def _require(newest: int, seen: int) -> None:
    """Go on unless the database has forgotten grants: its balances are then of no use."""
    if newest < seen:
        raise LedgerBehind(f"the ledger is at grant {newest:,}, and {seen:,} was given before")


def _asked(due: Due, lease: str) -> dict[str, object]:
    key, window = due.key, due.window
    return {
        "budget": key.budget,
        "owner": list(key.owner),
        "start": key.start,
        "counts_from": window.counts_from,
        "counts_until": window.counts_until,
        "lease": lease,
        "most": MOST,
    }


def _batches(reports: Iterable[Report]) -> list[str]:
    """Return the newest report of each lease as JSON, `AT_ONCE` of them in each text."""
    newest = {one.lease: one for one in sorted(reports, key=lambda one: _age(one.holding))}
    leases = sorted(newest)
    return [
        msgspec.json.encode([_row(newest[lease]) for lease in leases[start : start + AT_ONCE]]).decode()
        for start in range(0, len(leases), AT_ONCE)
    ]


def _all_ended(
    worker: str, rows: Iterable[Sequence[object]], under_way: Mapping[str, NanoDollars] | None
) -> list[Report]:
    return [_ended(worker, row, under_way) for row in rows]


def _ended(worker: str, row: Sequence[object], under_way: Mapping[str, NanoDollars] | None) -> Report:
    """Return the last report of a lease, as whoever buries its worker writes it."""
    names = (*("lease", "budget", "owner", "start"), *("granted", "used", "returned", "assumed", "unpriced"))
    known = msgspec.convert(dict(zip(names, row, strict=True)), _Running)
    reserved = under_way.get(known.lease, NanoDollars(0)) if under_way is not None else None
    holding = Holding(known.granted, known.used, known.returned, known.assumed, known.unpriced)
    account = AccountKey(known.budget, known.owner, known.start)
    return Report(lease=known.lease, worker=worker, account=account, holding=assumed(holding, reserved))


def _age(holding: Holding) -> tuple[int, int, int, int, int, bool]:
    """Return what grows from report to report of one lease: the newest one says it all."""
    return (
        *(holding.granted, holding.used, holding.returned),
        *(holding.assumed, holding.unpriced, holding.is_ended),
    )


def _row(report: Report) -> dict[str, object]:
    account, holding = report.account, report.holding
    return {
        "lease": report.lease,
        "worker": report.worker,
        "budget": account.budget,
        "owner": account.owner,
        "window_start": account.start,
        **{name: min(sum_, MOST) for name, sum_ in msgspec.structs.asdict(holding).items()},
    }
