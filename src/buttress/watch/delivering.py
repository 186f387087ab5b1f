"""From the outbox to the webhooks. Each has a lane of its own: one that hangs holds up nobody else."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import structlog

from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.outbound.sessions import Sessions
from buttress.outbound.webhooks import Message, Sent, Webhook, send_webhook
from buttress.watch.rules import retry_delay_s
from buttress.watch.store import AlertStore
from buttress.watch.types import Parcel, Raised, State

AT_ONCE = 2
"""How many messages are under way to one webhook."""

UNDECLARED = "alerts.yaml names no such webhook any more"

_log = structlog.get_logger("buttress.watch.delivering")


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, as JSON: in the shape that Standard Webhooks recommend, and with one line of text."""

    type: str
    timestamp: str
    text: str
    data: dict[str, object]


def payload(raised: Raised) -> bytes:
    """Return the body of the message: what the alert says, and nothing of any call or document."""
    alert = raised.alert
    data: dict[str, object] = {
        "alert_id": raised.alert_id,
        "subject": alert.subject,
        "owner": alert.owner,
        "mark": alert.mark,
        "window_start": alert.window_start,
        "window_end": alert.window_end,
        **alert.figures,
    }
    return _body(f"alert.{alert.kind}", raised.raised_at.isoformat(), alert.text, data)


def trial(now: str, name: str) -> bytes:
    """Return the body of a message that only tries a webhook."""
    return _body("alert.test", now, f"A test of the webhook {name}: nothing happened.", {})


def _body(kind: str, at: str, text: str, data: dict[str, object]) -> bytes:
    return msgspec.json.encode(Payload(type=kind, timestamp=at, text=text, data=data))


class Carriers(msgspec.Struct, frozen=True, kw_only=True):
    """What delivering needs.

    `webhook` takes a name of `names()`; it raises a `ButtressError` where a reference leads to nothing.
    """

    sessions: Sessions
    names: Callable[[], Mapping[str, object]]
    webhook: Callable[[str], Webhook]
    clock: Clock
    chance: Chance
    timeout_s: float


class Courier:
    """Delivers what is due, in tasks of a group that somebody else waits for."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers
        self._busy: set[str] = set()

    async def look(self, store: AlertStore, tasks: asyncio.TaskGroup) -> None:
        """Begin to deliver what is due, and give up what waits for webhooks that are not declared any more.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        names, now = self._carriers.names(), self._carriers.clock.now()
        for alert_id, webhook in await store.drop_others(list(names), now, UNDECLARED):
            _log.error("alert.given_up", alert_id=alert_id, webhook=webhook, reason=UNDECLARED)
        for name in names:
            if name not in self._busy:
                self._busy.add(name)
                tasks.create_task(self._lane(store, name))

    async def _lane(self, store: AlertStore, name: str) -> None:
        """Deliver to one webhook until nothing is due."""
        try:
            while parcels := await store.claim(name, self._carriers.clock.now(), AT_ONCE):
                await asyncio.gather(*(self._deliver(store, one) for one in parcels))
        except ButtressError as error:
            _log.warning("alert.not_claimed", webhook=name, code=error.code, reason=error.message)
        finally:
            self._busy.discard(name)

    async def _deliver(self, store: AlertStore, parcel: Parcel) -> None:
        """Try once, and write down what came of it; what could not be written is due again in a minute."""
        sent, now = await self._send(parcel), self._carriers.clock.now()
        next_try_at = now + timedelta(seconds=retry_delay_s(parcel.tries, self._carriers.chance.fraction()))
        state = _state(sent, is_last=next_try_at >= parcel.give_up_at)
        told = {"alert_id": parcel.raised.alert_id, "webhook": parcel.webhook, "tries": parcel.tries}
        if state == "given_up":
            _log.error("alert.given_up", **told, reason=sent.reason, text=parcel.raised.alert.text)
        try:
            await store.settle(
                parcel, state, now, outcome=sent.reason, status=sent.status, next_try_at=next_try_at
            )
        except ButtressError as error:
            _log.warning("alert.not_settled", **told, outcome=sent.reason, code=error.code)

    async def _send(self, parcel: Parcel) -> Sent:
        carriers = self._carriers
        try:
            webhook = carriers.webhook(parcel.webhook)
        except ButtressError as error:
            return Sent(kind="invalid", reason=error.message)
        message = Message(
            id=parcel.raised.alert_id, body=payload(parcel.raised), sent_at=carriers.clock.now()
        )
        return await send_webhook(carriers.sessions, webhook, message, carriers.timeout_s)


def _state(sent: Sent, *, is_last: bool) -> State:
    """Return what becomes of a delivery; a receiver that says it is gone for good is not asked again."""
    if sent.kind == "delivered":
        return "delivered"
    return "given_up" if is_last or sent.kind == "gone" else "waiting"
