"""What one worker finds out about a model, told to the others by NOTIFY: within a second, mostly at once.

Without a database each worker goes by what it sees itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

import msgspec
import psycopg
import structlog

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.models.deployments import Deployments, Word
from buttress.storage.database import Database

CHANNEL = "buttress_breakers"

MAX_WAITING = 256
"""Words that wait to be told; more are dropped: every worker finds out for itself in time."""

TRY_AGAIN_S = 5.0
"""How long the database is left alone that could not be opened."""

OpenDatabase = Callable[[], Awaitable[Database]]

_log = structlog.get_logger("buttress.app.sharing")


class Told(msgspec.Struct, frozen=True):
    """A word, and who told it."""

    sender: str
    word: Word


async def share(
    deployments: Deployments, models: Callable[[], Mapping[str, Model]], database: OpenDatabase, me: str
) -> None:
    """Tell what `deployments` find out, as `me`, and have them hear the others, until cancelled.

    `models` are those of the project's files. A database that is away is tried again and again.
    """
    waiting: asyncio.Queue[Word] = asyncio.Queue(MAX_WAITING)
    before = deployments.tell

    def tell(word: Word) -> None:
        if not waiting.full():
            waiting.put_nowait(word)

    deployments.tell = tell
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_again_and_again(lambda: _tell(waiting, database, me)))
            group.create_task(_again_and_again(lambda: _hear(deployments, models, database, me)))
    finally:
        deployments.tell = before


async def _again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except (ButtressError, psycopg.Error, OSError) as error:
            _log.warning("breakers.not_shared", reason=str(error))
        await asyncio.sleep(TRY_AGAIN_S)


async def _tell(waiting: asyncio.Queue[Word], database: OpenDatabase, me: str) -> None:
    while True:
        word = await waiting.get()
        await (await database()).notify(CHANNEL, msgspec.json.encode(Told(me, word)).decode())


async def _hear(
    deployments: Deployments, models: Callable[[], Mapping[str, Model]], database: OpenDatabase, me: str
) -> None:
    async with aclosing((await database()).listen([CHANNEL])) as notices:
        async for notice in notices:
            told = _read(notice.payload)
            if told and told.sender != me:
                deployments.hear(told.word, models())


def _read(payload: str) -> Told | None:
    """Return what was told; None where it is nothing of ours, or of another version."""
    try:
        return msgspec.json.decode(payload, type=Told)
    except msgspec.MsgspecError:
        return None
