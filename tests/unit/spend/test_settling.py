"""From journals to the ledger: killed here, twice, at once, from a backup of yesterday."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.errors import LedgerAway
from buttress.spend.journal import KEPT, NEWEST_GRANT, OWNER, Journal, read_kept
from buttress.spend.leases import Holding
from buttress.spend.purses import PurseParts, Purses
from buttress.spend.settling import forget, settle
from buttress.spend.store import Balance, Ledger, Report
from buttress.storage.database import Database
from buttress.storage.spool import only_reader, sealed_files

_numbers = count()
TEN = NanoDollars(10)


class Worker:
    """A worker with a journal in a real folder."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.name = name = f"sw-{next(_numbers)}"
        self.ledger = ledger
        self.journal = Journal(folder, name)
        self.purses = Purses(
            name,
            PurseParts(
                ledger=self._open, notes=self.journal, clock=SystemClock(), short=print, ask_timeout_s=30.0
            ),
        )

    async def _open(self) -> Ledger:
        return self.ledger

    async def spend(self, found: Due, cost: int) -> None:
        self.purses.settle(await self.purses.reserve([found], TEN), NanoDollars(cost))

    def killed(self) -> None:
        """Leave everything as a process does that is killed: its locks are free, nothing is closed."""
        self.journal.close()

    def ended(self) -> None:
        self.purses.close()
        self.journal.close()


class Place:
    """A folder of journals, a ledger, and an account of which nobody else knows."""

    def __init__(self, folder: Path, database: Database, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.database = database
        self.ledger = Ledger(database)
        budget = Budget(name=f"s-{next(_numbers)}", limit=NanoDollars(1_000), window="total")
        payer = Payer(tenant="default", feature="support")
        self.due = accounts_of([budget], Spender(payer, "small"), SystemClock().now())[0]

    async def worker(self) -> Worker:
        worker = Worker(self.folder, self.ledger)
        await self.stack.enter_async_context(worker.purses)
        return worker

    async def settled(self) -> Balance:
        await settle(self.folder, self.ledger)
        return await self.ledger.balance(self.due)

    async def run(self, *statements: str) -> None:
        async with self.database.connection() as connection:
            for statement in statements:
                await connection.execute(statement)


@pytest.fixture
async def place(database: Database, tmp_path: Path) -> AsyncIterator[Place]:
    """Where money is spent."""
    async with AsyncExitStack() as stack:
        yield Place(tmp_path, database, stack)


async def test_what_a_worker_did_is_told_when_it_hands_it_over(place: Place) -> None:
    await place.settled()  # whatever became of the database in other tests is known here now
    worker = await place.worker()
    await worker.spend(place.due, 7)
    assert await place.settled() == Balance(used=0, held=250)
    worker.journal.seal()
    assert await place.settled() == Balance(used=7, held=243)
    worker.ended()
    assert await place.settled() == Balance(used=7, held=0)
    assert sealed_files(place.folder) == []
    assert list(place.folder.glob(f"*{OWNER}")) == []


async def test_of_a_killed_worker_what_was_under_way_counts_as_spent(place: Place) -> None:
    worker = await place.worker()
    await worker.spend(place.due, 7)
    await worker.purses.reserve([place.due], TEN)
    await worker.purses.reserve([place.due], NanoDollars(20))
    worker.killed()
    for _ in range(2):
        assert await place.settled() == Balance(used=37, held=0)
    (path,) = place.folder.glob(f"*{KEPT}")
    (report,) = read_kept(place.folder, path.stem).values()
    assert (report.holding.assumed, report.holding.is_ended) == (30, True)


async def test_a_worker_that_lives_is_not_buried(place: Place) -> None:
    worker = await place.worker()
    await worker.spend(place.due, 7)
    worker.journal.seal()
    for _ in range(3):
        assert await place.settled() == Balance(used=7, held=243)
    await worker.spend(place.due, 5)
    worker.ended()
    assert await place.settled() == Balance(used=12, held=0)


async def test_a_shipper_that_is_killed_at_any_point_tells_it_again(place: Place) -> None:
    worker = await place.worker()
    await worker.spend(place.due, 7)
    worker.journal.seal()
    (path,) = sealed_files(place.folder)
    content = path.read_bytes()
    await place.settled()
    path.write_bytes(content)  # as if it had not been removed
    assert await place.settled() == Balance(used=7, held=243)
    worker.killed()
    await place.settled()
    (place.folder / f"{path.stem.rpartition('-')[0]}{OWNER}").touch()
    assert await place.settled() == Balance(used=7, held=0)


async def test_only_one_reads_at_a_time(place: Place) -> None:
    worker = await place.worker()
    await worker.spend(place.due, 7)
    worker.journal.seal()
    with only_reader(place.folder):
        assert await settle(place.folder, place.ledger) == 0
    told = await asyncio.gather(*(settle(place.folder, place.ledger) for _ in range(4)))
    assert sum(told) == 1
    worker.ended()


async def test_a_database_of_yesterday_learns_everything_before_it_grants_anything(place: Place) -> None:
    """Its leases are forgotten, one of a dead worker too; what is spent meanwhile is not granted twice."""
    dead, living, late = await place.worker(), await place.worker(), await place.worker()
    await dead.spend(place.due, 7)
    dead.ended()
    await place.settled()
    await living.spend(place.due, 5)  # stands in a file that is still written
    await place.run(
        f"DELETE FROM ledger_leases WHERE budget = '{place.due.key.budget}'",  # noqa: S608
        "UPDATE ledger_grants SET number = 0",
    )
    assert await place.ledger.balance(place.due) == Balance(used=0, held=0)
    with pytest.raises(LedgerAway):
        await late.spend(place.due, 1)
    learned = await place.settled()
    assert (learned.used, learned.held > 0) == (12, True)
    await late.spend(place.due, 1)
    for worker in (living, late):
        worker.ended()
    assert await place.settled() == Balance(used=13, held=0)


async def test_what_is_kept_goes_after_its_days(place: Place) -> None:
    worker, living, clock = await place.worker(), await place.worker(), SystemClock()
    for one in (worker, living):
        await one.spend(place.due, 1)
        one.journal.seal()
    worker.ended()
    await place.settled()
    assert forget(place.folder, 7, clock) == 0
    old = (clock.now() - timedelta(days=8)).timestamp()
    for path in place.folder.glob(f"*{KEPT}"):
        os.utime(path, (old, old))
    assert forget(place.folder, 7, clock) == 1  # the other one lives
    living.ended()


async def test_where_nothing_can_be_kept_it_is_told_all_the_same_and_stays(place: Place) -> None:
    worker = await place.worker()
    await worker.spend(place.due, 7)
    worker.journal.seal()
    (path,) = sealed_files(place.folder)
    kept = path.with_name(f"{path.stem.rpartition('-')[0]}{KEPT}")
    kept.mkdir()  # nothing can be appended to it
    assert await place.settled() == Balance(used=7, held=243)
    assert path.exists()
    kept.rmdir()
    await place.settled()
    assert not path.exists()
    worker.ended()


async def test_a_lease_that_the_ledger_never_heard_of_is_no_trouble(place: Place) -> None:
    worker = await place.worker()
    await worker.purses.reserve([msgspec.structs.replace(place.due)], TEN)
    worker.killed()
    await place.run(f"DELETE FROM ledger_leases WHERE budget = '{place.due.key.budget}'")  # noqa: S608
    assert await place.settled() == Balance(used=10, held=0)


async def test_a_grant_that_a_killed_worker_never_heard_of_is_free_again(place: Place) -> None:
    """It stands in no journal, so nothing of it was spent; a lease of which nothing was heard at all, too."""
    worker = await place.worker()
    await worker.spend(place.due, 7)
    name = worker.name
    for lease in (f"{name}.1", f"{name}.2"):
        await place.ledger.grant(place.due, lease, name, NanoDollars(300))
    assert (await place.ledger.balance(place.due)).held == 850
    worker.killed()
    assert await place.settled() == Balance(used=7, held=0)


async def test_all_that_a_killed_worker_held_counts_as_spent_where_its_last_lines_are_missing(
    place: Place,
) -> None:
    """The disk was full when it went on."""
    worker = await place.worker()
    await worker.spend(place.due, 7)
    worker.journal.seal()
    hindrances = [place.folder / f"{worker.name}-{number:06}.new" for number in range(2, 50)]
    for path in hindrances:
        path.mkdir()  # no file of this name can be begun
    await worker.spend(place.due, 9)
    worker.killed()
    for path in hindrances:
        path.rmdir()
    assert await place.settled() == Balance(used=250, held=0)


async def test_a_worker_is_buried_by_a_ledger_that_has_forgotten_it(place: Place) -> None:
    """It was restored after it had been told, and before the burial."""
    worker = await place.worker()
    await worker.spend(place.due, 7)
    await worker.purses.reserve([place.due], TEN)
    worker.journal.seal()
    await place.settled()
    await place.run(f"DELETE FROM ledger_leases WHERE budget = '{place.due.key.budget}'")  # noqa: S608
    worker.killed()
    assert await place.settled() == Balance(used=17, held=0)


@pytest.mark.parametrize("is_hard", [True, False])
@pytest.mark.parametrize(
    "user",
    [
        pytest.param("a\0b", id="a NUL, which PostgreSQL does not know"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("".join(map(str, range(9_000))), id="longer than an index allows"),
    ],
)
async def test_a_user_of_any_name_is_paid_for(place: Place, user: str, *, is_hard: bool) -> None:
    budget = Budget(
        name=f"s-{next(_numbers)}",
        limit=NanoDollars(1_000),
        window="total",
        per=("tenant", "user"),
        hard=is_hard,
    )
    payer = Payer(tenant="default", feature="support", user=user)
    place.due = accounts_of([budget], Spender(payer, "small"), SystemClock().now())[0]
    worker = await place.worker()
    await worker.spend(place.due, 7)
    worker.ended()
    assert await place.settled() == Balance(used=7, held=0)


async def test_one_report_that_the_ledger_refuses_does_not_hold_up_the_others(place: Place) -> None:
    worker = await place.worker()
    await worker.spend(place.due, 7)
    key = msgspec.structs.replace(place.due.key, owner=("a\0b",))
    worker.journal.write([Report(lease="poison", worker=worker.name, account=key, holding=Holding())])
    worker.ended()
    assert await place.settled() == Balance(used=7, held=0)
    assert sealed_files(place.folder) == []


async def test_what_costs_more_than_there_is_money_in_the_world_stops_nobody(place: Place) -> None:
    worker = await place.worker()
    for _ in range(30):
        await worker.purses.reserve([place.due], NanoDollars(1))
        await worker.spend(place.due, 10**17)
        worker.ended()
        assert (await place.settled()).used > 0
        place.due = msgspec.structs.replace(
            place.due, budget=msgspec.structs.replace(place.due.budget, limit=NanoDollars(10**18 - 1))
        )
        worker = await place.worker()
        if (await place.ledger.balance(place.due)).used >= 9 * 10**17:
            break
    assert (await place.ledger.balance(place.due)).used >= 9 * 10**17


async def test_a_newest_grant_that_was_lost_does_not_hide_that_the_ledger_forgot(place: Place) -> None:
    living, late = await place.worker(), await place.worker()
    await living.spend(place.due, 5)
    await place.run(
        f"DELETE FROM ledger_leases WHERE budget = '{place.due.key.budget}'",  # noqa: S608
        "UPDATE ledger_grants SET number = 0",
    )
    (place.folder / NEWEST_GRANT).unlink()
    assert (await place.settled()).used == 5
    await late.spend(place.due, 1)
    for worker in (living, late):
        worker.ended()
    assert await place.settled() == Balance(used=6, held=0)


async def test_every_machine_teaches_a_restored_ledger_whoever_notices_first(
    place: Place, tmp_path: Path
) -> None:
    """A grant that one had is older than those of the other, who makes the ledger catch up."""
    elsewhere = Place(tmp_path / "elsewhere", place.database, place.stack)
    elsewhere.due = place.due
    other = await elsewhere.worker()
    await other.spend(place.due, 9)
    other.ended()
    await elsewhere.settled()
    here = await place.worker()
    await here.spend(place.due, 5)
    await place.run(
        f"DELETE FROM ledger_leases WHERE budget = '{place.due.key.budget}'",  # noqa: S608
        "UPDATE ledger_grants SET number = 0",
    )
    assert (await place.settled()).used == 5
    assert (await elsewhere.settled()).used == 14
    here.ended()
    assert await place.settled() == Balance(used=14, held=0)
