"""What one process finds out, told to the others by NOTIFY: within a second, mostly at once.

Two things are told: which models are left alone, and of which accounts somebody has no money left. Without a
database each process goes by what it sees itself.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial

import msgspec
import structlog

from buttress.app.again import again_and_again
from buttress.app.paying import Paying
from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
from buttress.models.deployments import Deployments, Word
from buttress.spend.purses import Scarce
from buttress.storage.database import OpenDatabase

BREAKERS, BUDGETS = "buttress_breakers", "buttress_budgets"

MAX_WAITING = 256
"""What waits to be told; more is dropped: every process finds out for itself in time."""

TRY_AGAIN_S = 5.0
"""How long the database is left alone that could not be opened."""

_log = structlog.get_logger("buttress.app.sharing")


class Told(msgspec.Struct, frozen=True):
    """What was told, and who told it."""

    sender: str
    what: msgspec.Raw


class Line(msgspec.Struct, frozen=True):
    """What goes over one channel: `next_word` waits for what is to be told, `hear` takes what others tell."""

    channel: str
    next_word: Callable[[], Awaitable[object]]
    hear: Callable[[bytes], None]


async def share(lines: tuple[Line, ...], database: OpenDatabase, me: str) -> None:
    """Tell and hear, as `me`, until cancelled. A database that is away is tried again and again."""
    async with asyncio.TaskGroup() as group:
        for line in lines:
            say = partial(_say_away, line.channel)
            group.create_task(again_and_again(partial(_tell, line, database, me), TRY_AGAIN_S, say))
            group.create_task(again_and_again(partial(_hear, line, database, me), TRY_AGAIN_S, say))


def _say_away(channel: str, reason: str) -> None:
    _log.warning("sharing.away", channel=channel, reason=reason)


@asynccontextmanager
async def breakers(
    deployments: Deployments, models: Callable[[], Mapping[str, Model]]
) -> AsyncIterator[Line]:
    """Have what `deployments` find out told for the block; `models` are those of the project's files."""
    waiting: asyncio.Queue[Word] = asyncio.Queue(MAX_WAITING)
    before = deployments.tell

    def tell(word: Word) -> None:
        if not waiting.full():
            waiting.put_nowait(word)

    def hear(what: bytes) -> None:
        deployments.hear(msgspec.json.decode(what, type=Word), models())

    deployments.tell = tell
    try:
        yield Line(BREAKERS, waiting.get, hear)
    finally:
        deployments.tell = before


def budgets(paying: Paying) -> Line:
    """Return the line over which processes ask one another for money that they do not need."""

    def hear(what: bytes) -> None:
        paying.give_back(msgspec.json.decode(what, type=Scarce))

    return Line(BUDGETS, paying.short.get, hear)


async def _tell(line: Line, database: OpenDatabase, me: str) -> None:
    while True:
        word = await line.next_word()
        told = Told(me, msgspec.Raw(msgspec.json.encode(word)))
        await (await database()).notify(line.channel, msgspec.json.encode(told).decode())


async def _hear(line: Line, database: OpenDatabase, me: str) -> None:
    async with aclosing((await database()).listen([line.channel])) as notices:
        async for notice in notices:
            try:
                told = msgspec.json.decode(notice.payload, type=Told)
                if told.sender != me:
                    line.hear(bytes(told.what))
            except UNDECODABLE:  # nothing of ours, or of another version
                continue
