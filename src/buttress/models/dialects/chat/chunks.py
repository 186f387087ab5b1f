"""The objects that upstreams answer with: a chunk of a stream, or a whole completion. Nouns only.

Upstreams that call themselves compatible differ: fields that we do not know are ignored, and those that we
know may be missing or null.
"""

import msgspec

from buttress.models.dialects.chat.usage import Counted


class ContentPart(msgspec.Struct, frozen=True, gc=False):
    """A piece of `content` where it is a list, as Mistral's reasoning models send it."""

    type: str = "text"
    text: str | None = None
    thinking: "str | list[ContentPart] | None" = None


class Function(msgspec.Struct, frozen=True, gc=False):
    """The function of a tool call; `arguments` is to be JSON text, but some send the object itself."""

    name: str | None = None
    arguments: str | dict[str, object] | None = None


class CallPiece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a tool call."""

    index: int | None = None
    id: str | int | None = None
    function: Function | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """What a choice says: a piece of it in a stream (`delta`), all of it in a whole answer (`message`)."""

    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: object = None
    tool_calls: list[CallPiece] | None = None
    function_call: Function | None = None
    audio: object = None


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One of the answers; `usage` is where Moonshot counts."""

    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    usage: Counted | None = None


class GroqPart(msgspec.Struct, frozen=True, gc=False):
    """Where Groq counts when it was not asked for usage."""

    usage: Counted | None = None


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A chunk, or a whole completion. Old servers send an error as an object of kind `error`."""

    id: str | int | None = None
    kind: str | None = msgspec.field(name="object", default=None)
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Counted | None = None
    x_groq: GroqPart | None = None
    error: object = None
