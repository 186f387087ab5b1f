"""How many tokens a request can have at most, asked and answered: for the money that is set aside. Pure.

A tokenizer that works on bytes makes at most one token of each, and JSON never says a text in fewer bytes
than it has: so the bytes of a request as it came bound its tokens, without any of it being read. Pictures and
files need a closer look, since what they cost has nothing to do with how long they are. What a provider's own
tools read for the model (a search of the web) is not bounded.
"""

from collections.abc import Iterator

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.messages import Image, Message, ModelRequest, TextPart, Thinking, ToolCall, ToolResult
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.types import Body, answer_tokens

PICTURE_TOKENS = 16_000
"""What one picture is taken to have at most: providers scale it down, and count its tiles or patches."""

SMALL_PICTURE_TOKENS = 49_000
"""That of models which count a picture many times over, so that it costs what it does at large siblings."""

MESSAGE_TOKENS = 16
"""What a provider puts around each message."""

ADDED_TOKENS = 256
"""What a provider, or a translation, puts around a request."""

TOOL_TOKENS = 1_000
"""What a provider says to its model about tools in general."""

_COUNTED_OFTEN = ("gpt-4o-mini",)
_PICTURES = frozenset(("image_url", "input_image", "image"))
_HELD = ("image_url", "source")
_LIMITS = frozenset(("max_completion_tokens", "max_tokens", "max_output_tokens"))
_SILENT = ("embeddings", "rerank")
_COUNT = msgspec.json.Decoder(int)
_ANY = msgspec.json.Decoder(object)


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """At most so many tokens go in, and come out."""

    input_tokens: int
    output_tokens: int


def bounds_of(asked: ModelRequest | Body, model: Model) -> Bounds:
    """Return how many tokens `asked` can have at `model`; what bounds an answer is what it is asked for.

    Where a request bounds nothing, an answer has at most what models.yaml says. A file that stands somewhere
    else counts as the whole window of the model.
    """
    if isinstance(asked, Body):
        return Bounds(_asked_in(asked, model), _answered_to(asked, model))
    return Bounds(_asked_by(asked, model), answer_tokens(asked, model))


def _asked_in(body: Body, model: Model) -> int:
    counted = ADDED_TOKENS + (TOOL_TOKENS if "tools" in body.fields or "functions" in body.fields else 0)
    for raw in body.fields.values():
        size = memoryview(raw).nbytes
        counted += size if size < _SHORTEST or not _may_show(raw) else _looked_at(raw, model)
    if body.dialect == "rerank":  # the query is read once with each document
        counted += _size(body, "query") * (bytes(body.fields.get("documents", b"")).count(b'"') // 2 + 1)
    return counted


_SHORTEST = 24
"""A field that is shorter holds no picture and no file."""

_WORDS = (b'image"', b'image_url"', b'"file', b'"source"', rb"\u00")
"""The last one may hide another."""


def _may_show(raw: msgspec.Raw) -> bool:
    """Say whether there may be a picture or a file in it; each is told by one of a few words."""
    told = bytes(raw)
    return any(word in told for word in _WORDS)


def _looked_at(raw: msgspec.Raw, model: Model) -> int:
    """Return the bound of a field with pictures: all bytes but theirs, and what they are taken to have."""
    try:
        value = _ANY.decode(raw)
    except UNDECODABLE:
        return memoryview(raw).nbytes
    counted = memoryview(raw).nbytes
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            counted += _shown(one, model)
            is_picture = one.get("type") in _PICTURES
            left.extend(inner for name, inner in one.items() if not (is_picture and name in _HELD))
    return counted


def _shown(part: dict[str, object], model: Model) -> int:
    """Return what to add to the bytes of `part`: below 0 mostly; for a file elsewhere the window."""
    if part.get("type") in _PICTURES:
        return _picture_tokens(model) - sum(len(one.encode()) for one in _data_of(part))
    is_elsewhere = "file_id" in part or "file_url" in part or part.get("type") == "url"
    return model.window_tokens if is_elsewhere else 0


def _data_of(part: dict[str, object]) -> Iterator[str]:
    """Yield what a picture is, where it stands in the request itself."""
    for name, inner in (("image_url", "url"), ("source", "data")):
        held = part.get(name)
        data = held.get(inner) if isinstance(held, dict) else held
        if isinstance(data, str):
            yield data


def _picture_tokens(model: Model) -> int:
    return SMALL_PICTURE_TOKENS if model.id.startswith(_COUNTED_OFTEN) else PICTURE_TOKENS


def _answered_to(body: Body, model: Model) -> int:
    if body.dialect in _SILENT:
        return 0
    guessed = _size(body, "prediction")  # what is rejected of it is paid for as if it was said
    return (asked_limit(body) or model.max_output_tokens) * max(_number(body, "n") or 1, 1) + guessed


def asked_limit(body: Body) -> int | None:
    """Return how many tokens an answer may have as the request says, the most of several; None: nothing."""
    if _LIMITS.isdisjoint(body.fields):
        return None
    told = (_number(body, name) for name in _LIMITS)
    return max((one for one in told if one is not None), default=None)


def _number(body: Body, name: str) -> int | None:
    if name not in body.fields:
        return None
    try:
        return _COUNT.decode(body.fields[name])
    except UNDECODABLE:  # `null`; or wrong, and refused for it
        return None


def _size(body: Body, name: str) -> int:
    return memoryview(body.fields[name]).nbytes if name in body.fields else 0


def _asked_by(request: ModelRequest, model: Model) -> int:
    told = [text for message in request.messages for text in _texts(message)]
    told += [f"{tool.name}{tool.description}" for tool in request.tools]
    shapes = [tool.parameters for tool in request.tools] + [request.json.schema if request.json else None]
    pictures = sum(isinstance(part, Image) for message in request.messages for part in message.parts)
    return (
        ADDED_TOKENS
        + (TOOL_TOKENS if request.tools else 0)
        + MESSAGE_TOKENS * sum(1 + len(message.parts) for message in request.messages)
        + sum(len(text) if text.isascii() else len(text.encode()) for text in told)
        + sum(len(encode(shape)) for shape in shapes if shape)
        + pictures * _picture_tokens(model)
    )


def _texts(message: Message) -> Iterator[str]:
    if not message.parts:
        yield message.content
    for part in message.parts:
        match part:
            case TextPart(text) | Thinking(text):
                yield text
            case ToolCall():
                yield f"{part.id}{part.name}{part.arguments}"
            case ToolResult():
                yield f"{part.call_id}{part.content}"
