"""Conversations in PostgreSQL."""

from datetime import datetime

import msgspec
from psycopg.errors import UniqueViolation

from buttress.kernel.messages import Message
from buttress.prompts.recollecting import MAX_PLACES, asked_words, held_words, nearest
from buttress.prompts.types import Exchange, Recollection, Turns, Whose
from buttress.storage.connecting import Connection
from buttress.storage.database import Database
from buttress.storage.translation import storable

# The row of the conversation is locked until its turns are in: so pairs of calls at once do not mix.
APPEND = """
    WITH its AS (
        INSERT INTO conversations (tenant, user_id, conversation, turns, last_at)
        VALUES (%(tenant)s, %(user)s, %(conversation)s, 2, %(said_at)s)
        ON CONFLICT (tenant, user_id, conversation) DO UPDATE
        SET turns = conversations.turns + 2, last_at = greatest(conversations.last_at, excluded.last_at)
        RETURNING turns, number
    ), kept AS (
        INSERT INTO conversation_turns
            (tenant, user_id, conversation, ordinal, role, content, trace_id, said_at)
        SELECT %(tenant)s, %(user)s, %(conversation)s, its.turns - said.before, said.role, said.content,
            %(trace_id)s, %(said_at)s
        FROM its,
            (VALUES (2, 'user', %(question)s), (1, 'assistant', %(answer)s)) AS said (before, role, content)
    )
    INSERT INTO conversation_words (number, word, ordinal, weight)
    SELECT its.number, words.word, its.turns - 2, words.weight
    FROM its, unnest(%(words)s::text[], %(weights)s::real[]) AS words (word, weight)
"""

LATEST = """
    SELECT role, content, ordinal FROM (
        SELECT role, content, ordinal, sum(length(content)) OVER (ORDER BY ordinal DESC) AS characters
        FROM (
            SELECT role, content, ordinal FROM conversation_turns
            WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
            ORDER BY ordinal DESC LIMIT %(messages)s
        ) AS newest
    ) AS measured
    WHERE characters <= %(characters)s ORDER BY ordinal
"""

COUNT = """
    SELECT turns, coalesce(body, ''), coalesce(covers, 0)
    FROM conversations LEFT JOIN conversation_summaries USING (number)
    WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
"""

# Of each word the newest places only: so it costs the same in a conversation of any length.
HELD = """
    SELECT asked.word, found.ordinal, found.weight
    FROM conversations AS its, unnest(%(words)s::text[]) AS asked (word), LATERAL (
        SELECT ordinal, weight FROM conversation_words AS held
        WHERE held.number = its.number AND held.word = asked.word ORDER BY ordinal DESC LIMIT %(each)s
    ) AS found
    WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
"""

SAID = """
    SELECT ordinal, content, said_at FROM conversation_turns
    WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
        AND ordinal = any(%(ordinals)s::bigint[]) AND length(content) <= %(characters)s
"""

BEGIN_SUMMARY = """
    INSERT INTO conversation_summaries (number, covers, body, claimed_until)
    SELECT number, 0, '', '-infinity' FROM conversations
    WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
        AND turns >= %(due)s
    ON CONFLICT DO NOTHING
"""

CLAIM = """
    UPDATE conversation_summaries AS mine SET claimed_until = now() + make_interval(secs => %(retry_s)s)
    FROM conversations AS its
    WHERE its.tenant = %(tenant)s AND its.user_id = %(user)s AND its.conversation = %(conversation)s
        AND mine.number = its.number AND mine.claimed_until <= now() AND its.turns - mine.covers >= %(due)s
    RETURNING mine.number, mine.covers, mine.body
"""

OLDER = """
    SELECT role, content FROM conversation_turns
    WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
        AND ordinal >= %(covers)s AND ordinal < %(covers)s + %(messages)s
    ORDER BY ordinal
"""

SUMMARISED = """
    UPDATE conversation_summaries SET covers = %(until)s, body = %(body)s, claimed_until = '-infinity'
    WHERE number = %(number)s AND covers = %(covers)s
"""

FORGET = "DELETE FROM conversations WHERE last_at < %s"


LEAST_MESSAGES = 8
"""In a shorter conversation nothing is looked for: all of it is among the newest turns."""


class Sought(msgspec.Struct, frozen=True):
    """A question, and how many exchanges that have to do with it are looked for."""

    question: str = ""
    limit: int = 0


NOTHING = Sought()


class Due(msgspec.Struct, frozen=True):
    """Messages that are to be summarised: those behind the first `covers`, which `summary` tells of."""

    number: int
    covers: int
    summary: str
    messages: tuple[Message, ...]


class ConversationStore:
    """Conversations, each by its tenant, its user and its id together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, whose: Whose, exchange: Exchange) -> bool:
        """Store both turns behind those that are there; False when those of this trace are there already."""
        words = held_words(storable(f"{exchange.question}\n{exchange.answer}"))
        values = {
            **_key(whose),
            "question": storable(exchange.question),
            "answer": storable(exchange.answer),
            "trace_id": exchange.trace_id,
            "said_at": exchange.said_at,
            "words": list(words),
            "weights": list(words.values()),
        }
        try:
            async with self._database.connection(autocommit=True) as connection:
                await connection.execute(APPEND, values)
        except UniqueViolation:
            return False
        return True

    async def latest(
        self, whose: Whose, sought: Sought = NOTHING, /, *, messages: int, characters: int
    ) -> Turns:
        """Return the newest turns of a conversation within both bounds; none of one that there is not.

        With them the summary of older ones, and the exchanges that have to do with what is `sought`, none of
        longer messages than `characters`. How much is read for it does not depend on how long the
        conversation is.
        """
        key = _key(whose)
        bounds: dict[str, object] = {"messages": messages, "characters": characters}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(LATEST, key | bounds)).fetchall()
            found = await (await connection.execute(COUNT, key)).fetchone()
            total, summary, covers = found or (0, "", 0)
            is_long = sought.limit and total > LEAST_MESSAGES
            recollected = await _recollected(connection, key | bounds, sought, total) if is_long else ()
        newest = tuple(Message(role, content) for role, content, _ in rows)
        return Turns(newest, max(0, total - len(newest)), summary, covers, recollected)

    async def claim(self, whose: Whose, *, messages: int, verbatim: int, retry_s: float) -> "Due | None":
        """Return the next `messages` to be summarised, where there are as many besides the newest `verbatim`.

        Nobody else gets them within `retry_s`; None where somebody has, or had and failed.
        """
        key = _key(whose)
        asked = key | {"due": messages + verbatim, "retry_s": retry_s}
        async with self._database.connection() as connection:
            await connection.execute(BEGIN_SUMMARY, asked)
            claimed = await (await connection.execute(CLAIM, asked)).fetchone()
            if claimed is None:
                return None
            number, covers, body = claimed
            bounds = {"covers": covers, "messages": messages}
            rows = await (await connection.execute(OLDER, key | bounds)).fetchall()
        return Due(number, covers, body, tuple(Message(role, content) for role, content in rows))

    async def summarised(self, due: "Due", summary: str) -> bool:
        """Keep `summary` of all that was summarised before, and of `due`; False when it has changed since."""
        values = {
            "number": due.number,
            "covers": due.covers,
            "until": due.covers + len(due.messages),
            "body": storable(summary),
        }
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(SUMMARISED, values)).rowcount == 1

    async def forget_before(self, moment: datetime) -> int:
        """Delete the conversations in which nothing was said since `moment`; return how many there were."""
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET, (moment,))).rowcount


async def _recollected(
    connection: Connection, bounds: dict[str, object], sought: Sought, total: int
) -> tuple[Recollection, ...]:
    """Return the exchanges nearest to what is sought, of a conversation that has `total` messages.

    `bounds` names it, and how many characters a message of them has at most.
    """
    words = asked_words(storable(sought.question))
    if not words:
        return ()
    asked = bounds | {"words": words, "each": MAX_PLACES}
    places: dict[str, dict[int, float]] = {}
    for word, ordinal, about in await (await connection.execute(HELD, asked)).fetchall():
        places.setdefault(word, {})[ordinal] = about
    best = nearest(places, total, sought.limit)
    ordinals = [one for ordinal in best for one in (ordinal, ordinal + 1)]
    found = await connection.execute(SAID, bounds | {"ordinals": ordinals})
    said = {ordinal: (content, at) for ordinal, content, at in await found.fetchall()}
    return tuple(
        Recollection(one, said[one][0], said[one + 1][0], said[one][1])
        for one in best
        if one in said and one + 1 in said
    )


def _key(whose: Whose) -> dict[str, object]:
    return {"tenant": whose.tenant, "user": whose.user, "conversation": whose.conversation}
