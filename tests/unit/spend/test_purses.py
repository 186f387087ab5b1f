"""A worker's purses over a real ledger: nothing is overspent, by nobody, and everything is written down."""

import asyncio
from itertools import count

import msgspec
import pytest

from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.errors import BudgetExhausted, LedgerAway, PriceUnknown
from buttress.spend.purses import Purses
from buttress.spend.store import LOCK, Balance, Ledger, Report
from buttress.storage.database import Database
from buttress.testing.clock import ManualClock

_numbers = count()
TEN = NanoDollars(10)
PATIENT_S = 30.0


def a_budget(limit: int, **changes: object) -> Budget:
    """Return a budget that no other test has."""
    plain = Budget(name=f"p-{next(_numbers)}", limit=NanoDollars(limit), window="day")
    return msgspec.structs.replace(plain, **changes)


class Office:
    """One ledger, and workers whose spools are lists."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.clock = ManualClock()
        self.spool: list[Report] = []

    def worker(self, ask_timeout_s: float = PATIENT_S) -> Purses:
        name = f"w-{next(_numbers)}"
        return Purses(name, self.ledger, self.clock, self.spool.append, ask_timeout_s)

    def dues(self, *budgets: Budget) -> list[Due]:
        spender = Spender(Payer(tenant="default", feature="support", user="anna"), "small")
        return accounts_of(budgets, spender, self.clock.now())

    async def balance(self, budget: Budget) -> Balance:
        """Return how it stands when everything was shipped; twice, and the newest first."""
        await self.ledger.tell([*reversed(self.spool), *self.spool])
        return await self.ledger.balance(self.dues(budget)[0])


@pytest.fixture
def office(database: Database) -> Office:
    """A place where money is spent."""
    return Office(Ledger(database))


async def test_what_is_left_of_a_reservation_is_there_for_the_next(office: Office) -> None:
    budget, worker = a_budget(20), office.worker()
    for _ in range(6):
        reservation = await worker.reserve(office.dues(budget), TEN)
        worker.settle(reservation, NanoDollars(2))
    with pytest.raises(BudgetExhausted, match=r"has no \$0\.000000 left"):
        await worker.reserve(office.dues(budget), TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=12, held=0)


async def test_all_accounts_have_it_or_none(office: Office) -> None:
    wide, narrow, worker = a_budget(1_000), a_budget(15), office.worker()
    first = await worker.reserve(office.dues(wide, narrow), TEN)
    with pytest.raises(BudgetExhausted) as caught:
        await worker.reserve(office.dues(wide, narrow), TEN)
    assert narrow.name in caught.value.message
    worker.settle(first, TEN)
    worker.close()
    assert [await office.balance(one) for one in (wide, narrow)] == [Balance(10, 0), Balance(10, 0)]


async def test_many_calls_of_many_workers_spend_what_there_is_and_no_more(office: Office) -> None:
    budget, workers = a_budget(2_000), [office.worker() for _ in range(3)]
    admitted = 0

    async def call(worker: Purses) -> None:
        nonlocal admitted
        try:
            reservation = await worker.reserve(office.dues(budget), TEN)
        except BudgetExhausted:
            return
        admitted += 1
        await asyncio.sleep(0)
        worker.settle(reservation, TEN)

    await asyncio.gather(*(call(workers[number % 3]) for number in range(500)))
    assert 150 <= admitted <= 200
    for worker in workers:
        worker.give_back(budget.name)
    await office.balance(budget)
    await asyncio.gather(*(call(workers[0]) for _ in range(100)))
    assert admitted == 200
    for worker in workers:
        worker.close()
    assert await office.balance(budget) == Balance(used=2_000, held=0)


async def test_a_soft_budget_counts_and_refuses_nothing(office: Office) -> None:
    budget, worker = a_budget(5, hard=False), office.worker()
    for _ in range(3):
        worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    assert (await office.balance(budget)).used == 30


async def test_an_unknown_price_is_what_the_budget_makes_of_it(office: Office) -> None:
    worker = office.worker()
    allowing, refusing = a_budget(5), a_budget(5, unpriced="refuse")
    worker.settle(await worker.reserve(office.dues(allowing), None), NanoDollars(0))
    with pytest.raises(PriceUnknown):
        await worker.reserve(office.dues(refusing), None)


async def test_a_window_that_is_over_pays_nothing_and_its_lease_ends(office: Office) -> None:
    budget, worker = a_budget(100), office.worker()
    dues = office.dues(budget)
    running = await worker.reserve(dues, TEN)
    office.clock.advance(86_400)
    with pytest.raises(BudgetExhausted):
        await worker.reserve(dues, TEN)
    worker.tidy()
    assert len(worker) == 1  # something is under way
    worker.settle(running, TEN)
    worker.tidy()
    assert len(worker) == 0
    worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)


async def test_who_holds_money_spends_it_while_the_ledger_is_silent(
    office: Office, database: Database
) -> None:
    budget, worker = a_budget(400), office.worker(ask_timeout_s=0.2)
    worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    async with database.connection() as connection:
        await connection.execute(LOCK, {"budget": budget.name, "owner": []})
        for _ in range(9):
            worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
        with pytest.raises(LedgerAway):
            await worker.reserve(office.dues(budget), TEN)
    worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)


async def test_a_reservation_that_is_cancelled_leaves_nothing_behind(office: Office) -> None:
    budget, worker = a_budget(20), office.worker()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker.reserve(office.dues(budget), TEN))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    for _ in range(2):
        worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=20, held=0)
