"""LISTEN that survives a lost connection, and says when something may have been missed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
import psycopg
from psycopg import sql

from buttress.kernel.errors import ButtressError
from buttress.storage.connecting import Connection, Connector
from buttress.storage.errors import DataRefused
from buttress.storage.translation import translate

MAX_CHANNEL_BYTES = 63
"""PostgreSQL cuts longer names silently."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_HEARTBEAT_S = 30.0
_HEARTBEAT_TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard on `channel`; or with `missed`, that something may not have been: read all again.

    The first notice of all has `missed`, too: listening has begun, and what is read from now on is not older
    than what will be heard.
    """

    channel: str = ""
    payload: str = ""
    missed: bool = False


async def listen(connector: Connector, channels: Sequence[str]) -> AsyncGenerator[Notice, None]:
    """Yield what is said on `channels` for ever, over one connection, made anew whenever it is lost.

    Raises:
        DataRefused: a channel's name is longer than 63 bytes.
    """
    for channel in channels:
        if not 0 < len(channel.encode()) <= MAX_CHANNEL_BYTES:
            raise DataRefused(
                f"the channel name {channel!r} is empty or longer than {MAX_CHANNEL_BYTES} bytes"
            )
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            async with aclosing(_one_connection(connector, channels)) as notices:
                async for notice in notices:
                    pause_s = _FIRST_PAUSE_S
                    yield notice
        except (psycopg.Error, ButtressError, TimeoutError) as error:
            if not _may_pass(error):
                raise
            _log.warning("listening was interrupted: %s", error)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _may_pass(error: Exception) -> bool:
    ours = translate(error) if isinstance(error, psycopg.Error) else error
    return ours.retryable if isinstance(ours, ButtressError) else isinstance(error, TimeoutError)


async def _one_connection(connector: Connector, channels: Sequence[str]) -> AsyncGenerator[Notice, None]:
    connection = await connector.connect(autocommit=True)
    try:
        for channel in channels:
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        yield Notice(missed=True)
        while True:
            async with aclosing(connection.notifies(timeout=_HEARTBEAT_S)) as heard:
                async for one in heard:
                    yield Notice(channel=one.channel, payload=one.payload)
            await _check(connection)
    finally:
        await connection.close()


async def _check(connection: Connection) -> None:
    async with asyncio.timeout(_HEARTBEAT_TIMEOUT_S):
        await connection.execute("select 1")
