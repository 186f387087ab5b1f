"""The messages of a client's request as turns of ours. Pure."""

import msgspec

from buttress.kernel.messages import Image, Message, Part, Role, TextPart, Thinking, ToolCall, ToolResult
from buttress.models.dialects.fields import no_word, wrong

GAP = "\n\n"
"""Stands between the texts of one turn, so that no words run together."""

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


class _ImageUrl(msgspec.Struct, frozen=True):
    url: str
    detail: str | None = None


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: _ImageUrl | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class _Call(msgspec.Struct, frozen=True):
    id: str
    type: str = "function"
    function: _Function | None = None


class Turn(msgspec.Struct, frozen=True):
    """A message as clients send it."""

    role: str
    content: str | list[_Part] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    function_call: _Function | None = None
    audio: dict[str, object] | None = None


def read_turns(turns: list[Turn]) -> tuple[Message, ...]:
    """Return what was said; `developer` is the system, and a refusal is text like any other.

    Tools of the old style (`function_call`, role `function`) have no ids: they get ids that tell where the
    call stands.

    Raises:
        RequestInvalid: a turn lacks what its role needs.
        Untranslatable: a turn holds what only OpenAI's own models take: audio, a file, a custom tool.
    """
    asked: dict[str, str] = {}
    messages = []
    for at, turn in enumerate(turns):
        where = f"messages[{at}]"
        if turn.role not in _ROLES:
            raise wrong(f"{where}.role", f"{turn.role[:40]!r}; there are: {', '.join(_ROLES)}")
        messages.append(_result(where, turn, asked) if turn.role in _ANSWERS else _turn(where, turn))
        if turn.function_call:
            asked[turn.function_call.name] = _old_id(where)
    return tuple(messages)


_ANSWERS = ("tool", "function")


def _result(where: str, turn: Turn, asked: dict[str, str]) -> Message:
    """Return what a tool answered; `asked` are the ids of functions that were called in the old style."""
    texts = [part.text for part in _content(where, turn) if isinstance(part, TextPart)]
    call_id = turn.tool_call_id if turn.role == "tool" else asked.get(turn.name or "")
    if not call_id and turn.role == "tool":
        raise wrong(f"{where}.tool_call_id", "the answer of a tool names the call that it answers")
    if not call_id:
        raise wrong(
            f"{where}.name", f"no function {(turn.name or '')[:40]!r} was called in the messages before"
        )
    return Message("tool", "", (ToolResult(call_id, GAP.join(texts)),))


def _turn(where: str, turn: Turn) -> Message:
    if turn.audio:
        raise no_word(f"{where}.audio", "audio")
    parts = [*_thinking(turn), *_content(where, turn), *_calls(where, turn)]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return Message(_ROLES[turn.role], GAP.join(texts), () if len(parts) == len(texts) else tuple(parts))


def _thinking(turn: Turn) -> list[Part]:
    return [Thinking(turn.reasoning_content)] if turn.reasoning_content else []


def _content(where: str, turn: Turn) -> list[Part]:
    content = turn.content
    if isinstance(content, str):
        parts: list[Part] = [TextPart(content)] if content else []
    else:
        parts = [_part(f"{where}.content[{at}]", one) for at, one in enumerate(content or ())]
    if turn.refusal:
        parts.append(TextPart(turn.refusal))
    if not content and content != "" and turn.role != "assistant":
        raise wrong(f"{where}.content", f"a message of role {turn.role!r} has content")
    return parts


def _part(where: str, part: _Part) -> Part:
    match part:
        case _Part(type="text", text=str(text)) | _Part(type="refusal", refusal=str(text)):
            return TextPart(text)
        case _Part(type="image_url", image_url=_ImageUrl(url, detail)):
            return Image(url, detail)
        case _Part(type="text" | "refusal" | "image_url" as kind):
            raise wrong(f"{where}.{kind}", f"a part of type {kind!r} holds it")
        case _:
            raise no_word(where, f"a part of type {part.type[:40]!r}", "Send text and images.")


def _calls(where: str, turn: Turn) -> list[Part]:
    if turn.function_call:
        return [ToolCall(_old_id(where), turn.function_call.name, turn.function_call.arguments)]
    return [_call(f"{where}.tool_calls[{at}]", one) for at, one in enumerate(turn.tool_calls or ())]


def _call(where: str, call: _Call) -> ToolCall:
    if call.type != "function":
        raise no_word(where, f"a tool of type {call.type[:40]!r}")
    if call.function is None:
        raise wrong(f"{where}.function", "a call of a function holds its name and arguments")
    return ToolCall(call.id, call.function.name, call.function.arguments)


def _old_id(where: str) -> str:
    return "call_" + "".join(one for one in where if one.isdecimal())
