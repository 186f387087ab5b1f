"""`watch.delivering`: from the outbox to receivers that do what they like, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.outbound.sessions import Sessions
from buttress.outbound.webhooks import Webhook
from buttress.storage.database import Database
from buttress.testing.clock import ManualClock
from buttress.watch.delivering import UNDECLARED, Carriers, Courier, Payload, payload, trial
from buttress.watch.errors import WebhookUnknown
from buttress.watch.store import CLAIM_S, AlertStore
from buttress.watch.types import Delivery
from tests.unit.outbound.sites import OK, Answer, Visit, saying, settings, site
from tests.unit.watch.alerting import NOON, alert, name, raise_them
from tests.waiting import until

KEY = bytes(32)
GONE = saying(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")


class _Outbox:
    """A store with a courier for webhooks at given URLs, and a clock to turn."""

    def __init__(self, store: AlertStore, urls: Mapping[str, str], timeout_s: float = 20) -> None:
        self.clock = ManualClock(NOON)
        self.store = store
        self._urls = urls
        self._sessions = Sessions(settings())
        carriers = Carriers(
            sessions=self._sessions,
            names=lambda: urls,
            webhook=self._webhook,
            clock=self.clock,
            chance=SeededChance(1),
            timeout_s=timeout_s,
        )
        self.courier = Courier(carriers)

    def _webhook(self, wanted: str) -> Webhook:
        if not self._urls[wanted]:
            raise WebhookUnknown(f"env:{wanted} leads to nothing")
        return Webhook(self._urls[wanted], (KEY,))

    async def look(self, after_s: float = 0) -> None:
        """Turn the clock, look once, and wait until all lanes are empty."""
        self.clock.advance(after_s)
        async with asyncio.TaskGroup() as tasks:
            await self.courier.look(self.store, tasks)

    async def delivery(self, subject: str, webhook: str) -> Delivery:
        """Return how far it is."""
        found = next(one for one in await self.store.latest(10_000) if one.alert.subject == subject)
        return next(one for one in found.deliveries if one.webhook == webhook)


def failing(*statuses: int) -> Answer:
    """Return an answer that has each of `statuses` once, then is fine."""
    left = list(statuses)

    async def answer(visit: Visit) -> None:
        status = left.pop(0) if left else 200
        await visit.say(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    return answer


async def _silent(visit: Visit) -> None:
    await visit.until_gone()


@asynccontextmanager
async def one_alert(
    database: Database, url: str, timeout_s: float = 20, retry_for_s: float = 86_400
) -> AsyncIterator[tuple[_Outbox, str, str]]:
    """Have an outbox with one alert for one webhook."""
    subject, webhook = name(), name()
    outbox = _Outbox(AlertStore(database), {webhook: url}, timeout_s)
    await raise_them(outbox.store, alert(subject), webhooks=(webhook,), retry_for_s=retry_for_s)
    yield outbox, subject, webhook


async def test_what_is_delivered_is_delivered_once(database: Database) -> None:
    async with (
        site(saying(OK)) as there,
        one_alert(database, there.url) as (outbox, subject, webhook),
    ):
        await outbox.look()
        await outbox.look(after_s=86_400)
        assert len(there.visits) == 1
        said = msgspec.json.decode(there.visits[0].body, type=Payload)
        assert (said.type, said.data["owner"], said.text) == (
            "alert.budget",
            {"user": "anna"},
            f"{subject}: 80 %",
        )
        assert (await outbox.delivery(subject, webhook)).state == "delivered"


async def test_an_error_is_tried_again_later_and_later_under_the_same_id(database: Database) -> None:
    async with (
        site(failing(500, 503, 429)) as there,
        one_alert(database, there.url) as (outbox, subject, webhook),
    ):
        await outbox.look()
        seen = await outbox.delivery(subject, webhook)
        assert (seen.state, seen.status, seen.tries) == ("waiting", 500, 1)
        assert 2.5 <= (seen.next_try_at - outbox.clock.now()).total_seconds() <= 5
        await outbox.look(after_s=2)
        assert len(there.visits) == 1
        for after_s in (5, 10, 20):
            await outbox.look(after_s=after_s)
        assert len(there.visits) == 4
        assert (
            len({visit.head.partition("webhook-id: ")[2].partition("\r")[0] for visit in there.visits}) == 1
        )
        assert (await outbox.delivery(subject, webhook)).state == "delivered"


async def test_after_a_day_it_is_given_up_aloud(database: Database) -> None:
    async with (
        site(failing(*[500] * 100)) as there,
        one_alert(database, there.url) as (outbox, subject, webhook),
    ):
        for _ in range(60):
            await outbox.look(after_s=1_800)
        seen = await outbox.delivery(subject, webhook)
        assert (seen.state, seen.outcome) == ("given_up", "the answer was 500")
        assert 20 < len(there.visits) < 60


async def test_who_says_that_it_is_gone_is_not_asked_again(database: Database) -> None:
    async with site(GONE) as there, one_alert(database, there.url) as (outbox, subject, webhook):
        for _ in range(3):
            await outbox.look(after_s=3_600)
        assert len(there.visits) == 1
        assert (await outbox.delivery(subject, webhook)).state == "given_up"


async def test_one_that_hangs_holds_up_nobody_else(database: Database) -> None:
    hanging, fine = name(), name()
    async with site(_silent) as silent, site(saying(OK)) as there:
        outbox = _Outbox(AlertStore(database), {hanging: silent.url, fine: there.url})
        async with asyncio.TaskGroup() as tasks:
            for number in (1, 2):
                await raise_them(outbox.store, alert(name()), webhooks=(hanging, fine))
                await outbox.courier.look(outbox.store, tasks)
                await until(partial(_are, there.visits, number))
            assert len(silent.visits) == 1  # the second waits for its turn
            for visit in silent.visits:
                visit.writer.close()
            await until(partial(_are, silent.visits, 2))
            silent.visits[1].writer.close()


async def _are(visits: list[Visit], count: int) -> bool:
    return len(visits) >= count


async def test_a_deliverer_that_dies_in_the_middle_is_followed_by_another(database: Database) -> None:
    """It was sent, and nobody wrote it down: it comes once more, under the same id."""
    async with site(saying(OK)) as there, one_alert(database, there.url) as (outbox, subject, webhook):
        await outbox.store.claim(webhook, NOON, 1)
        await outbox.look(after_s=CLAIM_S - 1)
        assert not there.visits
        await outbox.look(after_s=1)
        assert len(there.visits) == 1
        assert (await outbox.delivery(subject, webhook)).tries == 2


async def test_a_secret_that_is_missing_is_said_and_waited_for(database: Database) -> None:
    async with one_alert(database, "") as (outbox, subject, webhook):
        await outbox.look()
        seen = await outbox.delivery(subject, webhook)
        assert (seen.state, seen.outcome) == ("waiting", f"env:{webhook} leads to nothing")


async def test_a_webhook_that_is_declared_no_more_is_given_up(database: Database) -> None:
    async with one_alert(database, "") as (outbox, subject, webhook):
        other = _Outbox(outbox.store, {})
        await other.look()
        seen = await outbox.delivery(subject, webhook)
        assert (seen.state, seen.outcome) == ("given_up", UNDECLARED)


async def test_what_is_sent_holds_nothing_but_the_alert(database: Database) -> None:
    (raised,) = await raise_them(AlertStore(database), alert(name()))
    assert set(msgspec.json.decode(payload(raised))) == {"type", "timestamp", "text", "data"}
    assert set(msgspec.json.decode(payload(raised))["data"]) == {
        "alert_id",
        "subject",
        "owner",
        "mark",
        "window_start",
        "window_end",
        "limit_nanodollars",
    }


def test_a_trial_says_that_it_is_one() -> None:
    said = msgspec.json.decode(trial("2026-11-21T12:00:00+00:00", "ops"), type=Payload)
    assert (said.type, "ops" in said.text) == ("alert.test", True)


@pytest.mark.parametrize("urls", [{}, {"nobody": ""}])
async def test_with_nothing_to_deliver_nothing_happens(database: Database, urls: dict[str, str]) -> None:
    await _Outbox(AlertStore(database), urls).look()
