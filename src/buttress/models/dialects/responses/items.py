"""The items of a request's `input` as turns of a conversation. Pure.

What an assistant thinks, says and calls is several items here and one turn elsewhere: items of the assistant
that follow each other become one turn. Thinking that nothing was said or called after is left out.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

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
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

_SHOWN = 40
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


class Piece(msgspec.Struct, frozen=True):
    """A part of an item's content, of whatever kind."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None


class Item(msgspec.Struct, frozen=True):
    """An item of `input`, of whatever kind; one that does not say which is a message."""

    type: str | None = None
    role: str | None = None
    content: str | list[Piece] | None = None
    summary: list[Piece] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[Piece] | None = None


class _Said(msgspec.Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...]


def turns_of(items: Sequence[Item]) -> list[Message]:
    """Return the turns of the conversation that `items` tell.

    Raises:
        RequestInvalid: an item lacks what its type needs, or has a role that there is not.
        StateUnsupported: an item stands for one that was to be kept here.
        Untranslatable: an item, or a part of one, of a kind that only OpenAI's own models know.
    """
    said = [_said(item, f"input[{at}]") for at, item in enumerate(items)]
    turns: list[Message] = []
    for role, together in groupby(said, key=lambda one: one.role):
        if role == "assistant":
            turns += _assistant(together)
        else:
            turns += [_message(one) for one in together]
    return turns


def _said(item: Item, at: str) -> _Said:
    match item.type or "message":
        case "message":
            return _Said(_role(item.role, at), _parts(item.content, f"{at}.content"))
        case "function_call":
            name, arguments = _given(item.name, f"{at}.name"), _given(item.arguments, f"{at}.arguments")
            return _Said("assistant", (ToolCall(_given(item.call_id, f"{at}.call_id"), name, arguments),))
        case "function_call_output":
            call_id = _given(item.call_id, f"{at}.call_id")
            return _Said("tool", (ToolResult(call_id, _text(item.output, f"{at}.output")),))
        case "reasoning":
            return _Said("assistant", (_thinking(item),))
        case "item_reference":
            raise StateUnsupported(f"`{at}` refers to an item of an earlier answer", data={"param": at})
        case other:
            raise Untranslatable(
                f"`{at}` is an item of the type {other[:_SHOWN]!r}, which only OpenAI's models know",
                data={"param": f"{at}.type"},
            )


def _role(role: str | None, at: str) -> Role:
    given = _given(role, f"{at}.role")
    if given not in _ROLES:
        raise RequestInvalid(
            f"`{at}.role` is {given[:_SHOWN]!r}; there are: {', '.join(_ROLES)}",
            data={"param": f"{at}.role"},
        )
    return _ROLES[given]


def _given(value: str | None, at: str) -> str:
    if value is None:
        raise RequestInvalid(f"`{at}` is missing", data={"param": at})
    return value


def _parts(content: str | list[Piece] | None, at: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    if content is None:
        raise RequestInvalid(f"`{at}` is missing", data={"param": at})
    return tuple(_part(piece, f"{at}[{index}]") for index, piece in enumerate(content))


def _part(piece: Piece, at: str) -> Part:
    match piece.type:
        case "input_text" | "output_text" | "text":
            return TextPart(_given(piece.text, f"{at}.text"))
        case "refusal":
            return TextPart(_given(piece.refusal, f"{at}.refusal"))
        case "input_image" if piece.image_url is not None:
            return Image(piece.image_url, piece.detail)
        case "input_image":
            raise Untranslatable(
                f"`{at}` has no `image_url`: a file that was uploaded to OpenAI is not known here",
                hint="Send the picture itself: `image_url` with an address or `data:image/png;base64,...`.",
                data={"param": f"{at}.image_url"},
            )
        case other:
            raise Untranslatable(
                f"`{at}` is a part of the type {other[:_SHOWN]!r}", data={"param": f"{at}.type"}
            )


def _text(output: str | list[Piece] | None, at: str) -> str:
    """Return what a tool answered, which elsewhere can be nothing but text."""
    texts: list[str] = []
    for index, part in enumerate(_parts(output, at)):
        if not isinstance(part, TextPart):
            raise Untranslatable(
                f"`{at}[{index}]` is no text: a tool can answer nothing else",
                data={"param": f"{at}[{index}].type"},
            )
        texts.append(part.text)
    return "".join(texts)


def _thinking(item: Item) -> Thinking:
    """Return what was thought: the whole of it where it is given, else its summary."""
    whole = item.content if isinstance(item.content, list) else ()
    text = "".join(piece.text or "" for piece in whole)
    summary = "\n\n".join(piece.text or "" for piece in item.summary or ())
    return Thinking(text or summary, item.encrypted_content or "")


def _assistant(together: Iterable[_Said]) -> list[Message]:
    """Return one turn of all the items of an assistant, or none when there is nothing but thinking."""
    said = list(together)
    parts = tuple(part for one in said for part in one.parts)
    if all(isinstance(part, Thinking) for part in parts):
        return []
    content = "\n\n".join(text for one in said if (text := _joined(one.parts)))
    only_text = all(isinstance(part, TextPart) for part in parts)
    return [Message("assistant", content, () if only_text else parts)]


def _message(said: _Said) -> Message:
    only_text = all(isinstance(part, TextPart) for part in said.parts)
    return Message(said.role, _joined(said.parts), () if only_text else said.parts)


def _joined(parts: Sequence[Part]) -> str:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    results = [part.content for part in parts if isinstance(part, ToolResult)]
    return "".join(texts or results)
