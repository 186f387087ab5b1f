"""A worker in a process of its own, to be killed: it spends for ever; each payment becomes an empty file.

    python -m tests.long.spending FOLDER NAME [full]

`full`: after a moment no file can be written any more, as on a full disk.
"""

import asyncio
import resource
import signal
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from buttress.kernel.chance import Chance, SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.principal import Payer
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget, Due, Spender, accounts_of
from buttress.spend.journal import Journal
from buttress.spend.purses import PurseParts, Purses, Scarce
from buttress.spend.store import Ledger
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings

USERS, CALLS_AT_ONCE, BOUND = 8, 10, NanoDollars(20)
BUDGETS = (
    Budget(name="total", limit=NanoDollars(100_000), window="total"),
    Budget(name="each", limit=NanoDollars(15_000), window="total", per=("user",)),
)
JOURNAL, PAID = "journal", "paid"


def dues_of(user: str) -> Sequence[Due]:
    """Return the account of all, and that of `user`."""
    payer = Payer(tenant="default", feature="f", user=user)
    return accounts_of(BUDGETS, Spender(payer, "m"), SystemClock().now())


class Spending:
    """What one worker does."""

    def __init__(self, folder: Path, name: str, purses: Purses, chance: Chance) -> None:
        self._paid = folder / PAID
        self._name = name
        self._purses = purses
        self._chance = chance
        self._numbers = count()

    async def spend(self) -> None:
        """Make one call after the other, for ever; what is free is given back where money is short."""
        while True:
            user = f"u{int(self._chance.fraction() * USERS)}"
            try:
                await self._call(user)
            except ButtressError:
                for due in dues_of(user):
                    self._purses.give_back(Scarce(due.key.budget, due.key.owner))
                await asyncio.sleep(0.05)

    async def _call(self, user: str) -> None:
        reservation = await self._purses.reserve(dues_of(user), BOUND)
        cost = NanoDollars(int(self._chance.fraction() * (BOUND + 1)))
        await asyncio.sleep(self._chance.fraction() * 0.01)
        (self._paid / f"{self._name} {next(self._numbers)} {user} {cost}").touch()
        await asyncio.sleep(self._chance.fraction() * 0.01)
        self._purses.settle(reservation, cost)


async def hand_over(purses: Purses, journal: Journal) -> None:
    """Do what a worker does each second, ten times as often."""
    while True:
        await asyncio.sleep(0.1)
        purses.tidy()
        journal.seal()


async def fill_the_disk() -> None:
    """Let no file grow beyond less than a line, from now on."""
    await asyncio.sleep(0.4)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


async def run(folder: Path, name: str, *, is_full: bool) -> None:
    """Spend until killed."""
    clock, journal = SystemClock(), Journal(folder / JOURNAL, name, segment_bytes=50_000)
    async with open_database(StorageSettings(), folder, clock) as database:

        async def opened() -> Ledger:
            return Ledger(database)

        parts = PurseParts(ledger=opened, notes=journal, clock=clock, short=lambda _: None, ask_timeout_s=0.3)
        async with Purses(name, parts) as purses, asyncio.TaskGroup() as group:
            spending = Spending(folder, name, purses, SeededChance())
            group.create_task(hand_over(purses, journal))
            for _ in range(CALLS_AT_ONCE):
                group.create_task(spending.spend())
            if is_full:
                group.create_task(fill_the_disk())


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], is_full=len(sys.argv) > 3))
