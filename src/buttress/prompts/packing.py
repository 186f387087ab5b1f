"""What fits into a window, and what is left out. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from buttress.kernel.messages import Message, Thinking, ToolCall, ToolResult
from buttress.kernel.passages import Passage
from buttress.kernel.sentences import sentence_spans
from buttress.kernel.tokens import TokenCounter
from buttress.prompts.errors import PromptTooLong
from buttress.prompts.passages import passage_values

MESSAGE_TOKENS = 6
"""What a message takes beside its text: its role and the marks around it. At most 5 in common formats."""


FORMAT_TOKENS = 48
"""What a request takes beside its messages: the marks that begin the answer, and a system message that the
formats of some models put in where there is none (24 tokens in the packaged one's)."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens a model takes in one request, and how many are kept for its answer and its format."""

    window_tokens: int
    answer_tokens: int
    format_tokens: int = 0

    @property
    def room_tokens(self) -> int:
        """What is left for the messages; never negative."""
        return max(0, self.window_tokens - self.answer_tokens - self.format_tokens)


class Packed(msgspec.Struct, frozen=True):
    """The passages that fit, in their order; those that do not; and what the former take."""

    kept: tuple[Passage, ...]
    left_out: tuple[Passage, ...]
    tokens: int


class Fitted(msgspec.Struct, frozen=True):
    """The messages that fit, in their order; those that were dropped; and what the former take."""

    messages: tuple[Message, ...]
    dropped: tuple[Message, ...]
    tokens: int


def pack(passages: Sequence[Passage], room_tokens: int, counter: TokenCounter) -> Packed:
    """Return which of `passages`, best first, fit into `room_tokens`.

    A passage is kept whole or not at all. One that does not fit any more is left out, and a later, smaller
    one may still be kept.
    """
    kept: list[Passage] = []
    left_out: list[Passage] = []
    used = 0
    for passage in passages:
        tokens = counter.count(str(passage_values([passage])[0]))
        fits = used + tokens <= room_tokens
        (kept if fits else left_out).append(passage)
        used += tokens if fits else 0
    return Packed(tuple(kept), tuple(left_out), used)


def pack_history(history: Sequence[Message], room_tokens: int, counter: TokenCounter) -> Fitted:
    """Return the newest turns of a conversation, oldest first, that fit into `room_tokens`.

    They are the end of it without a gap, and begin with what the user said: so what a tool answered stays
    with the call that it answers.
    """
    start, used = len(history), 0
    for at in range(len(history) - 1, -1, -1):
        tokens = tokens_of([history[at]], counter)
        if used + tokens > room_tokens:
            break
        start, used = at, used + tokens
    while start < len(history) and not _begins_a_turn(history[start]):
        used -= tokens_of([history[start]], counter)
        start += 1
    return Fitted(tuple(history[start:]), tuple(history[:start]), used)


def fitting(text: str, tokens: int, counter: TokenCounter) -> str:
    """Return `text`, or its beginning, of at most `tokens`: up to the end of a sentence where one ends."""
    while text and (taken := counter.count(text)) > tokens:
        kept = text[: min(len(text) - 1, int(len(text) * tokens / taken))]
        ends = [end for _, end in sentence_spans(kept)][:-1]
        text = kept[: ends[-1]] if ends else kept
    return text


def tokens_of(messages: Sequence[Message], counter: TokenCounter) -> int:
    """Return how many tokens `messages` take in a request."""
    return sum(sum(map(counter.count, _told(message))) + MESSAGE_TOKENS for message in messages)


def _told(message: Message) -> Iterator[str]:
    """Yield the texts that a message is made of: what is said in it, to tools, by tools, and thought."""
    yield message.content
    for part in message.parts:
        if isinstance(part, ToolCall):
            yield part.name
            yield part.arguments
        elif isinstance(part, ToolResult):
            yield part.content
        elif isinstance(part, Thinking):
            yield part.text


def _begins_a_turn(message: Message) -> bool:
    """Say whether the user speaks, and not a tool on behalf of them."""
    return message.role == "user" and not any(isinstance(part, ToolResult) for part in message.parts)


def require_room(tokens: int, window: Window) -> None:
    """Go on where `tokens` fit into `window`.

    Raises:
        PromptTooLong: they do not; with the figures.
    """
    if tokens <= window.room_tokens:
        return
    raise PromptTooLong(
        f"the prompt takes {tokens:,} tokens where {window.room_tokens:,} are free: the window is "
        f"{window.window_tokens:,}, of which {window.answer_tokens:,} are kept for the answer "
        f"and {window.format_tokens:,} for its format",
        data={
            "tokens": tokens,
            "room_tokens": window.room_tokens,
            "window_tokens": window.window_tokens,
            "answer_tokens": window.answer_tokens,
        },
    )
