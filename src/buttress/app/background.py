"""What the background process of `serve` does until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from buttress.app.buttress import Buttress
from buttress.app.engine import remote_engine
from buttress.app.roles import announced, stop_asked
from buttress.kernel.errors import ButtressError
from buttress.processes.announcing import Announcer
from buttress.settings.loading import Loaded

STOP_DATABASE_S = 3.0
"""When the supervisor was killed this process is the last that holds PostgreSQL, and stops it: in 0.3 s, but
nobody else would on a machine that is busy."""

_log = structlog.get_logger("buttress.app.background")


@asynccontextmanager
async def served(loaded: Loaded) -> AsyncIterator[Buttress]:
    """Open the project as a role beside the engine's: searches go there, and fail at once while it is away.

    Raises:
        SettingsInvalid, DeclarationInvalid: as `Buttress.open`.
    """
    async with remote_engine(loaded) as engine, Buttress.opened(loaded, engine=engine) as buttress:
        yield buttress


async def run_background(loaded: Loaded) -> None:
    """Ship what the other processes spool, again and again; PostgreSQL may come and go."""
    asked = stop_asked()
    with announced(loaded, "background", STOP_DATABASE_S) as announcer:
        async with served(loaded) as buttress:
            while not asked.is_set():
                await _ship(buttress, announcer)
                await _wait(asked, loaded.tree.tracing.ship_every_s)


async def _ship(buttress: Buttress, announcer: Announcer) -> None:
    try:
        await buttress.keep_releases()
        await buttress.ship()
    except ButtressError as error:
        if not error.retryable:
            raise
        _log.warning("background.cannot_ship", code=error.code, reason=error.message)
        announcer.say(ready=False, message=error.message)
    else:
        announcer.say(ready=True)


async def _wait(asked: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asked.wait()
    except TimeoutError:
        return
