"""Alerts for tests: of subjects that are their own, since all share a database."""

from datetime import UTC, datetime
from itertools import count

import msgspec

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import new_id
from buttress.testing.clock import ManualClock
from buttress.watch.store import AlertStore
from buttress.watch.types import Alert, Raised

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
_numbers = count()
_chance = SeededChance()


def name() -> str:
    """Return a name that nobody else has."""
    return f"w-{_chance.bits(40):x}-{next(_numbers)}"


def alert(subject: str, **changes: object) -> Alert:
    """Return an alert of a budget at 80 percent, but for `changes`."""
    plain = Alert(
        kind="budget",
        subject=subject,
        mark="80% of $1.00",
        text=f"{subject}: 80 %",
        figures={"limit_nanodollars": 1_000_000_000},
        window_start=MIDNIGHT,
        quiet_until=MIDNIGHT,
        owner={"user": "anna"},
    )
    return msgspec.structs.replace(plain, **changes)


async def raise_them(
    store: AlertStore,
    *alerts: Alert,
    webhooks: tuple[str, ...] = (),
    now: datetime = NOON,
    retry_for_s: float = 3_600,
) -> list[Raised]:
    """Raise `alerts`, each for `webhooks`."""
    clock = ManualClock(now)
    return await store.raise_alerts(
        alerts,
        {"budget": webhooks, "cost": webhooks},
        now,
        new_id=lambda: new_id("al", clock, _chance),
        retry_for_s=retry_for_s,
    )
