"""What is said to a model, and what it says while it streams."""

from typing import Literal

import msgspec

from buttress.kernel.passages import Passage
from buttress.kernel.usage import Usage
from buttress.kernel.words import AskedWord

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
"""How much a model is to think before it answers."""


class TextPart(msgspec.Struct, frozen=True, tag="text"):
    """A piece of text among other parts."""

    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """A picture: `url` is an address, or the picture itself as `data:MEDIA/TYPE;base64,...`."""

    url: str
    detail: str | None = None


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """A model's wish that a tool be called; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a tool answered to the call of that id."""

    call_id: str
    content: str
    is_error: bool = False


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """What a model thought before it spoke; `signature` proves it to the provider it came from."""

    text: str
    signature: str = ""


Part = TextPart | Image | ToolCall | ToolResult | Thinking


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation. `content` is its text.

    `parts` is empty where a turn is nothing but text; else it holds all of it in order, the text too.
    """

    role: Role
    content: str
    parts: tuple[Part, ...] = ()


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that a model may ask for; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, object] | None = None
    is_strict: bool | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether tools are called: as the model likes, not at all, at least one, or the one called `name`."""

    mode: Literal["auto", "none", "required", "named"]
    name: str = ""


class JsonFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is to be JSON; where there is a `schema` (JSON Schema), JSON of that shape."""

    schema: dict[str, object] | None = None
    name: str = "answer"
    description: str = ""
    is_strict: bool | None = None


class Grounding(msgspec.Struct, frozen=True):
    """What an answer is to stand on: the question, and the passages in the order the prompt numbers them.

    A language model reads both from its messages; a provider without a model (extractive) reads them here.
    `asked` is what the search learned of the question's words, empty when nobody looked.
    """

    question: str
    passages: tuple[Passage, ...]
    asked: tuple[AskedWord, ...] = ()


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt asks of one model.

    `max_tokens` bounds the answer, None as the model likes; `temperature` is 0 to 2, None as the model likes;
    `stop` ends the answer before any of these texts; `effort` None leaves the thinking to the model.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None
    temperature: float | None = 0.0
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    json: JsonFormat | None = None
    effort: Effort | None = None
    grounding: Grounding | None = None


class TextDelta(msgspec.Struct, frozen=True, tag="text"):
    """A piece of the answer's text, in the size the provider sent it."""

    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, tag="thinking"):
    """A piece of what the model thinks before it speaks; its `signature`, which is whole, ends a thought."""

    text: str = ""
    signature: str = ""


class ToolCallDelta(msgspec.Struct, frozen=True, tag="tool_call", kw_only=True):
    """A piece of a tool call. `index` counts the calls of one answer from 0, and says which one it is of.

    `id` and `name` stand in a call's first piece, which comes before any of its `arguments`.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Finished(msgspec.Struct, frozen=True, tag="finished", kw_only=True):
    """The end of a stream, always its last event; `usage` is None when the provider did not say."""

    reason: FinishReason
    usage: Usage | None
    model: str


Delta = TextDelta | ThinkingDelta | ToolCallDelta
"""What an answer is made of."""

ModelEvent = Delta | Finished
