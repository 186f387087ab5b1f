"""What a request says, as one text: for an estimate of its tokens where the upstream did not count. Pure.

Read without regard to a dialect, and never refused: what an upstream charges for is text wherever it stands.
Counted are messages, instructions, tools and the shape that an answer is to have. Not: ids, kinds, addresses,
pictures and sounds, proofs of thinking.
"""

from collections.abc import Iterator

import msgspec

from buttress.kernel.messages import ModelRequest, Part, TextPart, Thinking, Tool, ToolCall, ToolResult
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.types import Body

_SPOKEN = ("system", "instructions", "messages", "input", "contents")
_SHAPES = ("tools", "functions", "response_format", "output_config", "output_format", "text")
"""Fields that a model is told as they are: names, descriptions, schemas."""

_SILENT = frozenset(
    (
        *(
            "type",
            "role",
            "status",
            "detail",
            "cache_control",
            "media_type",
            "signature",
            "encrypted_content",
        ),
        *("id", "call_id", "tool_call_id", "tool_use_id", "file_id", "container_id"),
        *("url", "image_url", "file_url", "source", "data", "input_audio", "audio", "file", "file_data"),
    )
)
"""Keys whose values no model reads as text."""


def told_in_body(body: Body) -> str:
    """Return what a client's request says."""
    spoken = (text for name in _SPOKEN if name in body.fields for text in _texts(body.fields[name]))
    shapes = (_as_it_is(body.fields[name]) for name in _SHAPES if name in body.fields)
    return "\n".join((*spoken, *shapes))


def _texts(raw: msgspec.Raw) -> Iterator[str]:
    try:
        left: list[object] = [msgspec.json.decode(raw)]
    except (ValueError, RecursionError):
        yield _as_it_is(raw)
        return
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, dict):
            left.extend(_read(name, one) for name, one in value.items() if name not in _SILENT)


def _read(name: str, value: object) -> object:
    """Return what a model reads of the field `name`: the input of a tool as its JSON."""
    return encode(value).decode() if name == "input" and isinstance(value, dict) else value


def _as_it_is(raw: msgspec.Raw) -> str:
    return bytes(raw).decode(errors="replace")


def told_in_request(request: ModelRequest) -> str:
    """Return what a request in our words says."""
    said = (
        text
        for message in request.messages
        for text in (map(_said, message.parts) if message.parts else (message.content,))
    )
    schema = request.json.schema if request.json else None
    shapes = (*map(_tool, request.tools), *((encode(schema).decode(),) if schema else ()))
    return "\n".join((*said, *shapes))


def _said(part: Part) -> str:
    match part:
        case TextPart(text) | Thinking(text):
            return text
        case ToolCall():
            return f"{part.name} {part.arguments}"
        case ToolResult():
            return part.content
        case _:
            return ""


def _tool(tool: Tool) -> str:
    return f"{tool.name} {tool.description} {encode(tool.parameters or {}).decode()}"
