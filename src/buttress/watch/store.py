"""Alerts and their deliveries in PostgreSQL: raised once, handed out to one deliverer at a time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from buttress.storage.database import Database
from buttress.watch.errors import AlertUnknown
from buttress.watch.types import Alert, Delivery, Kind, Parcel, Raised, State

CLAIM_S = 60.0
"""For how long a delivery is one deliverer's; longer than any try takes. Then it is taken for dead."""

# Whoever raises waits for the lock: else two could both look for what is quiet, and find nothing.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('buttress:alerts', 0))"

RAISE = """
    INSERT INTO alerts
        (alert_id, kind, subject, owner, mark, window_start, quiet_until, is_told, body, raised_at)
    SELECT alert_id, kind, subject, owner, mark, window_start, quiet_until, is_told, body, %(now)s
    FROM jsonb_to_recordset(%(alerts)s::jsonb) AS new (
        alert_id text, kind text, subject text, owner text[], mark text, window_start timestamptz,
        quiet_until timestamptz, is_told boolean, body jsonb
    )
    WHERE NOT EXISTS (
        SELECT FROM alerts AS old
        WHERE old.kind = new.kind AND old.subject = new.subject AND old.owner = new.owner
            AND old.mark = new.mark AND old.quiet_until > %(now)s
    )
    ON CONFLICT (kind, subject, owner, mark, window_start) DO NOTHING
    RETURNING alert_id
"""

POST = """
    INSERT INTO alert_deliveries
        (alert_id, webhook, state, tries, next_try_at, give_up_at, outcome, changed_at)
    SELECT alert_id, webhook, 'waiting', 0, %(now)s, %(give_up_at)s, '', %(now)s
    FROM jsonb_to_recordset(%(deliveries)s::jsonb) AS new (alert_id text, webhook text)
"""

CALM = """
    UPDATE alerts SET quiet_until = %(now)s
    WHERE kind = ANY(%(kinds)s) AND quiet_until > %(now)s AND raised_at <= %(before)s
        AND NOT (kind, subject, mark) IN (
            SELECT kind, subject, mark
            FROM jsonb_to_recordset(%(going_on)s::jsonb) AS going (kind text, subject text, mark text)
        )
"""

# The number of the try is whose turn it is: who comes back later than `CLAIM_S` changes nothing.
CLAIM = """
    UPDATE alert_deliveries AS mine
    SET tries = mine.tries + 1, next_try_at = %(again_at)s, changed_at = %(now)s
    FROM alerts
    WHERE alerts.alert_id = mine.alert_id AND (mine.alert_id, mine.webhook) IN (
        SELECT alert_id, webhook FROM alert_deliveries
        WHERE state = 'waiting' AND webhook = %(webhook)s AND next_try_at <= %(now)s
        ORDER BY next_try_at LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING mine.alert_id, alerts.raised_at, alerts.body, mine.tries, mine.give_up_at
"""

SETTLE = """
    UPDATE alert_deliveries
    SET state = %(state)s, outcome = %(outcome)s, status = %(status)s, next_try_at = %(next_try_at)s,
        changed_at = %(now)s
    WHERE alert_id = %(alert_id)s AND webhook = %(webhook)s AND tries = %(tries)s AND state = 'waiting'
"""

DROP = """
    UPDATE alert_deliveries SET state = 'given_up', outcome = %(outcome)s, changed_at = %(now)s
    WHERE state = 'waiting' AND NOT webhook = ANY(%(known)s)
    RETURNING alert_id, webhook
"""

AGAIN = """
    UPDATE alert_deliveries
    SET state = 'waiting', tries = 0, next_try_at = %(now)s, give_up_at = %(give_up_at)s, changed_at = %(now)s
    WHERE alert_id = %(alert_id)s AND state <> 'delivered'
    RETURNING webhook
"""

# An alert is what keeps its like from being raised again: those of windows that never end stay.
FORGET = """
    DELETE FROM alerts
    WHERE raised_at < %(before)s AND quiet_until <= %(now)s
        AND (kind <> 'budget' OR body ->> 'window_end' IS NOT NULL)
"""

LIST = """
    SELECT alert_id, raised_at, body, coalesce((
        SELECT jsonb_agg(to_jsonb(one) ORDER BY one.webhook)
        FROM alert_deliveries AS one WHERE one.alert_id = alerts.alert_id
    ), '[]')
    FROM alerts WHERE is_told AND alert_id LIKE %(pattern)s
    ORDER BY raised_at DESC, alert_id DESC LIMIT %(limit)s
"""


class AlertStore:
    """The outbox of alerts. Any number of processes may use it at once; `now` is each one's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def raise_alerts(
        self,
        alerts: Sequence[Alert],
        told: Mapping[Kind, Collection[str]],
        now: datetime,
        *,
        new_id: Callable[[], str],
        retry_for_s: float,
    ) -> list[Raised]:
        """Raise those of `alerts` that were not raised before in their window; return those to be told.

        What each webhook in `told` is to hear, by kinds, waits for delivery from the same transaction on.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`; nothing was raised.
        """
        by_id = {new_id(): alert for alert in alerts}
        rows = [_row(alert_id, alert) for alert_id, alert in by_id.items()]
        async with self._database.connection() as connection:
            await connection.execute(LOCK)
            values = {"alerts": _json(rows), "now": now}
            new = {one for (one,) in await (await connection.execute(RAISE, values)).fetchall()}
            raised = [
                Raised(alert_id=alert_id, raised_at=now, alert=alert)
                for alert_id, alert in by_id.items()
                if alert_id in new and alert.is_told
            ]
            posted = [
                {"alert_id": one.alert_id, "webhook": name}
                for one in raised
                for name in sorted(told.get(one.alert.kind, ()))
            ]
            give_up_at = now + timedelta(seconds=retry_for_s)
            await connection.execute(
                POST, {"deliveries": _json(posted), "now": now, "give_up_at": give_up_at}
            )
        return raised

    async def calm(
        self,
        kinds: Sequence[Kind],
        going_on: Collection[tuple[Kind, str, str]],
        now: datetime,
        *,
        after_s: float,
    ) -> None:
        """Let what is over be raised again: of `kinds`, all but `going_on` (kind, subject, mark).

        What was raised within `after_s` stays as it is.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        rows = [{"kind": kind, "subject": subject, "mark": mark} for kind, subject, mark in going_on]
        values = {
            "kinds": list(kinds),
            "going_on": _json(rows),
            "now": now,
            "before": now - timedelta(seconds=after_s),
        }
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(CALM, values)

    async def claim(self, webhook: str, now: datetime, limit: int) -> list[Parcel]:
        """Take what is due for `webhook`, at most `limit`; nobody else gets it for `CLAIM_S`.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        values = {
            "webhook": webhook,
            "now": now,
            "again_at": now + timedelta(seconds=CLAIM_S),
            "limit": limit,
        }
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(CLAIM, values)).fetchall()
        return [
            Parcel(raised=_raised(alert_id, at, body), webhook=webhook, tries=tries, give_up_at=give_up_at)
            for alert_id, at, body, tries, give_up_at in rows
        ]

    async def settle(
        self,
        parcel: Parcel,
        state: State,
        now: datetime,
        *,
        outcome: str,
        status: int | None,
        next_try_at: datetime,
    ) -> None:
        """Write down what came of a try; unless the parcel was another's by then.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        values = {
            "alert_id": parcel.raised.alert_id,
            "webhook": parcel.webhook,
            "tries": parcel.tries,
            "state": state,
            "outcome": outcome,
            "status": status,
            "next_try_at": next_try_at,
            "now": now,
        }
        async with self._database.connection(autocommit=True) as connection:
            await connection.execute(SETTLE, values)

    async def drop_others(self, known: Collection[str], now: datetime, outcome: str) -> list[tuple[str, str]]:
        """Give up what waits for a webhook that is not `known`; return each alert's id with the webhook.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        values = {"known": list(known), "now": now, "outcome": outcome}
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(DROP, values)).fetchall()
        return [(alert_id, webhook) for alert_id, webhook in rows]

    async def retry(self, alert_id: str, now: datetime, retry_for_s: float) -> tuple[str, list[str]]:
        """Have what was not delivered of an alert tried again; return its whole id, and the webhooks.

        The last characters of its id are enough, as long as they are of one alert.

        Raises:
            AlertUnknown: there is none, more than one, or all of it was delivered.
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        found = await self._list(f"%{_escaped(alert_id)}", 2)
        if len(found) != 1:
            raise AlertUnknown(f"no alert {alert_id!r}, or more than one")
        values = {
            "alert_id": found[0].alert_id,
            "now": now,
            "give_up_at": now + timedelta(seconds=retry_for_s),
        }
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(AGAIN, values)).fetchall()
        if not rows:
            raise AlertUnknown(f"the alert {found[0].alert_id} has nothing that was not delivered")
        return found[0].alert_id, sorted(name for (name,) in rows)

    async def forget(self, now: datetime, keep_days: int) -> int:
        """Delete alerts that are older, and whose windows are over; return how many there were.

        `keep_days` is longer than any window that ends.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        values = {"now": now, "before": now - timedelta(days=keep_days)}
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET, values)).rowcount

    async def latest(self, limit: int) -> list[Raised]:
        """Return the latest alerts that were told, newest first, each with its deliveries.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        return await self._list("%", limit)

    async def _list(self, pattern: str, limit: int) -> list[Raised]:
        async with self._database.connection(autocommit=True) as connection:
            rows = await (await connection.execute(LIST, {"pattern": pattern, "limit": limit})).fetchall()
        return [
            msgspec.structs.replace(
                _raised(alert_id, at, body), deliveries=tuple(msgspec.convert(sent, list[Delivery]))
            )
            for alert_id, at, body, sent in rows
        ]


def _row(alert_id: str, alert: Alert) -> dict[str, object]:
    return {
        "alert_id": alert_id,
        "kind": alert.kind,
        "subject": alert.subject,
        "owner": list(alert.owner.values()),
        "mark": alert.mark,
        "window_start": alert.window_start,
        "quiet_until": alert.quiet_until,
        "is_told": alert.is_told,
        "body": alert,
    }


def _raised(alert_id: str, at: datetime, body: object) -> Raised:
    return Raised(alert_id=alert_id, raised_at=at, alert=msgspec.convert(body, Alert))


def _json(rows: Sequence[Mapping[str, object]]) -> str:
    return msgspec.json.encode(rows).decode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
