"""What a conversation in messages becomes for a feature that takes an input. Pure."""

from collections.abc import Sequence

import msgspec

from buttress.kernel.messages import Message
from buttress.releases.types import Chat


class Turn(msgspec.Struct, frozen=True):
    """What is asked, and what was said before, oldest first."""

    input: dict[str, object]
    history: tuple[Message, ...]


def has_system(messages: Sequence[Message]) -> bool:
    """Say whether one of `messages` is a system message."""
    return any(message.role == "system" for message in messages)


def turn_of(messages: Sequence[Message], chat: Chat) -> Turn | None:
    """Return the turn that `messages` end with, None when their last one is not a user's.

    The last message of the user is the input's property `chat.question`; what is before it is history.
    System messages are left out: a feature's prompt is its own.
    """
    spoken = [message for message in messages if message.role != "system"]
    if not spoken or spoken[-1].role != "user":
        return None
    return Turn({chat.question: spoken[-1].content}, tuple(spoken[:-1]))
