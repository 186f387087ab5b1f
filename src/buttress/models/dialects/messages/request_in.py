"""A client's request in Anthropic's Messages format, read. Pure.

Strict: what cannot be read is refused with the field's name. What another dialect has no word for is refused
too where it changes what the answer is, and left out where it only hints (`ignored` says what that was).
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.messages import JsonFormat, Message, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.fields import as_header, is_null
from buttress.models.dialects.messages.blocks import TextBlock, Turn, messages_of, text_of
from buttress.models.dialects.messages.effort import Thinking, effort_of
from buttress.models.dialects.types import Body
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

MAX_MESSAGES = 100_000
"""How many messages a request may have; Anthropic's own limit."""

_WHOLE_HINT = "Nothing is kept between calls: send the whole conversation in `messages`, without `thread`."
_HINT = 'Send {"model": "NAME", "max_tokens": 1024, "messages": [{"role": "user", "content": "..."}]}.'
_UNKNOWN_KIND = re.compile(r"Invalid value '(?P<kind>.*)' - at `\$(?P<path>.*\.type)`$", re.DOTALL)
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_SHOWN, _TOLD = 40, 200
_CACHE_CONTROL = b'"cache_control"'

_WITHOUT_WORD = frozenset({"container", "mcp_servers", "context_management", "inference_geo"})
"""What changes the answer, or where it is made, and only Anthropic can do."""

_T = TypeVar("_T")
_Share = Annotated[float, Meta(ge=0, le=1)]
_Name = Annotated[str, Meta(min_length=1)]


class _Tool(msgspec.Struct, frozen=True):
    name: _Name
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, object] | None = None
    strict: bool | None = None


class _Choice(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Schema(msgspec.Struct, frozen=True, tag="json_schema"):
    schema: dict[str, object]


class _Metadata(msgspec.Struct, frozen=True):
    user_id: str | None = None


class _OutputConfig(msgspec.Struct, frozen=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: _Schema | None = None


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MODEL = msgspec.json.Decoder(_Name)
_FLAG = msgspec.json.Decoder(bool)
_COUNT = msgspec.json.Decoder(Annotated[int, Meta(ge=1)])
_SHARE = msgspec.json.Decoder(_Share)
_TURNS = msgspec.json.Decoder(Annotated[list[Turn], Meta(min_length=1, max_length=MAX_MESSAGES)])
_SYSTEM = msgspec.json.Decoder(str | list[TextBlock])
_STOPS = msgspec.json.Decoder(list[str])
_TOOLS = msgspec.json.Decoder(list[_Tool])
_CHOICE = msgspec.json.Decoder(_Choice)
_THINKING = msgspec.json.Decoder(Thinking)
_METADATA = msgspec.json.Decoder(_Metadata)
_CONFIG = msgspec.json.Decoder(_OutputConfig)
_FORMAT = msgspec.json.Decoder(_Schema)

TYPES: Mapping[str, object] = {
    "model": _MODEL.type,
    "messages": _TURNS.type,
    "system": _SYSTEM.type,
    "max_tokens": _COUNT.type,
    "stream": _FLAG.type,
    "stop_sequences": _STOPS.type,
    "temperature": _SHARE.type,
    "top_p": _SHARE.type,
    "tools": _TOOLS.type,
    "tool_choice": _CHOICE.type,
    "thinking": _THINKING.type,
    "output_config": _CONFIG.type,
    "output_format": _FORMAT.type,
}
"""What each field holds that a translation heeds."""


def read_body(body: bytes) -> Body:
    """Return the request in `body`, its fields still JSON.

    Raises:
        RequestInvalid: it is not a JSON object that names a model; tells the field.
        StateUnsupported: it begins or goes on with a conversation that is to be kept here.
    """
    try:
        fields = _FIELDS.decode(body)
    except UNDECODABLE as error:
        raise RequestInvalid(f"the body is not a JSON object: {_said(error)}", hint=_HINT) from error
    if "thread" in fields and not is_null(fields["thread"]):
        told = "`thread` asks for a conversation that is kept"
        raise StateUnsupported(told, hint=_WHOLE_HINT, data={"param": "thread"})
    asked = Body(dialect="messages", model="", fields=fields, wants_usage=True, size_bytes=len(body))
    return msgspec.structs.replace(
        asked,
        model=_needed(asked, "model", _MODEL),
        is_stream=_given(asked, "stream", _FLAG) or False,
        user=(_given(asked, "metadata", _METADATA) or _Metadata()).user_id or None,
    )


def read_request(body: Body) -> ModelRequest:
    """Return what the request asks, in words that every dialect has.

    Raises:
        RequestInvalid: a field cannot be read, or is missing; tells which.
        Untranslatable: it asks for what only Anthropic's models or servers can do; tells the field.
    """
    for name in sorted(_WITHOUT_WORD & body.fields.keys()):
        if bytes(body.fields[name]) not in (b"null", b"[]", b"{}"):
            raise Untranslatable(f"{name} has no word in another dialect", data={"param": name})
    config = _given(body, "output_config", _CONFIG) or _OutputConfig()
    shape = config.format or _given(body, "output_format", _FORMAT)
    choice = _given(body, "tool_choice", _CHOICE)
    stops = _given(body, "stop_sequences", _STOPS)
    tools = _given(body, "tools", _TOOLS)
    return ModelRequest(
        messages=_messages(body),
        max_tokens=_needed(body, "max_tokens", _COUNT),
        temperature=_given(body, "temperature", _SHARE),
        top_p=_given(body, "top_p", _SHARE),
        stop=tuple(stops or ()),
        tools=tuple(_tool(number, one) for number, one in enumerate(tools or ())),
        tool_choice=_choice(choice),
        parallel_tools=_parallel(choice),
        json=JsonFormat(schema=shape.schema) if shape else None,
        effort=effort_of(_given(body, "thinking", _THINKING), config.effort),
    )


def ignored(body: Body) -> tuple[str, ...]:
    """Return the names of what `read_request` leaves out, fit to stand in a header, at most 32.

    Fields that we do not know are among them: those of other servers, and of days to come.
    """
    names = [
        name
        for name, raw in body.fields.items()
        if name not in TYPES and name not in _WITHOUT_WORD and not is_null(raw)
    ]
    heeded = (raw for name, raw in body.fields.items() if name in TYPES)
    if "cache_control" not in names and any(_CACHE_CONTROL in bytes(raw) for raw in heeded):
        names.append("cache_control")
    return as_header(names)


def _messages(body: Body) -> tuple[Message, ...]:
    system = text_of(_given(body, "system", _SYSTEM))
    turns = _needed(body, "messages", _TURNS)
    return (*((Message("system", system),) if system else ()), *messages_of(turns))


def _tool(number: int, asked: _Tool) -> Tool:
    where = f"tools[{number}]"
    if asked.type is not None and asked.type != "custom":
        said = (
            f"{where} is of type {asked.type[:_SHOWN]!r}, which only Anthropic's own models and servers know"
        )
        raise Untranslatable(said, data={"param": f"{where}.type"})
    if asked.input_schema is None:
        raise _invalid(f"{where}.input_schema", "missing")
    return Tool(
        name=asked.name,
        description=asked.description or "",
        parameters=asked.input_schema,
        is_strict=asked.strict,
    )


def _choice(asked: _Choice | None) -> ToolChoice | None:
    match asked:
        case None:
            return None
        case _Choice("tool", name):
            if not name:
                raise _invalid("tool_choice.name", "missing; it says which tool")
            return ToolChoice("named", name)
        case _Choice("any"):
            return ToolChoice("required")
        case _Choice("none"):
            return ToolChoice("none")
        case _:
            return ToolChoice("auto")


def _parallel(asked: _Choice | None) -> bool | None:
    if asked is None or asked.disable_parallel_tool_use is None:
        return None
    return not asked.disable_parallel_tool_use


def _needed(body: Body, name: str, decoder: msgspec.json.Decoder[_T]) -> _T:
    value = _given(body, name, decoder)
    if value is None:
        raise _invalid(name, "missing")
    return value


def _given(body: Body, name: str, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    """Return a field of the request, None where it is left out or null."""
    raw = body.fields.get(name)
    if raw is None or is_null(raw):
        return None
    try:
        return decoder.decode(raw)
    except UNDECODABLE as error:
        raise _refused(name, error) from error


def _refused(name: str, error: Exception) -> RequestInvalid | Untranslatable:
    """Return the error for a field that cannot be read: of a kind that we have no word for, or wrong."""
    said = str(error)
    if kind := _UNKNOWN_KIND.search(said):
        where = name + kind["path"]
        return Untranslatable(
            f"{where} is {kind['kind'][:_SHOWN]!r}, which has no word in another dialect",
            data={"param": where},
        )
    path = _PATH.search(said)
    return _invalid(name + (path["path"] if path else ""), _PATH.sub("", _said(error))[:_TOLD])


def _said(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _invalid(where: str, why: str) -> RequestInvalid:
    return RequestInvalid(f"{where}: {why}", hint=_HINT, data={"param": where})
