"""A client's request: its fields as they came, and all of it in words that every model understands. Pure.

Going on to an upstream that speaks chat completions, a request stays as it is; only for others it is
translated. Then three things may become of a field:

    translated   where `kernel.messages` has a word for it
    refused      where it changes what the answer *is*, so that a client would take one thing for another:
                 more answers than one, log probabilities, audio, a search, or a bias by token ids, which
                 mean other tokens to other models
    left out     where the answer is of the same kind without it: who asked, what it is for, how it is kept,
                 how fast it comes, and taste (penalties, verbosity); `ignored` names them for the client
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec

from buttress.kernel.messages import Effort, JsonFormat, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.chat.turns_in import Turn, read_turns
from buttress.models.dialects.fields import as_header, field, is_null, model_in, no_word, read_fields, wrong
from buttress.models.dialects.types import Body
from buttress.models.errors import RequestInvalid

MAX_MESSAGES = 2_048
"""As many as OpenAI takes."""

_HINT = 'Send {"model": "NAME", "messages": [{"role": "user", "content": "..."}]}.'


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class _Declared(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class _Tool(msgspec.Struct, frozen=True):
    type: str
    function: _Declared | None = None


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Choice(msgspec.Struct, frozen=True):
    type: str
    function: _Named | None = None


class _Schema(msgspec.Struct, frozen=True):
    name: str
    schema: dict[str, object] | None = None
    description: str | None = None
    strict: bool | None = None


class _Format(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


class _Speaker(msgspec.Struct, frozen=True):
    name: object = None


T = TypeVar("T")
_Decoder = msgspec.json.Decoder
_TEXT = _Decoder(str)
_YES_NO = _Decoder(bool)
_OBJECTS = _Decoder(list[msgspec.Raw])
_STREAM_OPTIONS = _Decoder(_StreamOptions)
_TURNS = _Decoder(list[Turn])
_SPEAKERS = _Decoder(list[_Speaker])
_COUNT = _Decoder(Annotated[int, msgspec.Meta(ge=1)])
_WHOLE = _Decoder(int)
_TEMPERATURE = _Decoder(Annotated[float, msgspec.Meta(ge=0, le=2)])
_SHARE = _Decoder(Annotated[float, msgspec.Meta(ge=0, le=1)])
_STOP = _Decoder(str | list[str])
_EFFORT = _Decoder(Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"])
_TOOLS = _Decoder(list[_Tool])
_CHOICE = _Decoder(Literal["auto", "none", "required"] | _Choice)
_FORMAT = _Decoder(_Format)
_TEXTS = _Decoder(list[str])
_ANY = _Decoder(object)

TYPES: Mapping[str, object] = {
    "model": _TEXT.type,
    "messages": _TURNS.type,
    "stream": _YES_NO.type,
    "stream_options": _STREAM_OPTIONS.type,
    "max_tokens": _COUNT.type,
    "max_completion_tokens": _COUNT.type,
    "temperature": _TEMPERATURE.type,
    "top_p": _SHARE.type,
    "stop": _STOP.type,
    "seed": _WHOLE.type,
    "tools": _TOOLS.type,
    "tool_choice": _CHOICE.type,
    "parallel_tool_calls": _YES_NO.type,
    "response_format": _FORMAT.type,
    "reasoning_effort": _EFFORT.type,
    "n": _COUNT.type,
    "logprobs": _YES_NO.type,
    "modalities": _TEXTS.type,
}
"""What each field holds that a translation heeds."""


def read_body(body: bytes) -> Body:
    """Return the fields of a request, each as it came; of a field given twice the last one.

    Raises:
        RequestInvalid: it is not a chat completion request; names the field.
    """
    fields = read_fields(body, _HINT)
    model = model_in(fields, _HINT)
    messages = field(fields, "messages", _OBJECTS)
    if not 1 <= len(messages or ()) <= MAX_MESSAGES:
        told = f"messages: {len(messages or ()):,}; 1 to {MAX_MESSAGES:,} are taken"
        raise RequestInvalid(told, hint=_HINT, data={"param": "messages"})
    options = field(fields, "stream_options", _STREAM_OPTIONS) or _StreamOptions()
    return Body(
        dialect="chat",
        model=model,
        fields=fields,
        is_stream=field(fields, "stream", _YES_NO) is True,
        wants_usage=bool(options.include_usage),
        user=field(fields, "user", _TEXT) or field(fields, "safety_identifier", _TEXT) or None,
        size_bytes=len(body),
    )


def read_request(body: Body) -> ModelRequest:
    """Return the request in words that every dialect can be asked in.

    `max_completion_tokens` goes before `max_tokens`, and effort `max` is our `xhigh`.

    Raises:
        RequestInvalid: a field is not what it must be; names the field, and the place in it.
        Untranslatable: it asks for what only this dialect can answer; names the field.
    """
    fields = body.fields
    _refuse_untranslatable(fields)
    tools = field(fields, "tools", _TOOLS)
    return ModelRequest(
        messages=read_turns(field(fields, "messages", _TURNS) or []),
        max_tokens=field(fields, "max_completion_tokens", _COUNT) or field(fields, "max_tokens", _COUNT),
        temperature=field(fields, "temperature", _TEMPERATURE),
        top_p=field(fields, "top_p", _SHARE),
        stop=_stop(fields),
        seed=field(fields, "seed", _WHOLE),
        tools=tuple(_tool(at, one) for at, one in enumerate(tools or ())),
        tool_choice=_choice(fields),
        parallel_tools=field(fields, "parallel_tool_calls", _YES_NO),
        json=_format(fields),
        effort=_effort(fields),
    )


def ignored(body: Body) -> tuple[str, ...]:
    """Return the names of the fields that a translation leaves out, fit to stand in a header, at most 32.

    Fields that we do not know are among them: those of other servers, and of days to come.
    """
    names = [name for name, raw in body.fields.items() if name not in TYPES and not is_null(raw)]
    if any(one.name is not None for one in field(body.fields, "messages", _SPEAKERS) or ()):
        names.append("messages.name")
    return as_header(names)


def _refuse_untranslatable(fields: dict[str, msgspec.Raw]) -> None:
    if (field(fields, "n", _COUNT) or 1) > 1:
        raise no_word("n", "more than one answer", "Ask several times, or a model that speaks OpenAI's API.")
    if field(fields, "logprobs", _YES_NO):
        raise no_word("logprobs", "log probabilities")
    if (field(fields, "modalities", _TEXTS) or ["text"]) != ["text"]:
        raise no_word("modalities", "anything but text")
    for name, (what, hint) in _UNTRANSLATABLE.items():
        asked = field(fields, name, _ANY)
        if asked or (asked == {} and name in _ASKED_BY_BEING_THERE):
            raise no_word(name, what, hint)


_ASKED_BY_BEING_THERE = frozenset({"web_search_options", "moderation"})
_UNTRANSLATABLE: dict[str, tuple[str, str | None]] = {
    "logit_bias": ("a bias by token ids", None),
    "top_logprobs": ("log probabilities", None),
    "web_search_options": ("a search of the web", None),
    "moderation": ("moderation scores", None),
    "functions": ("a `function_call`", "Send `tools`, and read `tool_calls`."),
    "function_call": ("a `function_call`", "Send `tool_choice`, and read `tool_calls`."),
}


def _stop(fields: dict[str, msgspec.Raw]) -> tuple[str, ...]:
    stop = field(fields, "stop", _STOP) or ()
    return tuple(one for one in ((stop,) if isinstance(stop, str) else stop) if one)


def _effort(fields: dict[str, msgspec.Raw]) -> Effort | None:
    effort = field(fields, "reasoning_effort", _EFFORT)
    return "xhigh" if effort == "max" else effort


def _tool(at: int, tool: _Tool) -> Tool:
    where = f"tools[{at}]"
    if tool.type != "function":
        raise no_word(where, f"a tool of type {tool.type[:40]!r}", "Send tools of type `function`.")
    if tool.function is None:
        raise wrong(f"{where}.function", "a tool of type 'function' holds it")
    function = tool.function
    return Tool(
        name=function.name,
        description=function.description or "",
        parameters=function.parameters,
        is_strict=function.strict,
    )


def _choice(fields: dict[str, msgspec.Raw]) -> ToolChoice | None:
    choice = field(fields, "tool_choice", _CHOICE)
    match choice:
        case None:
            return None
        case _Choice(type="function", function=_Named(name)):
            return ToolChoice("named", name)
        case _Choice(type="function"):
            raise wrong("tool_choice.function", "a choice of type 'function' names it")
        case _Choice(kind):
            raise no_word("tool_choice", f"a choice of type {kind[:40]!r}")
        case _:
            return ToolChoice(choice)


def _format(fields: dict[str, msgspec.Raw]) -> JsonFormat | None:
    wanted = field(fields, "response_format", _FORMAT)
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return JsonFormat()
    told = wanted.json_schema
    if told is None:
        raise wrong("response_format.json_schema", "a format of type 'json_schema' holds it")
    return JsonFormat(
        schema=told.schema or {},
        name=told.name,
        description=told.description or "",
        is_strict=told.strict,
    )
