"""How accounts stand, for people: the dearest first, those of this window only."""

from itertools import count

import msgspec
import pytest

from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.leases import Holding
from buttress.spend.states import account_states
from buttress.spend.store import Ledger, Report
from buttress.storage.database import Database
from buttress.testing.clock import NOON

_numbers = count()


def each(limit: int = 1_000) -> Budget:
    name = f"states-{next(_numbers)}"
    return Budget(name=name, limit=NanoDollars(limit), window="day", per=("tenant", "user"), hard=False)


def due(budget: Budget, user: str | None) -> Due:
    payer = Payer(tenant="default", feature="support", user=user)
    return accounts_of([budget], Spender(payer, "small"), NOON)[0]


async def tell(database: Database, found: Due, **holding: int) -> None:
    lease = f"states-lease-{next(_numbers)}"
    said = Report(
        lease=lease, worker="w", account=found.key, holding=msgspec.convert(holding, Holding, strict=False)
    )
    await Ledger(database).tell([said])


async def test_each_account_is_told_the_dearest_first(database: Database) -> None:
    budget = each()
    await tell(database, due(budget, "anna"), granted=400, used=100, returned=50, unpriced=2)
    await tell(database, due(budget, "anna"), granted=10, used=10, assumed=10, is_ended=True)
    await tell(database, due(budget, None), granted=900, used=900)
    await tell(database, due(each(), "other"), granted=5, used=5)
    nobody, anna = await account_states(database, [budget], NOON)
    assert (nobody.owner, nobody.used, nobody.left) == ({"tenant": "default", "user": ""}, 900, 100)
    assert anna.owner == {"tenant": "default", "user": "anna"}
    assert (anna.used, anna.held, anna.assumed, anna.unpriced, anna.left) == (110, 250, 10, 2, 640)
    assert anna.ends_at == due(budget, "anna").window.end
    assert not anna.is_hard
    assert len(await account_states(database, [budget], NOON, most=1)) == 1


async def test_a_budget_with_one_account_is_told_before_anybody_has_spent_anything(
    database: Database,
) -> None:
    whole = Budget(name="states-whole", limit=NanoDollars(7), window="total")
    (state,) = await account_states(database, [whole, each()], NOON)
    assert (state.budget, state.used, state.left, state.ends_at) == ("states-whole", 0, 7, None)


@pytest.mark.parametrize("days", [1, 30])
async def test_other_windows_are_not_counted(database: Database, days: int) -> None:
    budget = each()
    await tell(database, due(budget, "anna"), granted=400, used=100)
    assert await account_states(database, [budget], NOON.replace(year=NOON.year + days)) == []


async def test_accounts_of_a_budget_that_was_cut_otherwise_before_are_none_of_its_own(
    database: Database,
) -> None:
    budget = each()
    await tell(database, due(budget, "anna"), granted=400, used=100)
    whole = msgspec.structs.replace(budget, per=())
    await tell(database, due(whole, "anna"), granted=9, used=9)
    assert [one.used for one in await account_states(database, [whole], NOON)] == [9]
    assert [one.used for one in await account_states(database, [budget], NOON)] == [100]


async def test_the_largest_numbers_are_told(database: Database) -> None:
    budget = each(10**18 - 1)
    for _ in range(20):
        await tell(database, due(budget, "anna"), granted=10**18, used=10**18, assumed=10**18)
    (state,) = await account_states(database, [budget], NOON)
    assert (state.used, state.assumed, state.left) == (2 * 10**19, 2 * 10**19, 10**18 - 1 - 2 * 10**19)
