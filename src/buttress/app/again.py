"""Work for ever, however often the database comes and goes."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import psycopg

from buttress.kernel.errors import ButtressError

TROUBLE = (ButtressError, psycopg.Error, OSError, msgspec.MsgspecError)
"""What ends work only for now: a database that is away, or holds what another version has written."""


async def again_and_again(
    work: Callable[[], Awaitable[None]], pause_s: float, say: Callable[[str], None]
) -> None:
    """Do `work`, with pauses, until cancelled; `say` is told what ended it, once while that is the same.

    Of a task group that ended the first fault is told.
    """
    said = ""
    while True:
        reason = ""
        try:
            await work()
        except* TROUBLE as errors:
            fault = errors.exceptions[0]
            reason = str(fault) or type(fault).__name__
        if reason not in ("", said):
            say(reason)
        said = reason
        await asyncio.sleep(pause_s)
