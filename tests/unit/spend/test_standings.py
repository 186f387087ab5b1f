"""`spend.standings`: one look at the ledger tells which accounts are worth an alert."""

from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.alerts import Standing
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.leases import Holding
from buttress.spend.standings import Standings
from buttress.spend.store import Grant, Ledger, Report
from buttress.storage.database import Database

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_numbers = count()


def budget(**changes: object) -> Budget:
    """Return a budget of its own, of 1,000 nano-dollars for each user."""
    plain = Budget(name=f"s-{next(_numbers)}", limit=NanoDollars(1_000), window="day", per=("user",))
    return msgspec.structs.replace(plain, **changes)


def account(of: Budget, user: str, moment: datetime = NOON) -> Due:
    """Return the account of `user`."""
    return accounts_of([of], Spender(Payer(tenant="default", feature="support", user=user), "small"), moment)[
        0
    ]


async def use(database: Database, due: Due, amount: int) -> None:
    """Have a worker say that it spent `amount` of an account, and holds nothing."""
    holding = Holding(granted=NanoDollars(amount), used=NanoDollars(amount))
    report = Report(lease=f"sl-{next(_numbers)}", worker="calls-1", account=due.key, holding=holding)
    await Ledger(database).tell([report])


async def test_accounts_at_a_share_are_told_and_others_are_not(database: Database) -> None:
    of, other = budget(), budget()
    for user, amount in (("anna", 500), ("anna", 300), ("ben", 799)):
        await use(database, account(of, user), amount)
    await use(database, account(other, "carl"), 5_000)
    found = await Standings(database).look([of], NOON)
    assert found == [Standing(budget=of.name, owner=("anna",), used=NanoDollars(800), is_refusing=False)]


async def test_a_window_that_is_over_is_not_looked_at(database: Database) -> None:
    of, standings = budget(), Standings(database)
    end = datetime(2026, 11, 22, tzinfo=UTC)
    await use(database, account(of, "anna"), 900)
    assert [one.used for one in await standings.look([of], end - timedelta(microseconds=1))] == [900]
    assert await standings.look([of], end) == []


async def test_parts_of_a_rolling_window_count_together_until_they_are_out(database: Database) -> None:
    of, standings = budget(window="rolling"), Standings(database)
    for hours in (0, 5):
        moment = NOON + timedelta(hours=hours)
        await use(database, account(of, "anna", moment), 450)
    for hours, used in ((5, [900]), (24, [900]), (25, [])):
        found = await standings.look([of], NOON + timedelta(hours=hours))
        assert [one.used for one in found] == used


async def test_an_account_that_refused_a_call_is_told_whatever_it_has_spent(database: Database) -> None:
    of, ledger, standings = budget(), Ledger(database), Standings(database)
    now = datetime.now(UTC)  # noqa: TID251 - the database says by its own clock when it refused
    anna, ben = account(of, "anna", now), account(of, "ben", now)
    await use(database, anna, 500)
    await ledger.grant(anna, f"sl-{next(_numbers)}", "calls-1", NanoDollars(501))
    assert isinstance(await ledger.grant(ben, f"sl-{next(_numbers)}", "calls-1", NanoDollars(900)), Grant)
    await ledger.grant(ben, f"sl-{next(_numbers)}", "calls-2", NanoDollars(900))  # it may be had in a second
    found = await standings.look([of], now)
    assert [(one.owner, one.used, one.is_refusing) for one in found] == [(("anna",), 500, True)]
    assert await standings.look([of], now + timedelta(days=1)) == []
    raised = msgspec.structs.replace(of, limit=NanoDollars(2_000))
    assert await standings.look([raised], now) == []  # nothing was refused under that limit


async def test_a_call_that_all_of_the_limit_would_not_pay_for_counts_as_refused(database: Database) -> None:
    """Its worker holds some already, and asks for the rest."""
    of, ledger = budget(), Ledger(database)
    now = datetime.now(UTC)  # noqa: TID251 - the database says by its own clock when it refused
    for user, worst in (("anna", 601), ("ben", 600)):
        lease = f"sl-{next(_numbers)}"
        due = account(of, user, now)
        await use(database, due, 400)
        assert isinstance(await ledger.grant(due, lease, "calls-1", NanoDollars(500)), Grant)
        rest = NanoDollars(worst - 500)
        await ledger.grant(due, lease, "calls-1", NanoDollars(rest + 1), worst=NanoDollars(worst))
    found = await Standings(database).look([of], now)
    assert [one.owner for one in found] == [("anna",)]


async def test_a_project_without_budgets_is_not_looked_at_long(database: Database) -> None:
    assert await Standings(database).look([budget(alerts=())], NOON) == []
