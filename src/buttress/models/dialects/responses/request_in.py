"""A client's request to the Responses API: its envelope, and what it asks of a model. Pure.

Strict with what is heeded; what changes the answer and cannot be said to a model of another dialect is
refused, and so is all state. What only hints is left out, and named by `ignored`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.messages import (
    Effort,
    JsonFormat,
    Message,
    ModelRequest,
    Tool,
    ToolChoice,
)
from buttress.models.dialects.fields import as_header, is_null
from buttress.models.dialects.responses.items import Item, turns_of
from buttress.models.dialects.types import Body
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

MAX_ITEMS = 5_000
"""How many items `input` may have."""

"""How many fields are named that were not heeded, and how much of a name is shown."""

ECHOED = (
    *("instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "reasoning"),
    *("temperature", "text", "tool_choice", "tools", "top_p"),
)
"""Fields of a request that its answer repeats."""

_STATE = {
    "store": "an answer that is kept",
    "previous_response_id": "an answer that was kept",
    "conversation": "a conversation that is kept",
    "background": "an answer that is fetched later",
    "prompt": "a prompt that is kept",
}
_OTHERS = frozenset(("model", "input", "stream", "stream_options"))
_HEEDED = frozenset((*ECHOED, *_STATE, *_OTHERS, "top_logprobs", "include", "moderation"))
_SHOWN, _TOLD = 40, 200
_HINT = 'Send {"model": "NAME", "input": "..."}, or a list of items as `input`.'
T = TypeVar("T")
_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


class _Tool(msgspec.Struct, frozen=True):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class _Choice(msgspec.Struct, frozen=True):
    type: str
    name: str | None = None


class _Format(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, object] | None = None
    strict: bool | None = None


class _Text(msgspec.Struct, frozen=True):
    format: _Format | None = None


class _Reasoning(msgspec.Struct, frozen=True):
    effort: Effort | Literal["max"] | None = None


class _Request(msgspec.Struct, frozen=True):
    """The fields that are heeded, as the API documents them; each may be null."""

    input: str | list[Item] | None = None
    instructions: str | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: _Reasoning | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    text: _Text | None = None
    tool_choice: Literal["auto", "none", "required"] | _Choice | None = None
    tools: list[_Tool] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: msgspec.Raw = msgspec.Raw(b"null")
    conversation: msgspec.Raw = msgspec.Raw(b"null")
    prompt: msgspec.Raw = msgspec.Raw(b"null")
    moderation: msgspec.Raw = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1)]
    stream: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None


TYPES: Mapping[str, object] = {
    one.name: one.type for kind in (_Envelope, _Request) for one in msgspec.structs.fields(kind)
}
"""What each field holds that is heeded."""


def read_body(data: bytes) -> Body:
    """Return the request in `data`, its fields still as they came.

    Raises:
        RequestInvalid: it is no JSON object, or names no model.
    """
    fields = _decoded(data, dict[str, msgspec.Raw])
    envelope = _decoded(_picked(fields, _Envelope), _Envelope)
    return Body(
        dialect="responses",
        model=envelope.model,
        fields=fields,
        is_stream=bool(envelope.stream),
        wants_usage=True,
        user=envelope.user or envelope.safety_identifier or None,
        size_bytes=len(data),
    )


def read_request(body: Body) -> ModelRequest:
    """Return what `body` asks of a model.

    Raises:
        RequestInvalid: a field is not what the API says; named in the message and in `data["param"]`.
        StateUnsupported: it wants something kept, or builds on something kept.
        Untranslatable: it asks for what no other dialect can say.
    """
    asked = _decoded(_picked(body.fields, _Request), _Request)
    _refuse_state(asked)
    _refuse_extras(asked)
    return ModelRequest(
        messages=_messages(asked),
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        tools=tuple(_tool(tool, f"tools[{at}]") for at, tool in enumerate(asked.tools or ())),
        tool_choice=_tool_choice(asked.tool_choice),
        parallel_tools=asked.parallel_tool_calls,
        json=_json(asked.text.format if asked.text else None),
        effort=_effort(asked.reasoning),
    )


def ignored(body: Body) -> tuple[str, ...]:
    """Return the names of the fields that are not heeded, fit to stand in a header."""
    names = [name for name, value in body.fields.items() if name not in _HEEDED and not is_null(value)]
    return as_header(names)


def echoed(body: Body) -> dict[str, object]:
    """Return the fields of `body` that its answer repeats, as they came."""
    return {
        name: body.fields[name] for name in ECHOED if name in body.fields and not is_null(body.fields[name])
    }


def _picked(fields: dict[str, msgspec.Raw], wanted: type[msgspec.Struct]) -> bytes:
    """Return the JSON of those of `fields` that `wanted` has."""
    return msgspec.json.encode({name: fields[name] for name in wanted.__struct_fields__ if name in fields})


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        data.decode()  # what is passed on undecoded must be Unicode, too
        return msgspec.json.decode(data, type=kind)
    except RecursionError as error:
        raise RequestInvalid("the request is nested too deeply", hint=_HINT) from error
    except UNDECODABLE as error:
        raise _invalid(str(error)) from error


def _invalid(told: str) -> RequestInvalid:
    found = _PATH.search(told)
    path = found["path"] if found else ""
    why = _PATH.sub("", told)[:_TOLD]
    message = f"`{path}`: {why}" if path else why
    return RequestInvalid(message, hint=_HINT, data={"param": path} if path else None)


def _refuse_state(asked: _Request) -> None:
    for field, meaning in _STATE.items():
        value = getattr(asked, field)
        if not is_null(value) if isinstance(value, msgspec.Raw) else value:
            raise StateUnsupported(f"`{field}` asks for {meaning}", data={"param": field})


def _refuse_extras(asked: _Request) -> None:
    extras = {
        "top_logprobs": bool(asked.top_logprobs),
        "include": "message.output_text.logprobs" in (asked.include or ()),
        "moderation": not is_null(asked.moderation),
    }
    for field, is_asked in extras.items():
        if is_asked:
            raise Untranslatable(f"`{field}` asks for what only OpenAI gives", data={"param": field})


def _messages(asked: _Request) -> tuple[Message, ...]:
    if not asked.input:
        raise RequestInvalid("`input` is missing or empty", hint=_HINT, data={"param": "input"})
    system = [Message("system", asked.instructions)] if asked.instructions else []
    if isinstance(asked.input, str):
        return (*system, Message("user", asked.input))
    if len(asked.input) > MAX_ITEMS:
        figures = f"`input` has {len(asked.input):,} items; at most {MAX_ITEMS:,} are taken"
        raise RequestInvalid(figures, data={"param": "input"})
    turns = turns_of(asked.input)
    if not turns:
        raise RequestInvalid("`input` says nothing: all of it is reasoning", data={"param": "input"})
    return (*system, *turns)


def _tool(tool: _Tool, at: str) -> Tool:
    if tool.type != "function":
        raise Untranslatable(
            f"`{at}` is {tool.type[:_SHOWN]!r}, a tool that runs at OpenAI",
            hint="Declare it as a function, and run it yourself.",
            data={"param": f"{at}.type"},
        )
    if not tool.name:
        raise RequestInvalid(f"`{at}.name` is missing", data={"param": f"{at}.name"})
    return Tool(
        name=tool.name,
        description=tool.description or "",
        parameters=tool.parameters,
        is_strict=tool.strict,
    )


def _tool_choice(choice: Literal["auto", "none", "required"] | _Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    if not isinstance(choice, _Choice):
        return ToolChoice(choice)
    if choice.type != "function":
        raise Untranslatable(
            f"`tool_choice` is {choice.type[:_SHOWN]!r}; only a function can be chosen",
            data={"param": "tool_choice.type"},
        )
    if not choice.name:
        raise RequestInvalid("`tool_choice.name` is missing", data={"param": "tool_choice.name"})
    return ToolChoice("named", choice.name)


def _json(wanted: _Format | None) -> JsonFormat | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return JsonFormat()
    if wanted.schema is None:
        raise RequestInvalid("`text.format.schema` is missing", data={"param": "text.format.schema"})
    return JsonFormat(
        schema=wanted.schema,
        name=wanted.name or "answer",
        description=wanted.description or "",
        is_strict=wanted.strict,
    )


def _effort(reasoning: _Reasoning | None) -> Effort | None:
    effort = reasoning.effort if reasoning else None
    return "xhigh" if effort == "max" else effort
