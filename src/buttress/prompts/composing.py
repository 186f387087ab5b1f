"""All of it together: a prompt, values and passages in; the messages that are sent out. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from buttress.kernel.messages import Message
from buttress.kernel.passages import Passage
from buttress.kernel.tokens import TokenCounter
from buttress.prompts.packing import (
    MESSAGE_TOKENS,
    Fitted,
    Window,
    pack,
    pack_history,
    require_room,
    tokens_of,
)
from buttress.prompts.passages import PassageValues, passage_values
from buttress.prompts.summarising import earlier_shown
from buttress.prompts.templates import render
from buttress.prompts.types import Prompt, Recollection, Turns

PASSAGES = "passages"
"""The variable that holds the passages."""


HISTORY_SHARE = 1 / 3
"""What earlier turns may take of the room: the passages are what an answer stands on."""


EARLIER_SHARE = 1 / 3
"""What the summary and what is recollected may take of that, where not all turns fit."""


def room_for_summary(window: Window, counter: TokenCounter) -> int:
    """Return how many tokens a summary may have to be told in `window`, where not all turns fit."""
    return _room_for_earlier(_room_for_turns(window)) - _tokens(Earlier("."), counter)


def _room_for_turns(window: Window) -> int:
    return int(window.room_tokens * HISTORY_SHARE)


def _room_for_earlier(room_for_turns: int) -> int:
    return int(room_for_turns * EARLIER_SHARE)


class Conversation(msgspec.Struct, frozen=True):
    """The input of a call as a prompt sees it: its values, and the turns before it, oldest first.

    `older` is what is known of the turns before those, and how many they are.
    """

    values: Mapping[str, object]
    history: Sequence[Message] = ()
    older: Turns = Turns()


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and what is not.

    `passages` are in the prompt, under the numbers they have among all; `left_out` did not fit. `dropped` are
    earlier turns that did not fit; `earlier` is what is told of older ones in place of them. `tokens` is what
    `messages` take, by the counter that was used.
    """

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    left_out: tuple[Passage, ...]
    dropped: tuple[Message, ...]
    earlier: "Earlier"
    tokens: int


class Earlier(msgspec.Struct, frozen=True):
    """What is told of turns that are not sent: a summary of the first `summarised`, some `recollected`."""

    summary: str = ""
    summarised: int = 0
    recollected: tuple[Recollection, ...] = ()

    @property
    def text(self) -> str:
        """How it stands before the question; empty where nothing is told."""
        return earlier_shown(self.summary, self.recollected)

    def left_out(self, before: int) -> int:
        """Return how many of the first `before` messages nothing is told of."""
        told = {at for one in self.recollected for at in (one.ordinal, one.ordinal + 1)}
        return max(0, before - self.summarised - sum(self.summarised <= at < before for at in told))


def compose(
    prompt: Prompt,
    said: Conversation,
    passages: Sequence[Passage],
    window: Window,
    counter: TokenCounter,
) -> Composition:
    """Return the messages of `prompt`, with as many of `passages` (best first) as the window holds.

    Earlier turns, the newest ones that fit into their share of it, stand before the prompt's last turn. Where
    the rest leaves no room even without passages, what is told of older turns goes first, then the oldest
    of the newest; messages of the prompt itself stay.

    Raises:
        PromptTooLong: the rest of the prompt does not fit, even by itself.
        PromptUnrenderable: a value is missing or of the wrong type.
    """
    newest, earlier = _remembered(said, _room_for_turns(window), counter)

    def filled() -> _Filled:
        sent = _Sent(said.values, newest.messages, earlier.text)
        return _fill(prompt, sent, passages, window, counter)

    found = filled()
    if found.over(window) > 0 and earlier.text:
        earlier = Earlier()
        found = filled()
    if found.over(window) > 0 and newest.messages:
        newest = pack_history(said.history, newest.tokens - found.over(window), counter)
        found = filled()
    require_room(found.tokens, window)
    return Composition(
        messages=found.messages,
        passages=found.passages,
        left_out=tuple(one for one in passages if one not in found.passages),
        dropped=newest.dropped,
        earlier=earlier,
        tokens=found.tokens,
    )


class _Filled(msgspec.Struct, frozen=True):
    """A rendered prompt, and the passages in it."""

    passages: tuple[Passage, ...]
    messages: tuple[Message, ...]
    tokens: int

    def over(self, window: Window) -> int:
        """Return by how many tokens it is too long, below 0 where it is not."""
        return self.tokens - window.room_tokens


class _Sent(msgspec.Struct, frozen=True):
    """What the prompt is rendered with beside the passages."""

    values: Mapping[str, object]
    history: Sequence[Message]
    earlier: str


def _remembered(said: Conversation, share: int, counter: TokenCounter) -> tuple[Fitted, Earlier]:
    """Return the newest turns, and what is told of older ones where not all fit into `share` tokens."""
    known = said.older
    newest = pack_history(said.history, share, counter)
    if not newest.dropped and not known.older:
        return newest, Earlier()
    room = _room_for_earlier(share)
    newest = pack_history(said.history, share - room, counter)
    before = known.older + len(newest.dropped)
    told = Earlier()
    if known.summary:
        covered = Earlier(known.summary, min(known.summarised, before))
        told = covered if _tokens(covered, counter) <= room else told
    for one in known.recollected:
        more = msgspec.structs.replace(told, recollected=(*told.recollected, one))
        if one.ordinal + 1 < before and _tokens(more, counter) <= room:
            told = more
    return newest, told


def _tokens(earlier: Earlier, counter: TokenCounter) -> int:
    return counter.count(earlier.text) + MESSAGE_TOKENS


def _fill(
    prompt: Prompt,
    said: _Sent,
    passages: Sequence[Passage],
    window: Window,
    counter: TokenCounter,
) -> _Filled:
    """Take fewer passages until the rendered prompt fits or none is left.

    What the prompt takes beside them is only known once it is rendered: what it is too long by is taken
    off the passages' room, and they are packed again: as often as there are passages,
    then without any.
    """
    room, tries = window.room_tokens, len(passages)
    while True:
        packed = pack(passages, room, counter)
        messages = _with_history(prompt, said, _shown(passages, packed.kept))
        found = _Filled(packed.kept, messages, tokens_of(messages, counter))
        if found.over(window) <= 0 or not packed.kept:
            return found
        tries -= 1
        room = packed.tokens - found.over(window) if tries > 0 else 0


def _shown(passages: Sequence[Passage], kept: Sequence[Passage]) -> PassageValues:
    """Return those of `passages` that are kept, under the numbers they have among all."""
    numbered = zip(passages, passage_values(passages), strict=True)
    return PassageValues(value for passage, value in numbered if passage in kept)


def _with_history(prompt: Prompt, said: _Sent, passages: PassageValues) -> tuple[Message, ...]:
    """Return the rendered prompt, with the earlier turns before its last turn of the user.

    What is told of still older ones begins that turn: it is never dropped without being told.
    """
    messages = render(prompt, {**said.values, PASSAGES: passages})
    last = max((at for at, one in enumerate(messages) if one.role == "user"), default=len(messages))
    asked = messages[last:]
    if said.earlier and asked:
        asked = (Message("user", f"{said.earlier}\n\n{asked[0].content}"), *asked[1:])
    return (*messages[:last], *said.history, *asked)
