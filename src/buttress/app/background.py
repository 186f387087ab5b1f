"""What the background process of `serve` does until it is told to stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from buttress.app.buttress import Buttress
from buttress.app.declared import Declared
from buttress.app.engine import remote_engine
from buttress.app.layout import run_folder
from buttress.app.live import Live
from buttress.app.roles import announced, set_within, stop_asked
from buttress.kernel.errors import ButtressError
from buttress.processes.announcing import Announcer, replace_file
from buttress.processes.errors import RunFolderUnusable
from buttress.settings.loading import Loaded
from buttress.tracing.metrics import Metrics

STOP_DATABASE_S = 3.0
"""When the supervisor was killed this process is the last that holds PostgreSQL, and stops it: in 0.3 s, but
nobody else would on a machine that is busy."""

SWEEP_EVERY_S = 3_600.0
"""How often it is looked for conversations that are older than they may be."""

_log = structlog.get_logger("buttress.app.background")


@asynccontextmanager
async def served(loaded: Loaded, declared: Declared) -> AsyncIterator[Buttress]:
    """Open the project as a role beside the engine's: searches go there, and fail while it is away."""
    async with (
        remote_engine(loaded) as engine,
        Buttress.opened(loaded, engine=engine, declared=declared) as buttress,
    ):
        yield buttress


async def run_background(loaded: Loaded) -> None:
    """Ship what the others spool, and delete what is too old, again and again; PostgreSQL may come and go."""
    asked = stop_asked()
    with announced(loaded, "background", STOP_DATABASE_S) as announcer:
        live = Live(loaded.project)
        async with served(loaded, await live.start()) as buttress:
            metrics = Metrics("background")
            buttress.listen(metrics.observe)
            sweep_at = 0.0
            while not asked.is_set():
                if changed := await live.follow():
                    buttress.adopt(changed)
                    metrics.keep(buttress.names)
                await _ship(buttress, announcer)
                _write(metrics, run_folder(loaded.project))
                if buttress.clock.monotonic() >= sweep_at:
                    await _forget(buttress)
                    sweep_at = buttress.clock.monotonic() + SWEEP_EVERY_S
                await set_within(asked, loaded.tree.tracing.ship_every_s)


async def _ship(buttress: Buttress, announcer: Announcer) -> None:
    try:
        await buttress.keep_releases()
        await buttress.ship()
    except ButtressError as error:
        if not error.retryable:
            raise
        _log.warning("background.cannot_ship", code=error.code, reason=error.message)
        announcer.keep_saying(ready=False, message=error.message)
    else:
        announcer.keep_saying(ready=True)


def _write(metrics: Metrics, run_dir: Path) -> None:
    """Let call workers know which calls were found lost: whichever of them is scraped answers for all."""
    with suppress(RunFolderUnusable):
        replace_file(run_dir / "background.metrics", metrics.text())


async def _forget(buttress: Buttress) -> None:
    try:
        if forgotten := await buttress.forget_conversations():
            _log.info("conversations.forgotten", conversations=forgotten)
    except ButtressError as error:
        _log.warning("conversations.not_forgotten", code=error.code, reason=error.message)
