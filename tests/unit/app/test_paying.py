"""An attempt is paid from every budget that it touches, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import msgspec
import pytest

from buttress.app.paying import Paying, PayingParts, budgets_now
from buttress.kernel.catalogue import Model, Price
from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import Message, ModelRequest
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.order import Order
from buttress.models.ports import Meter
from buttress.spend.accounts import Accounts
from buttress.spend.budgets import Budget
from buttress.spend.errors import BudgetExhausted, BudgetHeld, LedgerAway, PriceUnknown
from buttress.spend.purses import Left
from buttress.spend.settings import SpendSettings
from buttress.spend.settling import settle
from buttress.spend.store import Balance, Ledger
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable

_numbers = count()
PAYER = Payer(tenant="default", feature="support", user="anna")
PRICED = Model(name="m", provider="openai", price=Price(input=0, output=1.0))
FREE = Model(name="free", provider="local", price=Price(input=0, output=0))
UNKNOWN = Model(name="unknown", provider="openai")
TEN = Order(ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=10))
"""Costs 10,000 nano-dollars at most."""


def a_budget(limit: int, **changes: object) -> Budget:
    """Return a budget that no other test has."""
    plain = Budget(name=f"paying-{next(_numbers)}", limit=NanoDollars(limit), window="total")
    return msgspec.structs.replace(plain, **changes)


class House:
    """A project that pays, its journal, and what the ledger knows at the end."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.is_away = False
        self.paying = Paying(
            PayingParts(
                writer=f"w-{next(_numbers)}",
                folder=folder,
                database=self._open,
                clock=SystemClock(),
                settings=SpendSettings(ask_timeout_s=10.0),
            )
        )

    async def _open(self) -> Database:
        if self.is_away:
            raise StorageUnavailable("away")
        return self.database

    def meter(self, *budgets: Budget) -> Meter:
        return self.paying.metering(budgets)(PAYER)

    async def balance(self, budget: Budget) -> Balance:
        self.paying.seal()
        await settle(self.folder, Ledger(self.database))
        accounts = Accounts([budget], SystemClock())
        return await Ledger(self.database).balance(accounts.of(PAYER, "m")[0])


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """A project."""
    house = House(tmp_path, database)
    async with house.paying:
        yield house
    house.paying.close()


async def test_an_attempt_costs_what_it_used_not_what_was_set_aside(house: House) -> None:
    budget = a_budget(30_000)
    async with house.meter(budget).attempt(PRICED, TEN) as bill:
        bill.usage = Usage(output=3)
        assert (await house.balance(budget)).held == 10_000
    assert bill.cost == 3_000
    assert await house.balance(budget) == Balance(used=3_000, held=7_000)


@pytest.mark.parametrize("error", [ConnectionError(), asyncio.CancelledError()])
async def test_one_that_broke_is_paid_for(house: House, error: BaseException) -> None:
    budget = a_budget(30_000)

    async def break_off() -> None:
        async with house.meter(budget).attempt(PRICED, TEN) as bill:
            bill.usage = Usage(output=4)
            raise error

    with pytest.raises(type(error)):
        await break_off()
    assert (await house.balance(budget)).used == 4_000


async def test_what_does_not_fit_does_not_begin(house: House) -> None:
    budget = a_budget(25_000)
    meter = house.meter(budget)
    async with AsyncExitStack() as running:
        for _ in range(2):
            bill = await running.enter_async_context(meter.attempt(PRICED, TEN))
            bill.usage = Usage(output=10)
        with pytest.raises(BudgetHeld):
            await running.enter_async_context(meter.attempt(PRICED, TEN))
    await house.balance(budget)
    with pytest.raises(BudgetExhausted):
        await meter.attempt(PRICED, TEN).__aenter__()
    assert (await house.balance(budget)).used == 20_000


async def test_what_is_free_needs_no_money(house: House) -> None:
    budget = a_budget(1)
    async with house.meter(budget).attempt(FREE, TEN) as bill:
        bill.usage = Usage(output=10)
    assert bill.cost == 0
    assert await house.balance(budget) == Balance(0, 0)
    assert not house.folder.exists() or list(house.folder.glob("*.owner")) == []


async def test_an_attempt_that_was_never_sent_costs_nothing(house: House) -> None:
    budget = a_budget(30_000)
    async with house.meter(budget).attempt(PRICED, TEN) as bill:
        bill.usage, bill.is_free = Usage(), True
    assert (await house.balance(budget)).used == 0


async def test_a_price_that_nobody_knows_is_allowed_or_refused_as_the_budget_says(house: House) -> None:
    async with house.meter(a_budget(10)).attempt(UNKNOWN, TEN) as bill:
        bill.usage = Usage(output=10)
    assert bill.cost is None
    with pytest.raises(PriceUnknown):
        await house.meter(a_budget(10, unpriced="refuse")).attempt(UNKNOWN, TEN).__aenter__()


async def test_without_a_ledger_it_is_as_the_budget_says(house: House) -> None:
    """What was spent without it is told when it is back."""
    house.is_away = True
    refusing, allowing = a_budget(100_000), a_budget(100_000, without_ledger="allow")
    with pytest.raises(LedgerAway):
        await house.meter(refusing).attempt(PRICED, TEN).__aenter__()
    async with house.meter(allowing).attempt(PRICED, TEN) as bill:
        bill.usage = Usage(output=10)
    house.is_away = False
    assert (await house.balance(allowing)).used == 10_000
    assert await house.balance(refusing) == Balance(0, 0)


async def test_how_it_stands_can_be_measured(house: House) -> None:
    budget = a_budget(40_000)
    async with house.meter(budget).attempt(PRICED, TEN) as bill:
        bill.usage = Usage(output=10)
        now = {family.name: values[()] for family, values in house.paying.present.items()}
        assert now == {"leases": 1, "leased_dollars": 0.0, "reserved_dollars": 10_000 / 1e9}
    await house.balance(budget)
    told = await budgets_now(house.database, [budget], SystemClock(), house.folder)
    assert {family.name: values for family, values in told.items()} == {
        "budget_used_ratio": {(budget.name,): 0.25},
        "budget_assumed_dollars": {(budget.name,): 0.0},
        "ledger_missing_grants": {(): 0},
        "untold_settlement_bytes": {(): 0},
    }


async def test_without_budgets_nothing_is_written(house: House) -> None:
    async with house.meter().attempt(PRICED, TEN) as bill:
        bill.usage = Usage(output=10)
    assert bill.cost == 10_000
    assert list(house.folder.iterdir()) == []


async def test_the_account_nearest_to_its_end_is_known_without_asking(house: House) -> None:
    wide, narrow = a_budget(90_000), a_budget(40_000, where={"user": "anna"})
    soft, other = a_budget(1, hard=False), a_budget(10_000, where={"user": "ben"})
    budgets = (wide, narrow, soft, other)

    def nearest(payer: Payer = PAYER, models: Sequence[Model] = (PRICED,), **sight: set[str]) -> Left | None:
        return house.paying.nearest(budgets, payer, models, sight)

    assert nearest() is None  # nobody has asked the ledger
    async with house.paying.metering(budgets)(PAYER).attempt(PRICED, TEN) as bill:
        bill.usage = Usage(output=4)
    house.is_away = True
    assert nearest() == Left(narrow.name, 36_000, 40_000, None)
    assert nearest(models=(FREE,)) is None
    assert nearest(models=(FREE, UNKNOWN)) == nearest()
    ben = msgspec.structs.replace(PAYER, user="ben")
    assert nearest(ben) == Left(wide.name, 86_000, 90_000, None)
    assert nearest(user={"anna"}) == nearest()
    assert nearest(tenant={"default"}) is None
