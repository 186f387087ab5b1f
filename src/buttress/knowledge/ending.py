"""Ends what was begun, whoever is in a hurry."""

import asyncio
from collections.abc import Coroutine


async def to_its_end(work: Coroutine[None, None, None]) -> None:
    """Do `work`, all of it, also when this is cancelled meanwhile; then say so. For what takes a moment.

    A process that is killed and not waited for stays behind, as its entry in the system's table.
    """
    doing = asyncio.gather(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await doing
        raise
