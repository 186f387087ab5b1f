"""What an upstream is asked: a request of ours as JSON, or a client's own with the model put in. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Image,
    JsonFormat,
    Message,
    ModelRequest,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.fields import with_model
from buttress.models.dialects.types import Body, answer_tokens

_OPTIONS = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_YES = msgspec.Raw(b"true")


def request_body(model: Model, request: ModelRequest, *, stream: bool = True) -> bytes:
    """Return the JSON that asks `model`; a stream is to end with its usage.

    Left out is what the format has no word for: thinking, whether a tool's answer is an error, the detail of
    a format without schema, the grounding. Text that is not Unicode (half of a surrogate pair) is sent with
    a question mark in its place.
    """
    body: dict[str, object] = {
        "model": model.id or model.name,
        "messages": [turn for one in request.messages for turn in _turns(one)],
        "max_tokens": answer_tokens(request, model),
    }
    wanted = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": request.stop or None,
        "seed": request.seed,
        "tools": [_tool(one) for one in request.tools] or None,
        "tool_choice": _choice(request.tool_choice) if request.tool_choice else None,
        "parallel_tool_calls": request.parallel_tools,
        "response_format": _format(request.json) if request.json else None,
        "reasoning_effort": request.effort,
        "stream": stream or None,
        "stream_options": {"include_usage": True} if stream else None,
    }
    return encode(body | {name: value for name, value in wanted.items() if value is not None})


def _turns(message: Message) -> Iterator[dict[str, object]]:
    """Yield a message as the format has it: what tools answered stands in messages of its own, and first."""
    if not message.parts:
        yield {"role": message.role, "content": message.content}
        return
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
    rest = [part for part in message.parts if not isinstance(part, ToolResult)]
    if rest:
        calls = [_call(part) for part in rest if isinstance(part, ToolCall)]
        role = "user" if message.role == "tool" else message.role
        content = _content([part for part in rest if isinstance(part, TextPart | Image)])
        if content is None and not calls:
            content = message.content
        yield {"role": role, "content": content} | ({"tool_calls": calls} if calls else {})


def _content(parts: list[TextPart | Image]) -> object:
    """Return what is said: one text as it is, since many servers take no lists; null beside tool calls."""
    match parts:
        case []:
            return None
        case [TextPart(text)]:
            return text
        case _:
            return [_part(part) for part in parts]


def _part(part: TextPart | Image) -> object:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    detail = {"detail": part.detail} if part.detail else {}
    return {"type": "image_url", "image_url": {"url": part.url} | detail}


def _call(call: ToolCall) -> object:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> object:
    function = {
        "name": tool.name,
        "description": tool.description or None,
        "parameters": tool.parameters,
        "strict": tool.is_strict,
    }
    return {"type": "function", "function": _given(function)}


def _choice(choice: ToolChoice) -> object:
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _format(wanted: JsonFormat) -> object:
    if wanted.schema is None:
        return {"type": "json_object"}
    told = {
        "name": wanted.name,
        "description": wanted.description or None,
        "schema": wanted.schema,
        "strict": wanted.is_strict,
    }
    return {"type": "json_schema", "json_schema": _given(told)}


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def pass_on(model: Model, body: Body) -> bytes:
    """Return a client's own request with the model's name put in, and in a stream usage asked for.

    Every other field goes on byte for byte, the other `stream_options` too.
    """
    fields = with_model(body.fields, model)
    if body.is_stream:
        options = body.fields.get("stream_options")
        asked = (_OPTIONS.decode(options) if options else None) or {}
        fields["stream_options"] = msgspec.Raw(encode(asked | {"include_usage": _YES}))
    return encode(fields)
