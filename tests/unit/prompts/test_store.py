"""Conversations in PostgreSQL: each by tenant, user and id together, its turns in order."""

import asyncio
from datetime import datetime, timedelta
from itertools import count

import pytest

from buttress.kernel.ids import TraceId
from buttress.kernel.messages import Message
from buttress.prompts.recollecting import MAX_PLACES
from buttress.prompts.store import COUNT, HELD, LATEST, OLDER, SAID, ConversationStore, Sought
from buttress.prompts.types import Exchange, Recollection, Turns, Whose
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


HISTORY = (
    ("Where does basil like to stand?", "In the sun, on the balcony."),
    ("How often is the oleander watered?", "Each day in July."),
    ("What did I plant in March?", "Tomatoes, and one fig tree."),
    ("And the weather?", "Rain, as ever."),
    ("Anything else?", "No."),
)


async def said(store: ConversationStore, whose: Whose, question: str, limit: int = 2) -> list[str]:
    """Return the older questions that have to do with `question`."""
    found = await store.latest(whose, Sought(question, limit), **ALL)
    return [one.question for one in found.recollected]


class TestRecollection:
    """Older exchanges, found by what is asked."""

    @pytest.mark.parametrize(
        ("question", "first"),
        [
            pytest.param("Tell me of the basil", HISTORY[0][0], id="a word of the question"),
            pytest.param("Where is my fig tree?", HISTORY[2][0], id="words of the answer"),
            pytest.param("watering an oleander", HISTORY[1][0], id="in another form"),
            pytest.param("What about spaceships?", None, id="nothing to do with it"),
            pytest.param("And so on?", None, id="no word that says anything"),
            pytest.param("\0 \ud800 %", None, id="no word at all"),
        ],
    )
    async def test_the_nearest_exchange_comes_first(
        self, store: ConversationStore, question: str, first: str | None
    ) -> None:
        for pair in HISTORY:
            await store.append(WHOSE, exchange(*pair))
        found = await said(store, WHOSE, question)
        assert found[:1] == ([first] if first else [])

    async def test_it_tells_where_and_when_it_was_said(self, store: ConversationStore) -> None:
        for pair in HISTORY:
            await store.append(WHOSE, exchange(*pair))
        found = await store.latest(WHOSE, Sought("fig", 1), **ALL)
        assert found.recollected == (Recollection(4, *HISTORY[2], NOON),)

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(Whose("other", "ada", "c1"), id="another tenant"),
            pytest.param(Whose("acme", "eve", "c1"), id="another user"),
            pytest.param(Whose("acme", "ada", "c2"), id="another conversation"),
        ],
    )
    async def test_nobody_elses_words_are_found(self, store: ConversationStore, other: Whose) -> None:
        for pair in HISTORY:
            await store.append(WHOSE, exchange(*pair))
            await store.append(other, exchange("Something else", "that is theirs"))
        assert await said(store, other, "Where is my fig tree?") == []

    async def test_of_a_conversation_that_is_deleted_nothing_is_left(
        self, store: ConversationStore, database: Database
    ) -> None:
        for pair in HISTORY * 10:
            await store.append(WHOSE, exchange(*pair))
        assert await store.claim(WHOSE, messages=20, verbatim=20, retry_s=60)
        assert await store.forget_before(NOON + timedelta(days=1)) == 1
        async with database.connection() as connection:
            for table in ("conversation_turns", "conversation_words", "conversation_summaries"):
                counted = await connection.execute(f"SELECT count(*) FROM {table}".encode())  # noqa: S608
                assert await counted.fetchone() == (0,)


class TestSummaries:
    """Who summarises what, and when."""

    async def test_it_is_due_when_there_are_enough_beside_the_newest(self, store: ConversationStore) -> None:
        for number in range(1, 6):
            await store.append(WHOSE, exchange(f"q{number}", f"a{number}"))
            assert await store.claim(WHOSE, messages=4, verbatim=8, retry_s=60) is None
        await store.append(WHOSE, exchange("q6", "a6"))
        due = await store.claim(WHOSE, messages=4, verbatim=8, retry_s=60)
        assert due is not None
        assert (due.covers, due.summary) == (0, "")
        assert [one.content for one in due.messages] == ["q1", "a1", "q2", "a2"]

    async def test_each_turn_is_summarised_once_and_by_one(self, store: ConversationStore) -> None:
        for number in range(10):
            await store.append(WHOSE, exchange(f"q{number}", f"a{number}"))
        claims = [store.claim(WHOSE, messages=4, verbatim=8, retry_s=60) for _ in range(5)]
        due, *others = sorted(await asyncio.gather(*claims), key=lambda one: one is None)
        assert due
        assert others == [None] * 4
        assert await store.summarised(due, "They spoke of q0 and q1.")
        assert not await store.summarised(due, "Twice.")
        found = await store.latest(WHOSE, **ALL)
        assert (found.summary, found.summarised) == ("They spoke of q0 and q1.", 4)
        then = await store.claim(WHOSE, messages=4, verbatim=8, retry_s=60)
        assert then
        assert (then.covers, then.summary) == (4, "They spoke of q0 and q1.")
        assert [one.content for one in then.messages] == ["q2", "a2", "q3", "a3"]

    async def test_what_failed_is_tried_again_later(self, store: ConversationStore) -> None:
        for number in range(10):
            await store.append(WHOSE, exchange(f"q{number}", f"a{number}"))
        assert await store.claim(WHOSE, messages=4, verbatim=8, retry_s=0)
        assert await store.claim(WHOSE, messages=4, verbatim=8, retry_s=600)
        assert not await store.claim(WHOSE, messages=4, verbatim=8, retry_s=600)

    async def test_a_conversation_that_is_deleted_meanwhile_keeps_none(
        self, store: ConversationStore, database: Database
    ) -> None:
        for number in range(6):
            await store.append(WHOSE, exchange(f"q{number}", f"a{number}"))
        due = await store.claim(WHOSE, messages=4, verbatim=8, retry_s=60)
        assert due
        async with database.connection() as connection:
            await connection.execute("DELETE FROM conversations")
        assert not await store.summarised(due, "They spoke of q0.")
        await store.append(WHOSE, exchange("new"))
        assert not await store.summarised(due, "They spoke of q0.")
        assert (await store.latest(WHOSE, **ALL)).summary == ""


async def test_what_is_longer_than_may_be_read_is_not_recollected(store: ConversationStore) -> None:
    await store.append(WHOSE, exchange("Where is the oleander?", "On the balcony."))
    await store.append(WHOSE, exchange("Where is the oleander?", "Everywhere. " * 1_000))
    for number in range(4):
        await store.append(WHOSE, exchange(f"q{number}"))
    found = await store.latest(WHOSE, Sought("oleander", 2), messages=4, characters=9_999)
    assert [one.answer for one in found.recollected] == ["On the balcony."]


LONG = """
    WITH its AS (
        INSERT INTO conversations (tenant, user_id, conversation, turns, last_at)
        VALUES ('acme', 'ada', %(name)s, %(turns)s, now()) RETURNING number
    ), said AS (
        INSERT INTO conversation_turns
        SELECT 'acme', 'ada', %(name)s, at, CASE at %% 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
            'word number ' || at, %(name)s || at / 2, now()
        FROM generate_series(0, %(turns)s - 1) AS at
    )
    INSERT INTO conversation_words
    SELECT number, word, at, 1.0 FROM its, generate_series(0, %(turns)s - 1, 2) AS at,
        LATERAL (
            VALUES ('often'), ('some' || at %% 50), ('zx' || translate(at::text, '0123456789', 'bcdfghjklm'))
        ) AS words (word)
"""
A_MONTH, THREE_YEARS = 600, 30_000


async def rows_read(database: Database, statement: str, asked: dict[str, object]) -> float:
    """Return how many rows PostgreSQL looks at for a statement, those it leaves out included."""
    explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".encode()
    async with database.connection() as connection:
        row = await (await connection.execute(explained, asked)).fetchone()
    assert row
    (root,) = row[0]
    nodes, total = [root["Plan"]], 0.0
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if "Relation Name" in node:
            seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            total += seen * node["Actual Loops"]
    return total


async def test_three_years_cost_no_more_than_a_month(store: ConversationStore, database: Database) -> None:
    """Each statement of a call reads the same rows, but for words that have fewer places than are read."""
    async with database.connection(autocommit=True) as connection:
        for name, turns in (("month", A_MONTH), ("years", THREE_YEARS)):
            await connection.execute(LONG.encode(), {"name": name, "turns": turns})
        await connection.execute("ANALYZE conversations, conversation_turns, conversation_words")
    read: dict[str, list[float]] = {}
    words = ["often", "some8", "zxgj", "none"]
    for name in ("month", "years"):
        key: dict[str, object] = {"tenant": "acme", "user": "ada", "conversation": name}
        asked = {
            LATEST: key | {"messages": 200, "characters": 200_000},
            COUNT: key,
            HELD: key | {"words": words, "each": MAX_PLACES},
            SAID: key | {"ordinals": [4, 5, 44, 45], "characters": 200_000},
            OLDER: key | {"covers": 40, "messages": 20},
        }
        read[name] = [await rows_read(database, one, values) for one, values in asked.items()]
    assert max(read["years"]) <= 2 * MAX_PLACES + 20
    assert sum(read["years"]) <= sum(read["month"]) + MAX_PLACES
    for name, turns in (("month", A_MONTH), ("years", THREE_YEARS)):
        found = await store.latest(
            Whose("acme", "ada", name), Sought("zxgj", 2), messages=10, characters=9_999
        )
        assert [one.ordinal for one in found.recollected] == [46]
        assert (len(found.messages), found.older) == (10, turns - 10)
