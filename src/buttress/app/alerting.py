"""Looks for what is worth an alert, again and again, and delivers what was raised; in the background."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import structlog

from buttress.app.again import TROUBLE
from buttress.app.alerts import NEVER, budget_alerts, readings, watched_features
from buttress.app.declared import Declared
from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.ids import new_id
from buttress.outbound.sessions import Sessions
from buttress.outbound.signing import signing_key
from buttress.outbound.webhooks import Message, Sent, Webhook, send_webhook
from buttress.releases.types import Release
from buttress.settings.secrets import resolve_secret
from buttress.settings.tree import Settings
from buttress.spend.standings import Standings
from buttress.storage.database import Database, OpenDatabase
from buttress.tracing.figures import FigureStore
from buttress.watch.delivering import Carriers, Courier, trial
from buttress.watch.errors import SecretUnusable, WebhookUnknown
from buttress.watch.rules import Reading, goes_on, missed_alerts
from buttress.watch.settings import WatchSettings
from buttress.watch.store import AlertStore
from buttress.watch.types import KINDS, Alert, Raised, Route

FORGET_EVERY_S = 3_600.0

_log = structlog.get_logger("buttress.app.alerting")


class AlertParts(msgspec.Struct, frozen=True, kw_only=True):
    """What alerting needs. `declared` is what the project's files say now; `hear` is told what is raised."""

    project: Path
    settings: Settings
    declared: Callable[[], Declared]
    database: OpenDatabase
    clock: Clock
    chance: Chance
    hear: Callable[[Raised], None] = lambda raised: None  # noqa: ARG005 - nobody wants to know


def webhook_of(routes: tuple[Route, ...], name: str, project: Path) -> Webhook:
    """Return the webhook `name` with its address and keys, read from where they are referred to.

    Raises:
        WebhookUnknown: alerts.yaml names none such.
        SecretMissing, SecretUnusable: a reference leads to nothing, or to what signs nothing.
    """
    route = next((one for one in routes if one.name == name), None)
    if route is None:
        known = ", ".join(one.name for one in routes) or "none"
        raise WebhookUnknown(f"alerts.yaml names no webhook `{name}`; there are: {known}")
    keys = []
    for reference in route.secrets:
        key = signing_key(resolve_secret(reference, project=project))
        if key is None:
            raise SecretUnusable(
                f"{reference} of the webhook {name} is not whsec_ and the base64 of 24 to 64 bytes"
            )
        keys.append(key)
    return Webhook(resolve_secret(route.url, project=project), tuple(keys))


async def targets_now(
    database: Database, releases: Mapping[str, Release], settings: WatchSettings, now: datetime
) -> list[Reading]:
    """Return each target of `releases` whose feature had calls of late, beside what they came to.

    Raises:
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    since = now - timedelta(seconds=settings.figures_over_s)
    figures = await FigureStore(database).of(watched_features(releases), since)
    return readings(releases, figures, settings)


class Alerting:
    """Raises alerts and delivers them. Any number of processes may do so at once: one raises each."""

    def __init__(self, parts: AlertParts, sessions: Sessions) -> None:
        self._parts = parts
        self._figures_at = self._forget_at = 0.0
        self._known: frozenset[_Mark] = frozenset()
        carriers = Carriers(
            sessions=sessions,
            names=lambda: {route.name: route for route in parts.declared().webhooks},
            webhook=lambda name: webhook_of(parts.declared().webhooks, name, parts.project),
            clock=parts.clock,
            chance=parts.chance,
            timeout_s=parts.settings.watch.webhook_timeout_s,
        )
        self._courier = Courier(carriers)

    async def run(self) -> None:
        """Look and deliver, for ever; what cannot be done now is done later, and holds up nothing else."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                for work in (self.look, partial(self.deliver, tasks)):
                    try:
                        await work()
                    except TROUBLE as error:
                        _log.warning("alerts.not_now", reason=str(error))
                await asyncio.sleep(self._parts.settings.watch.look_every_s)

    async def deliver(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to deliver what is due, in `tasks`.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        await self._courier.look(AlertStore(await self._parts.database()), tasks)

    async def look(self) -> None:
        """Raise what is to be raised now.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        parts, database = self._parts, await self._parts.database()
        store, now = AlertStore(database), parts.clock.now()
        if any(budget.alerts for budget in parts.declared().budgets):
            await self._look_at_budgets(database, store, now)
        at = parts.clock.monotonic()
        if at >= self._figures_at:
            self._figures_at = at + parts.settings.watch.figures_every_s
            await self._look_at_calls(database, store)
        if at >= self._forget_at:
            self._forget_at = at + FORGET_EVERY_S
            await store.forget(now, parts.settings.watch.keep_days)

    async def _look_at_budgets(self, database: Database, store: AlertStore, now: datetime) -> None:
        """Raise what is new; what the last look found need not be asked for again, at each look."""
        budgets = self._parts.declared().budgets
        standings = await Standings(database).look(budgets, now)
        found = {_mark(one): one for one in budget_alerts(budgets, standings, now)}
        await self._raise(store, [one for mark, one in found.items() if mark not in self._known])
        self._known = frozenset(found)

    async def _look_at_calls(self, database: Database, store: AlertStore) -> None:
        parts, settings = self._parts, self._parts.settings.watch
        now = parts.clock.now()
        found = await targets_now(database, parts.declared().releases, settings, now)
        going_on = {(one.kind, one.feature, one.mark) for one in found if goes_on(one, settings.min_calls)}
        await store.calm(("cost", "latency"), going_on, now, after_s=settings.figures_over_s)
        await self._raise(store, missed_alerts(found, settings.min_calls, now, NEVER))

    async def _raise(self, store: AlertStore, alerts: list[Alert]) -> None:
        if not alerts:
            return
        parts = self._parts
        routes = parts.declared().webhooks
        raised = await store.raise_alerts(
            alerts,
            {kind: [route.name for route in routes if kind in route.on] for kind in KINDS},
            parts.clock.now(),
            new_id=lambda: new_id("al", parts.clock, parts.chance),
            retry_for_s=parts.settings.watch.retry_for_s,
        )
        for one in raised:
            _log.warning("alert.raised", alert_id=one.alert_id, **_said(one.alert))
            parts.hear(one)


_Mark = tuple[str, tuple[str, ...], str, datetime]


def _mark(alert: Alert) -> _Mark:
    return alert.subject, tuple(alert.owner.values()), alert.mark, alert.window_start


def _said(alert: Alert) -> dict[str, object]:
    return {
        "kind": alert.kind,
        "subject": alert.subject,
        "owner": alert.owner,
        "mark": alert.mark,
        "text": alert.text,
        **alert.figures,
    }


@asynccontextmanager
async def alerting(parts: AlertParts) -> AsyncIterator[None]:
    """Look for alerts and deliver them beside the block; what is under way at its end is delivered later."""
    async with Sessions(parts.settings.outbound) as sessions:
        try:
            async with asyncio.TaskGroup() as beside:
                looking = beside.create_task(Alerting(parts, sessions).run())
                yield
                looking.cancel()
        except ExceptionGroup as errors:  # of the block: it is to see its own
            raise errors.exceptions[0] from None


async def try_webhook(
    routes: tuple[Route, ...], name: str, project: Path, settings: Settings, clock: Clock, chance: Chance
) -> Sent:
    """Send the webhook `name` a message that says it is a test, once, and return what came of it.

    Raises:
        WebhookUnknown, SecretMissing, SecretUnusable: see `webhook_of`.
    """
    webhook, now = webhook_of(routes, name, project), clock.now()
    message = Message(id=new_id("al", clock, chance), body=trial(now.isoformat(), name), sent_at=now)
    async with Sessions(settings.outbound) as sessions:
        return await send_webhook(sessions, webhook, message, settings.watch.webhook_timeout_s)
