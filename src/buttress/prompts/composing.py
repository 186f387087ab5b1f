"""All of it together: a prompt, values and passages in; the messages that are sent out. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from buttress.kernel.messages import Message
from buttress.kernel.passages import Passage
from buttress.kernel.tokens import TokenCounter
from buttress.prompts.packing import Window, fit_window, pack, pack_history, tokens_of
from buttress.prompts.passages import PassageValues, passage_values
from buttress.prompts.templates import render
from buttress.prompts.types import Prompt

PASSAGES = "passages"
"""The variable that holds the passages."""


HISTORY_SHARE = 1 / 3
"""What earlier turns may take of the room: the passages are what an answer stands on."""


class Conversation(msgspec.Struct, frozen=True):
    """The input of a call as a prompt sees it: its values, and the turns before it, oldest first."""

    values: Mapping[str, object]
    history: Sequence[Message] = ()


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and what is not.

    `passages` are in the prompt, under the numbers they have among all; `left_out` did not fit. `dropped` are
    earlier turns that did not fit. `tokens` is what `messages` take, by the counter that was used.
    """

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    left_out: tuple[Passage, ...]
    dropped: tuple[Message, ...]
    tokens: int


def compose(
    prompt: Prompt,
    said: Conversation,
    passages: Sequence[Passage],
    window: Window,
    counter: TokenCounter,
) -> Composition:
    """Return the messages of `prompt`, with as many of `passages` (best first) as the window holds.

    Earlier turns, the newest ones that fit into their share of it, stand before the prompt's last turn.

    Raises:
        PromptTooLong: the rest of the prompt does not fit, even without passages.
        PromptUnrenderable: a value is missing or of the wrong type.
    """
    earlier = pack_history(said.history, int(window.room_tokens * HISTORY_SHARE), counter)
    kept, messages = _fill(prompt, Conversation(said.values, earlier.messages), passages, window, counter)
    fitted = fit_window(messages, window, counter)
    return Composition(
        messages=fitted.messages,
        passages=kept,
        left_out=tuple(one for one in passages if one not in kept),
        dropped=earlier.dropped + fitted.dropped,
        tokens=fitted.tokens,
    )


def _fill(
    prompt: Prompt,
    said: Conversation,
    passages: Sequence[Passage],
    window: Window,
    counter: TokenCounter,
) -> tuple[tuple[Passage, ...], tuple[Message, ...]]:
    """Take fewer passages until the rendered prompt fits or none is left.

    What the prompt takes beside them is only known once it is rendered: what it is too long by is taken
    off the passages' room, and they are packed again: as often as there are passages,
    then without any.
    """
    room, tries = window.room_tokens, len(passages)
    while True:
        packed = pack(passages, room, counter)
        messages = _with_history(prompt, said, _shown(passages, packed.kept))
        over = tokens_of(messages, counter) - window.room_tokens
        if over <= 0 or not packed.kept:
            return packed.kept, messages
        tries -= 1
        room = packed.tokens - over if tries > 0 else 0


def _shown(passages: Sequence[Passage], kept: Sequence[Passage]) -> PassageValues:
    """Return those of `passages` that are kept, under the numbers they have among all."""
    numbered = zip(passages, passage_values(passages), strict=True)
    return PassageValues(value for passage, value in numbered if passage in kept)


def _with_history(prompt: Prompt, said: Conversation, passages: PassageValues) -> tuple[Message, ...]:
    """Return the rendered prompt, with the earlier turns before its last turn of the user."""
    messages = render(prompt, {**said.values, PASSAGES: passages})
    last = max((at for at, one in enumerate(messages) if one.role == "user"), default=len(messages))
    return (*messages[:last], *said.history, *messages[last:])
