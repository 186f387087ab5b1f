"""What the background process of `serve` does until it is told to stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from buttress.app.alerting import AlertParts, alerting
from buttress.app.buttress import Buttress
from buttress.app.declared import Declared
from buttress.app.engine import remote_engine
from buttress.app.layout import journal_folder, run_folder
from buttress.app.library import forget_pieces
from buttress.app.live import Live
from buttress.app.paying import budgets_now, forget_leases
from buttress.app.recalling import sweep_answers
from buttress.app.roles import announced, set_within, stop_asked
from buttress.app.schedule import ScheduleParts, scheduled
from buttress.kernel.chance import SeededChance
from buttress.kernel.errors import ButtressError
from buttress.processes.announcing import Announcer, replace_file
from buttress.processes.errors import RunFolderUnusable
from buttress.settings.loading import Loaded
from buttress.tracing.metrics import Metrics, Present

STOP_DATABASE_S = 3.0
"""When the supervisor was killed this process is the last that holds PostgreSQL, and stops it: in 0.3 s, but
nobody else would on a machine that is busy."""

SWEEP_EVERY_S = 3_600.0
"""How often it is looked for what is older than it may be: conversations, answers to an Idempotency-Key."""

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
        metrics = Metrics("background")
        async with (
            served(loaded, await live.start()) as buttress,
            alerting(_alert_parts(loaded, live, buttress, metrics)),
            scheduled(_schedule_parts(loaded, live, buttress)) as schedule,
        ):
            buttress.listen(metrics.observe)
            sweep_at = 0.0
            while not asked.is_set():
                if changed := await live.follow():
                    buttress.adopt(changed)
                    metrics.keep(buttress.names)
                await _ship(buttress, announcer)
                present = {**await _budgets(buttress), **schedule.present}
                _write(metrics, present, run_folder(loaded.project))
                if buttress.clock.monotonic() >= sweep_at:
                    await _forget(buttress)
                    sweep_at = buttress.clock.monotonic() + SWEEP_EVERY_S
                await set_within(asked, loaded.tree.tracing.ship_every_s)


def _schedule_parts(loaded: Loaded, live: Live, buttress: Buttress) -> ScheduleParts:
    return ScheduleParts(
        loaded=loaded,
        knowledge=lambda: live.current.knowledge,
        database=buttress.database,
        clock=buttress.clock,
    )


def _alert_parts(loaded: Loaded, live: Live, buttress: Buttress, metrics: Metrics) -> AlertParts:
    return AlertParts(
        project=loaded.project,
        settings=loaded.tree,
        declared=lambda: live.current,
        database=buttress.database,
        clock=buttress.clock,
        chance=SeededChance(),
        hear=lambda raised: metrics.count_alert(raised.alert.kind),
    )


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


async def _budgets(buttress: Buttress) -> Present:
    if not buttress.budgets:
        return {}
    try:
        return await budgets_now(
            await buttress.database(), buttress.budgets, buttress.clock, journal_folder(buttress.project)
        )
    except ButtressError as error:
        _log.warning("background.cannot_look", code=error.code, reason=error.message)
        return {}


def _write(metrics: Metrics, present: Present, run_dir: Path) -> None:
    """Let call workers know what is found here: whichever of them is scraped answers for all."""
    with suppress(RunFolderUnusable):
        replace_file(run_dir / "background.metrics", metrics.text(present))


async def _forget_leases(buttress: Buttress) -> None:
    database, settings = await buttress.database(), buttress.settings.spend
    if forgotten := await forget_leases(database, buttress.budgets, settings):
        _log.info("leases.forgotten", leases=forgotten)


async def _forget(buttress: Buttress) -> None:
    try:
        if forgotten := await buttress.forget_conversations():
            _log.info("conversations.forgotten", conversations=forgotten)
        if forgotten := await forget_pieces(
            await buttress.database(), buttress.settings.prompts.map, buttress.clock
        ):
            _log.info("pieces.forgotten", answers=forgotten)
        if swept := await sweep_answers(await buttress.database(), buttress.settings.caching, buttress.clock):
            _log.info("answers.swept", answers=swept)
        if forgotten := await buttress.claims.forget():
            _log.info("idempotency.forgotten", answers=forgotten)
        await _forget_leases(buttress)
        if forgotten := buttress.forget_shipped():
            _log.info("shipped.forgotten", files=forgotten)
        if learned := await buttress.catch_up():
            _log.warning("traces.learned_again", traces=learned)
    except ButtressError as error:
        _log.warning("background.not_forgotten", code=error.code, reason=error.message)
