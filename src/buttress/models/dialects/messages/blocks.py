"""The turns of a client's conversation, from blocks to parts. Pure.

Blocks that other dialects have no word for (documents, pictures that a tool returned, what servers of
Anthropic's did) are not among these: a turn that holds one is refused by its decoder.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal

import msgspec

from buttress.kernel.messages import (
    Image,
    Message,
    Part,
    Role,
    TextPart,
    Thinking,
    ToolCall,
    ToolResult,
)
from buttress.models.dialects.encoding import tool_arguments

GAP = "\n\n"
"""What stands between two pieces of text that become one."""


class TextBlock(msgspec.Struct, frozen=True, tag="text"):
    """Text."""

    text: str


class _Base64(msgspec.Struct, frozen=True, tag="base64"):
    media_type: str
    data: str


class _Url(msgspec.Struct, frozen=True, tag="url"):
    url: str


class ImageBlock(msgspec.Struct, frozen=True, tag="image"):
    """A picture."""

    source: _Base64 | _Url


class ToolUseBlock(msgspec.Struct, frozen=True, tag="tool_use"):
    """A model's call of a tool; `input` is a JSON object.

    Raises:
        ValueError: it is something else.
    """

    id: str
    name: str
    input: msgspec.Raw

    def __post_init__(self) -> None:
        if not bytes(self.input).startswith(b"{"):
            raise ValueError("the `input` of a call is no object")


class ToolResultBlock(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a tool answered."""

    tool_use_id: str
    content: str | list[TextBlock] | None = None
    is_error: bool | None = None


class ThinkingBlock(msgspec.Struct, frozen=True, tag="thinking"):
    """What a model thought."""

    thinking: str
    signature: str = ""


class RedactedBlock(msgspec.Struct, frozen=True, tag="redacted_thinking"):
    """What a model thought, for its provider's eyes; no other can read it, and it is left out."""


Block = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock | RedactedBlock


class Turn(msgspec.Struct, frozen=True):
    """One message of a client's request."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


def text_of(content: str | list[TextBlock] | None) -> str:
    """Return the text of blocks as one."""
    if content is None or isinstance(content, str):
        return content or ""
    return GAP.join(one.text for one in content)


def messages_of(turns: Iterable[Turn]) -> Iterator[Message]:
    """Yield the turns as messages: each result of a tool by itself, what stands before or after it apart."""
    for turn in turns:
        if isinstance(turn.content, str):
            yield Message(turn.role, turn.content)
            continue
        parts = [one for block in turn.content if (one := _part(block)) is not None]
        for is_result, together in groupby(parts, key=lambda one: isinstance(one, ToolResult)):
            if is_result:
                yield from (Message("tool", "", (one,)) for one in together)
            else:
                yield _message(turn.role, tuple(together))


def _message(role: Role, parts: tuple[Part, ...]) -> Message:
    is_text = all(isinstance(one, TextPart) for one in parts)
    text = GAP.join(one.text for one in parts if isinstance(one, TextPart))
    return Message(role, text, () if is_text else parts)


def _part(block: Block) -> Part | None:
    match block:
        case TextBlock(text):
            return TextPart(text)
        case ImageBlock(source):
            return _image(source)
        case ToolUseBlock():
            return ToolCall(block.id, block.name, tool_arguments(block.input))
        case ToolResultBlock():
            return ToolResult(block.tool_use_id, text_of(block.content), is_error=bool(block.is_error))
        case ThinkingBlock(thinking, signature):
            return Thinking(thinking, signature)
        case _:
            return None  # what only its provider can read


def _image(source: _Base64 | _Url) -> Image:
    if isinstance(source, _Url):
        return Image(source.url)
    return Image(f"data:{source.media_type};base64,{source.data}")
