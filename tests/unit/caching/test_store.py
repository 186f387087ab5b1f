"""Answers in PostgreSQL: each under its tenant and its digest, over when its time is."""

from datetime import timedelta

import pytest

from buttress.caching.store import AnswerStore
from buttress.caching.types import FORMAT, Held, Key, Meaning
from buttress.kernel.usage import NanoDollars
from buttress.storage.database import Database
from buttress.testing.clock import NOON
from tests.unit.caching.entries import a_key, an_entry


@pytest.fixture
async def store(database: Database) -> AnswerStore:
    """The store, empty."""
    store = AnswerStore(database)
    await store.forget(None, None)
    return store


def meaning(*vector: float, partition: str = "p1", question: str = "Why?") -> Meaning:
    """Return a question by its meaning."""
    return Meaning(partition=partition, question=question, vector=vector)


async def test_it_comes_back_as_it_was_until_its_time_is_over(store: AnswerStore) -> None:
    entry = an_entry(b"\0 any \xff bytes", cited=("d1", "d2"), cost=None)
    await store.put(a_key(), entry)
    assert await store.get(a_key(), NOON + timedelta(seconds=59)) == entry
    assert await store.get(a_key(), NOON + timedelta(seconds=60)) is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_key(tenant="other"), id="another tenant"),
        pytest.param(a_key("d2"), id="another digest"),
        pytest.param(a_key("%"), id="a pattern"),
        pytest.param(a_key("d1' OR '1'='1"), id="a statement"),
    ],
)
async def test_nobody_else_is_given_it(store: AnswerStore, other: Key) -> None:
    await store.put(a_key(), an_entry())
    assert await store.get(other, NOON) is None


async def test_what_another_version_wrote_is_not_there_and_gives_way(
    store: AnswerStore, database: Database
) -> None:
    await store.put(a_key(), an_entry(b"newer form", made_at=NOON + timedelta(days=1)))
    async with database.connection() as connection:
        await connection.execute("UPDATE answers SET form = %s", (FORMAT + 1,))
    assert await store.get(a_key(), NOON) is None
    await store.put(a_key(), an_entry(b"ours"))
    found = await store.get(a_key(), NOON)
    assert found is not None
    assert found.body == b"ours"


async def test_an_older_answer_takes_no_newer_ones_place(store: AnswerStore) -> None:
    await store.put(a_key(), an_entry(b"newer", made_at=NOON + timedelta(seconds=5)))
    await store.put(a_key(), an_entry(b"older"))
    found = await store.get(a_key(), NOON)
    assert found is not None
    assert found.body == b"newer"


async def test_what_cites_a_changed_document_goes(store: AnswerStore) -> None:
    await store.put(a_key("one"), an_entry(cited=("d1", "d2")))
    await store.put(a_key("two"), an_entry(cited=("d3",)))
    assert await store.forget_cited(["d2", "d4"]) == 1
    assert await store.get(a_key("one"), NOON) is None
    assert await store.get(a_key("two"), NOON)


async def test_sweeping_takes_what_is_over_then_the_oldest(store: AnswerStore) -> None:
    await store.put(a_key("over"), an_entry(b"x" * 100, ttl_s=1))
    for number in range(5):
        made_at = NOON + timedelta(seconds=number)
        await store.put(a_key(f"n{number}"), an_entry(b"x" * 100, made_at=made_at, ttl_s=900))
    assert await store.sweep(NOON + timedelta(seconds=30), max_bytes=250) == 1 + 3
    kept = [number for number in range(5) if await store.get(a_key(f"n{number}"), NOON)]
    assert kept == [3, 4]
    assert await store.sweep(NOON + timedelta(seconds=30), max_bytes=250) == 0


async def test_what_is_held_is_told_and_forgotten_by_tenant_and_feature(store: AnswerStore) -> None:
    await store.put(a_key("one"), an_entry(b"123"))
    await store.put(a_key("two"), an_entry(b"4567", cost=None, ttl_s=30))
    await store.put(a_key("one", "other", "search"), an_entry(b"8"))
    assert await store.held(None, None) == [
        Held(
            tenant="acme",
            feature="support",
            entries=2,
            size_bytes=7,
            tokens=20,
            cost=NanoDollars(1_000),
            soonest=NOON + timedelta(seconds=30),
        ),
        Held(
            tenant="other",
            feature="search",
            entries=1,
            size_bytes=1,
            tokens=10,
            cost=NanoDollars(1_000),
            soonest=NOON + timedelta(seconds=60),
        ),
    ]
    assert [one.tenant for one in await store.held("other", None)] == ["other"]
    assert await store.forget("acme", "search") == 0
    assert await store.forget("acme", None) == 2
    assert await store.forget(None, "search") == 1


async def test_near_meanings_are_found_best_first_within_one_partition(store: AnswerStore) -> None:
    await store.put(a_key("near"), an_entry(b"near"), meaning(1.0, 0.1, question="Near?"))
    await store.put(a_key("same"), an_entry(b"same"), meaning(1.0, 0.0, question="Same?"))
    await store.put(a_key("far"), an_entry(), meaning(0.0, 1.0, question="Far?"))
    await store.put(a_key("longer"), an_entry(), meaning(1.0, 0.0, 0.0))
    await store.put(a_key("elsewhere"), an_entry(), meaning(1.0, 0.0, partition="p2"))
    await store.put(a_key("same", "other"), an_entry(), meaning(1.0, 0.0))
    await store.put(a_key("over"), an_entry(ttl_s=0), meaning(1.0, 0.0))
    await store.put(a_key("plain"), an_entry())
    found = await store.similar("acme", meaning(1.0, 0.0), threshold=0.9, now=NOON)
    assert [(one.question, one.entry.body) for one in found] == [("Same?", b"same"), ("Near?", b"near")]
    assert found[0].cosine == pytest.approx(1.0)
    assert found[1].cosine == pytest.approx(0.995, abs=0.001)
