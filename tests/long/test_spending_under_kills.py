"""Three workers spend, and are killed or stopped, and so is PostgreSQL: never more is paid than there is."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from buttress.kernel.chance import Chance, SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.spend.journal import OWNER
from buttress.spend.settling import settle
from buttress.spend.store import Ledger
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
from tests.flows.running import kill, postmaster, say
from tests.long.spending import BUDGETS, JOURNAL, PAID, USERS, dues_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

WORKERS, KILLING_S = 3, 14.0


class Workers:
    """Those that live; for each that is killed another one is begun."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self._folder = folder
        self._flags = flags
        self._numbers = count()
        self._living = [self._begin() for _ in range(WORKERS)]

    def _begin(self) -> subprocess.Popen[bytes]:
        arguments = (str(self._folder), f"w{next(self._numbers)}", *self._flags)
        return subprocess.Popen([sys.executable, "-m", "tests.long.spending", *arguments])

    def kill(self, at: int) -> None:
        self._end(self._living[at])
        self._living[at] = self._begin()

    async def stop_a_while(self, at: int, seconds: float) -> None:
        self._living[at].send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._living[at].send_signal(signal.SIGCONT)

    def kill_all(self) -> None:
        for process in self._living:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()


@contextmanager
def working(folder: Path, *flags: str) -> Iterator[Workers]:
    """Have workers for the block; none of them is left at its end."""
    (folder / PAID).mkdir()
    workers = Workers(folder, *flags)
    try:
        yield workers
    finally:
        workers.kill_all()


async def kill_on(workers: Workers, folder: Path, chance: Chance, kinds: int) -> None:
    """Kill or stop one or the other, for a while; with 2 `kinds` PostgreSQL, too."""
    loop = asyncio.get_running_loop()
    until = loop.time() + KILLING_S
    while loop.time() < until:
        await asyncio.sleep(0.8 + chance.fraction())
        at = int(chance.fraction() * (WORKERS + kinds))
        if at < WORKERS:
            workers.kill(at)
        elif at == WORKERS:
            await workers.stop_a_while(0, chance.fraction())
        else:
            kill(postmaster(folder))


async def settle_on(folder: Path, ledger: Ledger) -> None:
    """Do what the background does, for ever."""
    while True:
        with suppress(ButtressError):
            await settle(folder / JOURNAL, ledger)
        await asyncio.sleep(0.1)


def paid_in(folder: Path) -> list[tuple[str, int]]:
    """Return who was paid for, and what."""
    parts = [path.name.split() for path in (folder / PAID).iterdir()]
    return [(user, int(cost)) for _, _, user, cost in parts]


async def check(folder: Path, ledger: Ledger) -> None:
    """Hold what the ledger knows against what was paid: in all, and of each user."""
    paid, (whole, each) = paid_in(folder), BUDGETS
    total = await ledger.balance(dues_of("u0")[0])
    say(f"paid {sum(cost for _, cost in paid):,} in {len(paid):,} calls; {total}")
    assert sum(cost for _, cost in paid) <= total.used <= whole.limit
    assert total.held == 0
    for number in range(USERS):
        balance = await ledger.balance(dues_of(f"u{number}")[1])
        assert sum(cost for user, cost in paid if user == f"u{number}") <= balance.used <= each.limit
        assert balance.held == 0


@pytest.mark.parametrize("flags", [pytest.param((), id="room"), pytest.param(("full",), id="a full disk")])
async def test_never_more_is_paid_than_there_is_and_nothing_is_held_at_the_end(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    seed = SeededChance().bits(32)
    say(f"seed {seed}")
    async with open_database(StorageSettings(), tmp_path, SystemClock()) as database:
        ledger = Ledger(database)
        with working(tmp_path, *flags) as workers:
            async with asyncio.TaskGroup() as group:
                settling = group.create_task(settle_on(tmp_path, ledger))
                # A server that is started by a worker without room has none either.
                await kill_on(workers, tmp_path, SeededChance(seed), 1 if flags else 2)
                settling.cancel()
        await settle(tmp_path / JOURNAL, ledger)
        assert list((tmp_path / JOURNAL).glob(f"*{OWNER}")) == []
        await check(tmp_path, ledger)
