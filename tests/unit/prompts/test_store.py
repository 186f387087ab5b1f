"""Conversations in PostgreSQL: each by tenant, user and id together, its turns in order."""

import asyncio
from datetime import datetime, timedelta
from itertools import count

import pytest

from buttress.kernel.ids import TraceId
from buttress.kernel.messages import Message
from buttress.prompts.store import ConversationStore
from buttress.prompts.types import Exchange, Turns, Whose
from buttress.storage.database import Database
from buttress.testing.clock import NOON

_numbers = count()
ALL = {"messages": 10_000, "characters": 10_000_000}


def exchange(question: str = "Why?", answer: str = "Because.", said_at: datetime = NOON) -> Exchange:
    """Return an exchange in a call of its own."""
    trace_id = TraceId(f"tr_store_{next(_numbers)}")
    return Exchange(question=question, answer=answer, trace_id=trace_id, said_at=said_at)


@pytest.fixture
async def store(database: Database) -> ConversationStore:
    """The store, empty."""
    async with database.connection() as connection:
        await connection.execute("DELETE FROM conversations")
    return ConversationStore(database)


WHOSE = Whose("acme", "ada", "c1")


async def test_turns_come_back_oldest_first(store: ConversationStore) -> None:
    await store.append(WHOSE, exchange("One?", "1."))
    await store.append(WHOSE, exchange("Two?", "2."))
    assert await store.latest(WHOSE, **ALL) == Turns(
        (
            *(Message("user", "One?"), Message("assistant", "1.")),
            *(Message("user", "Two?"), Message("assistant", "2.")),
        )
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Whose("other", "ada", "c1"), id="another tenant"),
        pytest.param(Whose("acme", "eve", "c1"), id="another user"),
        pytest.param(Whose("acme", "", "c1"), id="nobody"),
        pytest.param(Whose("acme", "ada", "c2"), id="another id"),
        pytest.param(Whose("acme", "ada", "%"), id="a pattern"),
        pytest.param(Whose("acme", "ada", "c1' OR '1'='1"), id="a statement"),
    ],
)
async def test_nothing_is_shown_to_whoever_has_not_all_three(store: ConversationStore, other: Whose) -> None:
    await store.append(WHOSE, exchange("My secret?", "42."))
    await store.append(other, exchange("Mine?", "Yours."))
    assert [one.content for one in (await store.latest(other, **ALL)).messages] == ["Mine?", "Yours."]
    assert [one.content for one in (await store.latest(WHOSE, **ALL)).messages] == ["My secret?", "42."]


async def test_pairs_of_calls_at_once_are_all_there_and_whole(store: ConversationStore) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(store.append(WHOSE, exchange(f"q{number}", f"a{number}")))
    said = [one.content for one in (await store.latest(WHOSE, **ALL)).messages]
    assert sorted(said[::2]) == sorted(f"q{number}" for number in range(40))
    assert [one.replace("a", "q") for one in said[1::2]] == said[::2]


async def test_a_call_is_kept_once(store: ConversationStore) -> None:
    same = exchange()
    assert await store.append(WHOSE, same)
    assert not await store.append(WHOSE, same)
    assert await store.append(WHOSE, exchange("And then?", "Nothing."))
    assert len((await store.latest(WHOSE, **ALL)).messages) == 4


async def test_what_cannot_be_stored_is_replaced(store: ConversationStore) -> None:
    await store.append(WHOSE, exchange("a\0b", "half \ud83d"))
    assert [one.content for one in (await store.latest(WHOSE, **ALL)).messages] == ["a\ufffdb", "half ?"]


@pytest.mark.parametrize(
    ("messages", "characters", "kept"),
    [
        pytest.param(4, 1_000, ["q8", "a8", "q9", "a9"], id="so many messages"),
        pytest.param(1_000, 5, ["q9", "a9"], id="so many characters"),
        pytest.param(1_000, 1, [], id="not even one"),
    ],
)
async def test_the_newest_are_read_and_the_others_counted(
    store: ConversationStore, messages: int, characters: int, kept: list[str]
) -> None:
    for number in range(10):
        await store.append(WHOSE, exchange(f"q{number}", f"a{number}"))
    turns = await store.latest(WHOSE, messages=messages, characters=characters)
    assert ([one.content for one in turns.messages], turns.older) == (kept, 20 - len(kept))


async def test_conversations_in_which_nothing_was_said_since_are_deleted(store: ConversationStore) -> None:
    fresh = Whose("acme", "ada", "c2")
    for whose, days in ((WHOSE, 0), (fresh, 0), (fresh, 9)):
        await store.append(whose, exchange(said_at=NOON + timedelta(days=days)))
    assert await store.forget_before(NOON + timedelta(days=5)) == 1
    assert await store.latest(WHOSE, **ALL) == Turns()
    assert len((await store.latest(fresh, **ALL)).messages) == 4
