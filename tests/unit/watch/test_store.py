"""`watch.store`: raised once, handed out to one at a time, in a real PostgreSQL."""

import asyncio
from datetime import datetime, timedelta

import pytest

from buttress.storage.database import Database
from buttress.watch.errors import AlertUnknown
from buttress.watch.store import CLAIM_S, AlertStore
from buttress.watch.types import Parcel, Raised, State
from tests.unit.watch.alerting import MIDNIGHT, NOON, alert, name, raise_them

NEVER = datetime(9999, 1, 1, tzinfo=NOON.tzinfo)


@pytest.fixture
def store(database: Database) -> AlertStore:
    """The store."""
    return AlertStore(database)


async def of(store: AlertStore, subject: str) -> list[Raised]:
    """Return what was raised about `subject`."""
    return [one for one in await store.latest(10_000) if one.alert.subject == subject]


async def settle(store: AlertStore, parcel: Parcel, state: State, at: datetime = NOON) -> None:
    """Write down what came of a try."""
    await store.settle(parcel, state, NOON, outcome="the answer was 500", status=500, next_try_at=at)


async def test_an_alert_is_raised_once_in_its_window_however_often_it_is_looked(store: AlertStore) -> None:
    subject = name()
    first = await raise_them(store, alert(subject))
    assert [one.alert for one in first] == [alert(subject)]
    for later_s in (0, 1, 40_000):
        assert not await raise_them(store, alert(subject), now=NOON + timedelta(seconds=later_s))
    tomorrow = MIDNIGHT + timedelta(days=1)
    assert await raise_them(store, alert(subject, window_start=tomorrow), now=tomorrow)
    assert len(await of(store, subject)) == 2


async def test_what_differs_in_owner_mark_or_subject_is_another_alert(store: AlertStore) -> None:
    subject = name()
    others = [
        alert(subject),
        alert(subject, owner={"user": "ben"}),
        alert(subject, mark="100% of $1.00"),
        alert(subject, kind="cost"),
        alert(name()),
    ]
    assert len(await raise_them(store, *others)) == len(others)
    assert not await raise_them(store, *others)


@pytest.mark.parametrize("_round", range(5))
async def test_of_many_that_look_at_once_one_raises_it(store: AlertStore, _round: int) -> None:
    """Rolling ones too, whose windows each take for another."""
    calendar, rolling, webhook = name(), name(), name()

    async def look(number: int) -> list[Raised]:
        moving = alert(
            rolling, window_start=NOON + timedelta(seconds=number), quiet_until=NOON + timedelta(hours=1)
        )
        return await raise_them(store, alert(calendar), moving, webhooks=(webhook,))

    raised = [one for each in await asyncio.gather(*(look(number) for number in range(12))) for one in each]
    assert sorted(one.alert.subject for one in raised) == sorted([calendar, rolling])
    assert len(await store.claim(webhook, NOON, 100)) == 2


async def test_a_rolling_window_is_quiet_for_its_length(store: AlertStore) -> None:
    subject = name()

    async def look(hours: float) -> bool:
        now = NOON + timedelta(hours=hours)
        rolling = alert(subject, window_start=now, quiet_until=now + timedelta(hours=24))
        return bool(await raise_them(store, rolling, now=now))

    assert [await look(hours) for hours in (0, 1, 23.9, 24, 25, 47.9, 48)] == [
        True, False, False, True, False, False, True,
    ]  # fmt: skip


async def test_what_another_one_says_counts_as_raised_and_is_not_told(store: AlertStore) -> None:
    subject, webhook = name(), name()
    both = [alert(subject, is_told=False), alert(subject, mark="100% of $1.00")]
    raised = await raise_them(store, *both, webhooks=(webhook,))
    assert [one.alert.mark for one in raised] == ["100% of $1.00"]
    assert not await raise_them(store, alert(subject), webhooks=(webhook,))
    assert len(await store.claim(webhook, NOON, 100)) == 1
    assert len(await of(store, subject)) == 1


async def test_a_target_is_told_again_only_after_it_was_kept(store: AlertStore) -> None:
    subject = name()

    async def missed(minutes: float) -> bool:
        now = NOON + timedelta(minutes=minutes)
        found = alert(subject, kind="cost", window_start=now, quiet_until=NEVER, owner={})
        return bool(await raise_them(store, found, now=now))

    async def kept(minutes: float) -> None:
        await store.calm(("cost",), [], NOON + timedelta(minutes=minutes), after_s=3_600)

    assert await missed(0)
    await kept(1)  # too soon: it may only swing
    assert not await missed(2)
    await store.calm(
        ("cost",), [("cost", subject, "80% of $1.00")], NOON + timedelta(minutes=61), after_s=3_600
    )
    assert not await missed(62)  # it went on all the time
    await kept(70)
    assert await missed(71)


async def test_a_delivery_is_one_deliverers_at_a_time(store: AlertStore) -> None:
    webhook = name()
    await raise_them(store, *(alert(name()) for _ in range(6)), webhooks=(webhook,))
    claims = await asyncio.gather(*(store.claim(webhook, NOON, 2) for _ in range(5)))
    ids = [one.raised.alert_id for each in claims for one in each]
    assert len(ids) == len(set(ids)) == 6
    assert not await store.claim(webhook, NOON, 100)


async def test_who_dies_with_a_delivery_is_waited_for_a_minute(store: AlertStore) -> None:
    """And when it comes back after that, what it says does not count."""
    webhook = name()
    await raise_them(store, alert(name()), webhooks=(webhook,))
    (dead,) = await store.claim(webhook, NOON, 1)
    later = NOON + timedelta(seconds=CLAIM_S)
    assert not await store.claim(webhook, later - timedelta(seconds=1), 1)
    (again,) = await store.claim(webhook, later, 1)
    assert (again.raised, again.tries, dead.tries) == (dead.raised, 2, 1)
    await settle(store, again, "delivered")
    await settle(store, dead, "waiting")
    assert not await store.claim(webhook, later + timedelta(hours=1), 1)


async def test_what_failed_is_due_again_when_it_was_said(store: AlertStore) -> None:
    webhook = name()
    await raise_them(store, alert(name()), webhooks=(webhook,))
    (parcel,) = await store.claim(webhook, NOON, 1)
    await settle(store, parcel, "waiting", NOON + timedelta(seconds=7))
    assert not await store.claim(webhook, NOON + timedelta(seconds=6), 1)
    assert len(await store.claim(webhook, NOON + timedelta(seconds=7), 1)) == 1


async def test_what_waits_for_a_webhook_that_is_gone_from_the_file_is_given_up(store: AlertStore) -> None:
    subject, gone, kept = name(), name(), name()
    await raise_them(store, alert(subject), webhooks=(gone, kept))
    dropped = await store.drop_others([kept], NOON, "not declared")
    assert gone in {webhook for _, webhook in dropped}
    (found,) = await of(store, subject)
    assert {one.webhook: (one.state, one.outcome) for one in found.deliveries} == {
        gone: ("given_up", "not declared"),
        kept: ("waiting", ""),
    }


async def test_what_was_given_up_can_be_tried_again_and_what_was_delivered_not(store: AlertStore) -> None:
    webhooks = (name(), name())
    (raised,) = await raise_them(store, alert(name()), webhooks=webhooks)
    states: tuple[State, State] = ("delivered", "given_up")
    for webhook, state in zip(webhooks, states, strict=True):
        (parcel,) = await store.claim(webhook, NOON, 1)
        await settle(store, parcel, state)
    later = NOON + timedelta(days=3)
    assert await store.retry(raised.alert_id[-8:], later, 3_600) == (raised.alert_id, [webhooks[1]])
    (parcel,) = await store.claim(webhooks[1], later, 1)
    assert (parcel.tries, parcel.give_up_at) == (1, later + timedelta(hours=1))
    await settle(store, parcel, "delivered")
    with pytest.raises(AlertUnknown, match="nothing that was not delivered"):
        await store.retry(raised.alert_id, later, 3_600)


async def test_old_alerts_are_forgotten_but_those_that_still_count(store: AlertStore) -> None:
    over, total, missed, fresh = name(), name(), name(), name()
    then, end = NOON - timedelta(days=400), MIDNIGHT - timedelta(days=399)
    ended = alert(over, window_start=then, quiet_until=then, window_end=end)
    await raise_them(store, ended, webhooks=(name(),), now=then)
    await raise_them(store, alert(total, window_start=then, quiet_until=then), now=then)  # it has no end
    await raise_them(store, alert(missed, kind="cost", quiet_until=NEVER), now=then)  # it still is
    await raise_them(store, alert(fresh, window_end=MIDNIGHT + timedelta(days=1)))
    assert await store.forget(NOON + timedelta(seconds=1), 400) >= 1
    left = {one.alert.subject for one in await store.latest(10_000)}
    assert {over, total, missed, fresh} & left == {total, missed, fresh}


@pytest.mark.parametrize("alert_id", ["", "%", "_", "al_none", "\\"])
async def test_an_id_that_is_no_alerts_is_said(store: AlertStore, alert_id: str) -> None:
    await raise_them(store, alert(name()), alert(name()))
    with pytest.raises(AlertUnknown):
        await store.retry(alert_id, NOON, 60)
