"""Conversations in PostgreSQL."""

from datetime import datetime

from psycopg.errors import UniqueViolation

from buttress.kernel.messages import Message
from buttress.prompts.types import Exchange, Turns, Whose
from buttress.storage.database import Database

# The row of the conversation is locked until its turns are in: so pairs of calls at once do not mix.
APPEND = """
    WITH its AS (
        INSERT INTO conversations (tenant, user_id, conversation, turns, last_at)
        VALUES (%(tenant)s, %(user)s, %(conversation)s, 2, %(said_at)s)
        ON CONFLICT (tenant, user_id, conversation) DO UPDATE
        SET turns = conversations.turns + 2, last_at = greatest(conversations.last_at, excluded.last_at)
        RETURNING turns
    )
    INSERT INTO conversation_turns
        (tenant, user_id, conversation, ordinal, role, content, trace_id, said_at)
    SELECT %(tenant)s, %(user)s, %(conversation)s, its.turns - said.before, said.role, said.content,
        %(trace_id)s, %(said_at)s
    FROM its, (VALUES (2, 'user', %(question)s), (1, 'assistant', %(answer)s)) AS said (before, role, content)
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
    SELECT turns FROM conversations
    WHERE tenant = %(tenant)s AND user_id = %(user)s AND conversation = %(conversation)s
"""

FORGET = "DELETE FROM conversations WHERE last_at < %s"


class ConversationStore:
    """Conversations, each by its tenant, its user and its id together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, whose: Whose, exchange: Exchange) -> bool:
        """Store both turns behind those that are there; False when those of this trace are there already."""
        values = {
            **_key(whose),
            "question": _storable(exchange.question),
            "answer": _storable(exchange.answer),
            "trace_id": exchange.trace_id,
            "said_at": exchange.said_at,
        }
        try:
            async with self._database.connection(autocommit=True) as connection:
                await connection.execute(APPEND, values)
        except UniqueViolation:
            return False
        return True

    async def latest(self, whose: Whose, *, messages: int, characters: int) -> Turns:
        """Return the newest turns of a conversation within both bounds; none of one that there is not."""
        bounds = {"messages": messages, "characters": characters}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(LATEST, {**_key(whose), **bounds})).fetchall()
            total = await (await connection.execute(COUNT, _key(whose))).fetchone()
        newest = tuple(Message(role, content) for role, content, _ in rows)
        return Turns(newest, max(0, total[0] - len(newest)) if total else 0)

    async def forget_before(self, moment: datetime) -> int:
        """Delete the conversations in which nothing was said since `moment`; return how many there were."""
        async with self._database.connection(autocommit=True) as connection:
            return (await connection.execute(FORGET, (moment,))).rowcount


def _key(whose: Whose) -> dict[str, object]:
    return {"tenant": whose.tenant, "user": whose.user, "conversation": whose.conversation}


def _storable(text: str) -> str:
    """Return `text` without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
