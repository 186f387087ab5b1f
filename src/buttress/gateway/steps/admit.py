"""Admit: who asks, what they may see, and which conversation is theirs."""

from buttress.gateway.call import Call
from buttress.gateway.errors import InputInvalid
from buttress.gateway.types import Admitted, Asked
from buttress.kernel.scope import scope_for

MAX_CONVERSATION = 200
"""Characters of a conversation's id."""


async def admit(asked: Asked, call: Call) -> Admitted:
    """Return the question with the asker's scope. Whoever serves has looked at keys and limits before.

    Raises:
        InputInvalid: the conversation's id cannot be one, or its history holds a system message.
    """
    with call.recorder.span("admit"):
        _check_conversation(asked)
        return Admitted(asked, scope_for(asked.tenant, asked.user, asked.groups))


def _check_conversation(asked: Asked) -> None:
    """Refuse what could name another conversation once it is stored, or pass for the feature's own prompt."""
    if any(message.role == "system" for message in asked.history):
        raise InputInvalid("history: a system message; a feature's prompt is its own")
    if asked.conversation is None:
        return
    if not 1 <= len(asked.conversation) <= MAX_CONVERSATION:
        raise InputInvalid(f"conversation: {len(asked.conversation):,} characters, 1 to {MAX_CONVERSATION}")
    for name in (asked.conversation, asked.tenant, asked.user or ""):
        if not _is_storable(name):
            raise InputInvalid("conversation: its id, tenant or user holds NUL or half a character")


def _is_storable(name: str) -> bool:
    """Say whether PostgreSQL can hold `name` as it is: no NUL, no half of a surrogate pair."""
    return "\0" not in name and not any("\ud800" <= character <= "\udfff" for character in name)
