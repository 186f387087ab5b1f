"""All of it together: a prompt, values and passages in; the messages that are sent out. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from buttress.kernel.messages import Message
from buttress.kernel.passages import Passage
from buttress.kernel.tokens import TokenCounter
from buttress.prompts.packing import Window, fit_window, pack, tokens_of
from buttress.prompts.passages import passage_values
from buttress.prompts.templates import render
from buttress.prompts.types import Prompt

PASSAGES = "passages"
"""The variable that holds the passages."""


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and what is not.

    `passages` are in the prompt, in the order of their numbers; `left_out` did not fit. `dropped` are turns
    of the prompt that did not fit. `tokens` is what `messages` take, by the counter that was used.
    """

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    left_out: tuple[Passage, ...]
    dropped: tuple[Message, ...]
    tokens: int


def compose(
    prompt: Prompt,
    values: Mapping[str, object],
    passages: Sequence[Passage],
    window: Window,
    counter: TokenCounter,
) -> Composition:
    """Return the messages of `prompt`, with as many of `passages` (best first) as the window holds.

    Raises:
        PromptTooLong: the rest of the prompt does not fit, even without passages.
        PromptUnrenderable: a value is missing or of the wrong type.
    """
    kept, messages = _fill(prompt, values, passages, window, counter)
    fitted = fit_window(messages, window, counter)
    return Composition(
        messages=fitted.messages,
        passages=kept,
        left_out=tuple(one for one in passages if one not in kept),
        dropped=fitted.dropped,
        tokens=fitted.tokens,
    )


def _fill(
    prompt: Prompt,
    values: Mapping[str, object],
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
        messages = render(prompt, {**values, PASSAGES: passage_values(packed.kept)})
        over = tokens_of(messages, counter) - window.room_tokens
        if over <= 0 or not packed.kept:
            return packed.kept, messages
        tries -= 1
        room = packed.tokens - over if tries > 0 else 0
