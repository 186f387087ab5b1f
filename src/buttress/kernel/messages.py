"""What is said to a model, and what it says while it streams."""

from typing import Literal

import msgspec

from buttress.kernel.passages import Passage
from buttress.kernel.usage import Usage
from buttress.kernel.words import AskedWord

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Grounding(msgspec.Struct, frozen=True):
    """What an answer is to stand on: the question, and the passages in the order the prompt numbers them.

    A language model reads both from its messages; a provider without a model (extractive) reads them here.
    `asked` is what the search learned of the question's words, empty when nobody looked.
    """

    question: str
    passages: tuple[Passage, ...]
    asked: tuple[AskedWord, ...] = ()


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt asks of one model. `max_tokens` bounds the answer; `temperature` is 0 to 2."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    grounding: Grounding | None = None


class TextDelta(msgspec.Struct, frozen=True, tag="text"):
    """A piece of the answer's text, in the size the provider sent it."""

    text: str


class Finished(msgspec.Struct, frozen=True, tag="finished", kw_only=True):
    """The end of a stream, always its last event; `usage` is None when the provider did not say."""

    reason: FinishReason
    usage: Usage | None
    model: str


ModelEvent = TextDelta | Finished
