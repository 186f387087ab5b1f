"""A worker's purses over a real ledger: nothing is overspent, by nobody, and everything is written down."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import count

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import AccountKey, Budget, Due, Spender, accounts_of
from buttress.spend.errors import BudgetExhausted, BudgetHeld, LedgerAway, PriceUnknown
from buttress.spend.purses import (
    MAX_PURSES,
    MAX_TIDIED,
    NOTHING,
    Left,
    PurseParts,
    Purses,
    Reservation,
    Scarce,
)
from buttress.spend.store import LOCK, Balance, Grant, Ledger, Refusal, Report
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from buttress.testing.clock import ManualClock
from tests.waiting import until

_numbers = count()
TEN = NanoDollars(10)
PATIENT_S = 30.0


def a_budget(limit: int, **changes: object) -> Budget:
    """Return a budget that no other test has."""
    plain = Budget(name=f"p-{next(_numbers)}", limit=NanoDollars(limit), window="day")
    return msgspec.structs.replace(plain, **changes)


class Office:
    """One ledger, and workers that all write into one list."""

    newest_grant = 0

    def __init__(self, ledger: Ledger, stack: AsyncExitStack) -> None:
        self.ledger = ledger
        self.stack = stack
        self.clock = ManualClock()
        self.spool: list[Report] = []
        self.short: list[Scarce] = []

    def write(self, reports: Sequence[Report]) -> None:
        self.spool.extend(reports)

    async def open_ledger(self) -> Ledger:
        return self.ledger

    def parts(self, ask_timeout_s: float = PATIENT_S) -> PurseParts:
        return PurseParts(
            ledger=self.open_ledger,
            notes=self,
            clock=self.clock,
            short=self.short.append,
            ask_timeout_s=ask_timeout_s,
        )

    async def worker(self, ask_timeout_s: float = PATIENT_S) -> Purses:
        parts = self.parts(ask_timeout_s)
        return await self.stack.enter_async_context(Purses(f"pw-{next(_numbers)}", parts))

    def dues(self, *budgets: Budget) -> list[Due]:
        spender = Spender(Payer(tenant="default", feature="support", user="anna"), "small")
        return accounts_of(budgets, spender, self.clock.now())

    async def balance(self, budget: Budget) -> Balance:
        """Return how it stands when everything was shipped; twice, and the newest first."""
        await self.ledger.tell([*reversed(self.spool), *self.spool])
        return await self.ledger.balance(self.dues(budget)[0])


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    """A place where money is spent."""
    async with AsyncExitStack() as stack:
        yield Office(Ledger(database), stack)


async def test_what_is_left_of_a_reservation_is_there_for_the_next(office: Office) -> None:
    budget, worker = a_budget(20), await office.worker()
    for _ in range(6):
        reservation = await worker.reserve(office.dues(budget), TEN)
        worker.settle(reservation, NanoDollars(2))
    with pytest.raises(BudgetHeld, match=r"\$0\.000000 are set aside"):
        await worker.reserve(office.dues(budget), TEN)
    await office.balance(budget)
    with pytest.raises(BudgetExhausted, match=r"has no \$0\.000000 left of"):
        await worker.reserve(office.dues(budget), TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=12, held=0)


async def test_all_accounts_have_it_or_none(office: Office) -> None:
    wide, narrow, worker = a_budget(1_000), a_budget(15), await office.worker()
    first = await worker.reserve(office.dues(wide, narrow), TEN)
    with pytest.raises(BudgetHeld) as caught:
        await worker.reserve(office.dues(wide, narrow), TEN)
    assert narrow.name in caught.value.message
    worker.settle(first, TEN)
    worker.close()
    assert [await office.balance(one) for one in (wide, narrow)] == [Balance(10, 0), Balance(10, 0)]


async def test_many_calls_of_many_workers_spend_what_there_is_and_no_more(office: Office) -> None:
    budget, workers = a_budget(2_000), [await office.worker() for _ in range(3)]
    admitted = 0

    async def call(worker: Purses) -> None:
        nonlocal admitted
        try:
            reservation = await worker.reserve(office.dues(budget), TEN)
        except (BudgetExhausted, BudgetHeld):
            return
        admitted += 1
        await asyncio.sleep(0)
        worker.settle(reservation, TEN)

    await asyncio.gather(*(call(workers[number % 3]) for number in range(500)))
    assert 150 <= admitted <= 200
    for worker in workers:
        worker.give_back(Scarce(budget.name, ()))
    await office.balance(budget)
    await asyncio.gather(*(call(workers[0]) for _ in range(100)))
    assert admitted == 200
    for worker in workers:
        worker.close()
    assert await office.balance(budget) == Balance(used=2_000, held=0)


async def test_a_soft_budget_counts_and_refuses_nothing(office: Office) -> None:
    budget, worker = a_budget(5, hard=False), await office.worker()
    for _ in range(3):
        worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    assert (await office.balance(budget)).used == 30


async def test_an_unknown_price_is_what_the_budget_makes_of_it(office: Office) -> None:
    worker = await office.worker()
    allowing, refusing = a_budget(5), a_budget(5, unpriced="refuse")
    worker.settle(await worker.reserve(office.dues(allowing), None), NanoDollars(0))
    with pytest.raises(PriceUnknown):
        await worker.reserve(office.dues(refusing), None)


async def test_a_window_that_is_over_pays_nothing_and_its_lease_ends(office: Office) -> None:
    budget, worker = a_budget(100), await office.worker()
    dues = office.dues(budget)
    running = await worker.reserve(dues, TEN)
    office.clock.advance(86_400)
    with pytest.raises(BudgetHeld, match="its window ended"):
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
    budget, worker = a_budget(400), await office.worker(ask_timeout_s=0.2)
    worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    async with database.connection() as connection:
        await connection.execute(LOCK, {"budget": budget.name, "owner": []})
        for _ in range(9):
            worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
        with pytest.raises(LedgerAway):
            await worker.reserve(office.dues(budget), TEN)
    worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)


async def test_after_the_end_of_its_worker_nothing_is_asked_for(office: Office, database: Database) -> None:
    """A call that waited for the ledger when the worker ended must not be granted money for ever."""
    budget, worker = a_budget(1_000), await office.worker()

    async def refused() -> None:
        with pytest.raises((BudgetHeld, LedgerAway)):
            await worker.reserve(office.dues(budget), TEN)

    async with asyncio.TaskGroup() as group, database.connection() as connection:
        await connection.execute(LOCK, {"budget": budget.name, "owner": []})
        group.create_task(refused())
        await asyncio.sleep(0.05)
        worker.close()
    assert await office.balance(budget) == Balance(used=0, held=0)


async def test_a_reservation_that_is_cancelled_leaves_nothing_behind(office: Office) -> None:
    budget, worker = a_budget(20), await office.worker()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker.reserve(office.dues(budget), TEN))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    for _ in range(2):
        worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=20, held=0)


async def test_what_is_left_is_known_of_what_was_asked_for(office: Office) -> None:
    budget, worker = a_budget(100), await office.worker()
    (due,) = office.dues(budget)
    assert worker.left(due) is None  # the ledger was never asked
    reservation = await worker.reserve([due], TEN)
    assert worker.left(due) == Left(budget.name, 100, 100, 12 * 3_600)  # set aside is not spent
    worker.settle(reservation, NanoDollars(3))
    assert worker.left(due) == Left(budget.name, 97, 100, 12 * 3_600)
    office.clock.advance(12 * 3_600)
    assert worker.left(due) is None


async def test_never_less_is_left_than_a_worker_says_and_alone_it_knows_exactly(office: Office) -> None:
    """It says what may be left at most: what others spent it hears with its next grant, or refusal."""
    budget, spent = a_budget(1_000), 0
    (due,) = office.dues(budget)
    chance, workers = SeededChance(7), [await office.worker() for _ in range(3)]
    said = [1_000] * 3
    for step in range(150):
        at = 0 if step < 20 else int(chance.fraction() * 3)
        cost = NanoDollars(int(chance.fraction() * 11))
        with suppress(BudgetExhausted, BudgetHeld):
            workers[at].settle(await workers[at].reserve([due], TEN), cost)
            spent += cost
        if step % 10 == 9:
            await office.balance(budget)
        told = [one.left if (one := worker.left(due)) else 1_000 for worker in workers]
        if step < 20:
            assert told[0] == 1_000 - spent
        assert min(told) >= 1_000 - spent
        assert all(now <= before for now, before in zip(told, said, strict=True))
        said = told
    await office.balance(budget)
    for worker in workers:
        with suppress(BudgetExhausted, BudgetHeld):
            worker.settle(await worker.reserve([due], NanoDollars(900)), NOTHING)
    left = [one.left for worker in workers if (one := worker.left(due))]
    assert left == [1_000 - spent] * 3


class Deaf(Ledger):
    """A ledger of which the answers get lost, once it has granted."""

    async def grant(
        self,
        due: Due,
        lease: str,
        worker: str,
        needed: NanoDollars,
        seen: int = 0,
        worst: NanoDollars = NOTHING,
    ) -> Grant | Refusal:
        await super().grant(due, lease, worker, needed, seen, worst)
        raise StorageUnavailable("the connection broke")


async def test_a_grant_of_which_the_answer_was_lost_is_found_again(
    office: Office, database: Database
) -> None:
    budget, worker = a_budget(10), await office.worker()
    office.ledger = Deaf(database)
    with pytest.raises(LedgerAway):
        await worker.reserve(office.dues(budget), TEN)
    office.ledger = Ledger(database)
    worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
    assert await office.balance(budget) == Balance(used=10, held=0)


async def test_a_grant_that_its_worker_never_heard_of_is_given_back_to_who_needs_it(
    office: Office, database: Database
) -> None:
    budget, worker, other = a_budget(10), await office.worker(), await office.worker()
    office.ledger = Deaf(database)
    with pytest.raises(LedgerAway):
        await worker.reserve(office.dues(budget), TEN)
    office.ledger = Ledger(database)
    with pytest.raises(BudgetHeld):
        await other.reserve(office.dues(budget), TEN)
    worker.give_back(office.short.pop())
    await office.balance(budget)
    other.settle(await other.reserve(office.dues(budget), TEN), TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=10, held=0)


async def test_a_thousand_wait_for_a_slow_ledger_together_and_what_comes_late_is_not_lost(
    office: Office, database: Database
) -> None:
    budget, worker = a_budget(100_000), await office.worker(ask_timeout_s=0.2)
    loop = asyncio.get_running_loop()
    async with database.connection() as connection:
        await connection.execute(LOCK, {"budget": budget.name, "owner": []})
        began = loop.time()
        waited = [worker.reserve(office.dues(budget), TEN) for _ in range(1_000)]
        assert {type(one) for one in await asyncio.gather(*waited, return_exceptions=True)} == {LedgerAway}
        assert loop.time() - began < 5  # not 200
    await until(lambda: worker.free, 10)
    assert worker.free == 25_000
    worker.close()
    assert await office.balance(budget) == Balance(used=0, held=0)


async def test_where_one_account_refuses_the_others_say_that_nothing_is_set_aside(office: Office) -> None:
    """A line of another call may have said that it is: who is killed then would be taken to have spent it."""
    wide, narrow, worker = a_budget(1_000), a_budget(5), await office.worker()
    refused = worker.reserve(office.dues(wide, narrow), TEN)
    both = await asyncio.gather(refused, worker.reserve(office.dues(wide), TEN), return_exceptions=True)
    assert isinstance(both[1], Reservation)
    worker.settle(both[1], TEN)
    newest = {report.lease: report for report in office.spool}
    assert [one.reserved for one in newest.values()] == [0] * len(newest)


async def test_what_was_spent_beyond_a_grant_is_not_asked_for_twice(office: Office) -> None:
    """An attempt cost far more than its bound. All that is left can still be spent, by its worker too."""
    budget, worker = a_budget(100), await office.worker()
    worker.settle(await worker.reserve(office.dues(budget), TEN), NanoDollars(70))
    await office.balance(budget)
    for _ in range(3):
        worker.settle(await worker.reserve(office.dues(budget), TEN), TEN)
        await office.balance(budget)
    with pytest.raises(BudgetExhausted):
        await worker.reserve(office.dues(budget), TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=100, held=0)


async def test_only_the_account_that_is_short_is_given_back(office: Office) -> None:
    anna, worker = a_budget(1_000, per=("user",)), await office.worker()
    payer = Payer(tenant="default", feature="f", user="ben")
    ben = accounts_of([anna], Spender(payer, "m"), office.clock.now())
    for dues in (office.dues(anna), ben):
        worker.settle(await worker.reserve(dues, TEN), TEN)
    worker.give_back(Scarce(anna.name, ("ben",)))
    assert worker.free == 240
    worker.close()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"limit": NanoDollars(20)}, id="its limit lowered"),
        pytest.param({"name": "renamed"}, id="renamed"),
        pytest.param({"per": ("user", "model")}, id="cut otherwise"),
        pytest.param({"window": "total"}, id="for another window"),
    ],
)
async def test_a_budget_that_is_edited_gives_its_money_back_and_is_paid_what_was_under_way(
    office: Office, change: dict[str, object]
) -> None:
    before, worker = a_budget(1_000, per=("user",)), await office.worker()
    after = msgspec.structs.replace(before, **change)
    running = await worker.reserve(office.dues(before), TEN)
    worker.follow([after])
    worker.tidy()
    assert (await office.balance(before)).held == 10
    worker.settle(await worker.reserve(office.dues(after), TEN), NanoDollars(3))
    worker.settle(running, NanoDollars(9))
    worker.tidy()
    used = (await office.balance(before)).used
    assert used == (12 if "limit" in change else 9)
    worker.close()
    assert (await office.balance(before)).held == (await office.balance(after)).held == 0


async def test_a_clock_that_goes_back_opens_the_window_again(office: Office) -> None:
    """The old purse is over by the clock that never goes back; something is still under way in it."""
    budget, worker = a_budget(100), await office.worker()
    dues = office.dues(budget)
    running = await worker.reserve(dues, TEN)
    office.clock.advance(86_400)
    office.clock.jump(-86_400)
    worker.settle(await worker.reserve(dues, TEN), TEN)
    worker.settle(running, TEN)
    worker.close()
    assert await office.balance(budget) == Balance(used=20, held=0)


async def test_many_leases_end_little_by_little(office: Office) -> None:
    budget, worker = a_budget(100, hard=False, per=("user",)), await office.worker()
    for number in range(MAX_TIDIED + 10):
        payer = Payer(tenant="default", feature="f", user=str(number))
        dues = accounts_of([budget], Spender(payer, "m"), office.clock.now())
        worker.settle(await worker.reserve(dues, TEN), TEN)
    office.clock.advance(86_400)
    for left in (10, 0):
        worker.tidy()
        assert len(worker) == left


@pytest.mark.slow
async def test_of_too_many_purses_those_that_were_idle_for_longest_are_given_back(office: Office) -> None:
    one, each, worker = a_budget(100), a_budget(100, hard=False, per=("user",)), await office.worker()
    under_way = await worker.reserve(office.dues(one), TEN)
    plain, *_ = office.dues(each)
    for number in [*range(MAX_PURSES - 1), 0, MAX_PURSES]:
        key = msgspec.structs.replace(plain.key, owner=(str(number),))
        worker.settle(await worker.reserve([msgspec.structs.replace(plain, key=key)], TEN), TEN)
    worker.tidy()
    assert len(worker) == MAX_PURSES
    newest = {report.lease: report for report in office.spool}
    ended = [report.account.owner for report in newest.values() if report.holding.is_ended]
    assert ended == [("1",)]  # neither who asked again nor who has something under way
    worker.settle(under_way, TEN)


async def test_what_goes_wrong_among_purses_goes_on_as_it_is(office: Office) -> None:
    async def fail() -> None:
        async with Purses(f"pw-{next(_numbers)}", office.parts()) as worker:
            await worker.reserve(office.dues(a_budget(5)), TEN)

    with pytest.raises(BudgetExhausted):
        await fail()


async def test_wherever_a_reservation_is_cancelled_nothing_stays_set_aside(office: Office) -> None:
    """Over three accounts, each of which has to ask; what was granted meanwhile is not lost either."""
    budgets = [a_budget(5_000, per=("user",)) for _ in range(3)]
    worker, cancelled = await office.worker(), 0
    for steps in range(40):
        dues = [msgspec.structs.replace(due, key=key_of(due, steps)) for due in office.dues(*budgets)]
        async with asyncio.TaskGroup() as group:
            task = group.create_task(worker.reserve(dues, TEN))
            for _ in range(steps):
                await asyncio.sleep(0.0005)
            task.cancel()
        if not task.cancelled():
            worker.settle(task.result(), TEN)
        cancelled += task.cancelled()
        assert worker.reserved == 0
    assert cancelled
    worker.close()
    newest = {report.lease: report for report in office.spool}
    assert {one.reserved for one in newest.values()} == {0}
    await office.ledger.tell(office.spool)
    assert (await office.ledger.bury(newest.popitem()[1].worker, {})) == []


def key_of(due: Due, number: int) -> AccountKey:
    return msgspec.structs.replace(due.key, owner=(str(number),))
