"""The ledger in a real PostgreSQL: many at once, and things that are told twice or late."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.errors import LeaseEnded, LedgerBehind
from buttress.spend.leases import MOST, Holding, Purse, assumed
from buttress.spend.store import Balance, Grant, Ledger, Refusal, Report
from buttress.spend.windows import Kind
from buttress.storage.database import Database
from tests.unit.spend.ledger import Account, granted, told

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_numbers = count()


def due(limit: int, moment: datetime = NOON, user: str = "anna", **changes: object) -> Due:
    """Return an account of a budget of its own, but for what `changes` says."""
    budget = Budget(name=f"b-{next(_numbers)}", limit=NanoDollars(limit), window="day", per=("user",))
    spender = Spender(Payer(tenant="default", feature="support", user=user), "small")
    return accounts_of([msgspec.structs.replace(budget, **changes)], spender, moment)[0]


def report(found: Due, lease: str, **holding: int) -> Report:
    said = msgspec.convert(holding, Holding)
    return Report(lease=lease, worker="calls-1", account=found.key, holding=said)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """The ledger."""
    return Ledger(database)


async def test_what_is_granted_is_held_until_it_is_used_or_given_back(ledger: Ledger) -> None:
    found, lease = due(1_000), f"l-{next(_numbers)}"
    grant = await ledger.grant(found, lease, "calls-1", NanoDollars(10))
    assert isinstance(grant, Grant)
    assert grant.total == 250
    assert await ledger.balance(found) == Balance(used=0, held=250)
    await ledger.tell([report(found, lease, granted=250, used=40, returned=60)])
    assert await ledger.balance(found) == Balance(used=40, held=150)
    more = await ledger.grant(found, lease, "calls-1", NanoDollars(600))
    assert isinstance(more, Grant)
    assert (more.total, more.number > grant.number) == (850, True)
    assert await ledger.grant(found, "other", "calls-2", NanoDollars(211)) == Refusal(
        Balance(used=40, held=750), Grant(NanoDollars(0), await ledger.newest_grant())
    )


async def test_late_and_repeated_reports_change_nothing(ledger: Ledger) -> None:
    found, lease = due(1_000), f"l-{next(_numbers)}"
    said = [report(found, lease, granted=500, used=used) for used in (0, 100, 200, 300)]
    ended = Report(
        lease=lease,
        worker="calls-1",
        account=found.key,
        holding=Holding(granted=NanoDollars(500), used=NanoDollars(300), is_ended=True),
    )
    for batch in ([said[3]], [said[0], said[2]], [ended], [said[1], said[1]], [ended, said[0]]):
        await ledger.tell(batch)
    assert await ledger.balance(found) == Balance(used=300, held=0)


async def test_accounts_do_not_touch_one_another(ledger: Ledger) -> None:
    anna, ben = due(100, name="shared", user="anna"), due(100, name="shared", user="ben")
    tomorrow = due(100, NOON + timedelta(days=1), name="shared", user="anna")
    for number, found in enumerate((anna, ben, tomorrow)):
        assert isinstance(await ledger.grant(found, f"shared-{number}", "calls-1", NanoDollars(100)), Grant)
        again = await ledger.grant(found, f"again-{number}", "calls-1", NanoDollars(1))
        assert isinstance(again, Refusal)
        assert (again.balance, again.granted.total) == (Balance(used=0, held=100), 0)


async def test_a_rolling_window_counts_its_parts_together(ledger: Ledger) -> None:
    hours = [
        due(100, NOON + timedelta(hours=hour), name="rolling", window="rolling") for hour in (0, 1, 24, 25)
    ]
    grants = [
        await ledger.grant(found, f"rolling-{number}", "calls-1", NanoDollars(60))
        for number, found in enumerate(hours)
    ]
    assert [isinstance(one, Grant) for one in grants] == [True, False, False, True]


async def test_a_worker_that_is_gone_is_buried_once(ledger: Ledger) -> None:
    found, lease = due(1_000), f"l-{next(_numbers)}"
    await ledger.grant(found, lease, lease, NanoDollars(400))
    await ledger.tell([report(found, lease, granted=400, used=100)])
    for under_way in ({lease: NanoDollars(50)}, None):
        await ledger.bury(lease, under_way)
    assert await ledger.balance(found) == Balance(used=150, held=0)
    assert await ledger.bury("of-nobody", None) == []


async def test_a_ledger_that_has_forgotten_grants_nothing_until_it_has_learned(ledger: Ledger) -> None:
    """Other tests grant at the same time: what is seen is far beyond what they come to."""
    found, lease = due(1_000), f"l-{next(_numbers)}"
    seen = await ledger.newest_grant() + 1_000_000
    for needed in (10, 5_000):
        with pytest.raises(LedgerBehind):
            await ledger.grant(found, lease, "calls-1", NanoDollars(needed), seen)
    assert await ledger.balance(found) == Balance(used=0, held=0)
    await ledger.catch_up(seen)
    grant = await ledger.grant(found, lease, "calls-1", NanoDollars(10), seen)
    assert isinstance(grant, Grant)
    assert grant.number > seen


@pytest.mark.parametrize("seed", range(6))
async def test_the_sql_says_what_the_pure_account_says(ledger: Ledger, seed: int) -> None:
    """The protocol is proved with `ledger.Account`; this proves that the tables keep the same rules."""
    found, chance, account = due(1_000), SeededChance(seed), Account(limit=NanoDollars(1_000))
    leases = [f"same-{next(_numbers)}" for _ in range(3)]

    def amount(most: int) -> NanoDollars:
        return NanoDollars(int(chance.fraction() * most))

    for _ in range(40):
        lease, kind = leases[amount(3)], amount(5)
        known = account.leases.get(lease)
        if kind < 2:
            needed = amount(200)
            if known and known.is_ended:
                with pytest.raises(LeaseEnded):
                    await ledger.grant(found, lease, lease, NanoDollars(0))
                continue
            account, total = granted(account, lease, needed)
            grant = await ledger.grant(found, lease, lease, needed)
            assert (grant.total if isinstance(grant, Grant) else None) == total
        elif kind < 4 and known:
            said = Holding(granted=known.granted, used=amount(150), returned=amount(80))
            account = told(account, lease, said)
            await ledger.tell([Report(lease=lease, worker="calls-1", account=found.key, holding=said)])
        elif kind == 4 and chance.fraction() < 0.2:
            under_way = amount(100) if chance.fraction() < 0.5 else None
            if known and not known.is_ended:
                account = told(account, lease, assumed(known, under_way))
            await ledger.bury(lease, None if under_way is None else {lease: under_way})
        assert await ledger.balance(found) == Balance(used=account.used, held=account.held)
    assert account.used


async def test_a_hundred_workers_at_once_are_never_granted_more_than_there_is(ledger: Ledger) -> None:
    """Each spends what it gets, tells it late, and asks again, until nothing is granted any more."""
    found, chance = due(100_000), SeededChance(7)
    leases = [f"race-{next(_numbers)}" for _ in range(100)]

    async def spend(lease: str) -> int:
        purse, paid = Purse(spend_until=1e9), 0
        while isinstance(grant := await ledger.grant(found, lease, lease, NanoDollars(100)), Grant):
            purse.receive(grant.total)
            while purse.reserve(NanoDollars(100), now=0.0):
                cost = NanoDollars(1 + int(chance.fraction() * 100))
                purse.settle(NanoDollars(100), cost)
                paid += cost
            balance = await ledger.balance(found)
            assert balance.used + balance.held <= 100_000
            await ledger.tell([Report(lease=lease, worker=lease, account=found.key, holding=purse.holding)])
        purse.end()
        await ledger.tell([Report(lease=lease, worker=lease, account=found.key, holding=purse.holding)])
        return paid

    spent = sum(await asyncio.gather(*(spend(lease) for lease in leases)))
    assert await ledger.balance(found) == Balance(used=spent, held=0)
    assert spent <= 100_000


@pytest.mark.parametrize("window", ["day", "week", "month", "rolling"])
async def test_what_a_clock_of_another_year_spent_counts_in_no_window_of_now(
    ledger: Ledger, window: Kind
) -> None:
    name = f"far-{next(_numbers)}"
    for moment in (NOON + timedelta(days=3650), NOON - timedelta(days=3650)):
        far = due(100, moment, name=name, window=window)
        assert isinstance(await ledger.grant(far, f"{name}-{moment}", name, NanoDollars(100)), Grant)
    now = due(100, name=name, window=window)
    assert isinstance(await ledger.grant(now, f"{name}-now", name, NanoDollars(100)), Grant)


async def test_a_rolling_window_counts_what_a_clock_an_hour_ahead_spent(ledger: Ledger) -> None:
    name = f"ahead-{next(_numbers)}"
    ahead, now = (due(100, NOON + timedelta(hours=hours), name=name, window="rolling") for hours in (1, 0))
    assert isinstance(await ledger.grant(ahead, f"{name}-1", name, NanoDollars(60)), Grant)
    assert isinstance(await ledger.grant(now, f"{name}-2", name, NanoDollars(60)), Refusal)


async def test_sums_beyond_what_a_number_holds_are_told_as_the_most_there_is(ledger: Ledger) -> None:
    found = due(100)
    reports = [report(found, f"much-{next(_numbers)}", granted=1, used=10**30, returned=2) for _ in range(30)]
    await ledger.tell(reports)
    assert (await ledger.balance(found)).used == MOST
    assert isinstance(await ledger.grant(found, f"much-{next(_numbers)}", "w", NanoDollars(1)), Refusal)


async def test_ended_leases_of_windows_long_over_are_forgotten_and_no_others(
    ledger: Ledger, database: Database
) -> None:
    now, day_s = SystemClock().now(), 86_400.0
    before = now - timedelta(days=50)
    said = {
        "over": (due(100, before), True),
        "not ended": (due(100, before), False),
        "of a window that never ends": (due(100, before, window="total"), True),
        "not long over": (due(100, now - timedelta(days=30)), True),
        "heard of lately": (due(100, before), True),
    }
    leases = {label: f"l-{next(_numbers)}" for label in said}
    await ledger.tell(
        [report(one, leases[label], used=7, is_ended=is_ended) for label, (one, is_ended) in said.items()]
    )
    quiet = [lease for label, lease in leases.items() if label != "heard of lately"]
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE ledger_leases SET changed_at = now() - interval '20 days' WHERE lease = ANY(%s)", (quiet,)
        )
    await ledger.forget(40 * day_s, 7 * day_s)
    known = {label for label, (one, _) in said.items() if (await ledger.balance(one)).used}
    assert known == {*said} - {"over"}
    assert await ledger.forget(40 * day_s, 7 * day_s) == 0
