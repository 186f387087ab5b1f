"""The conversation as an upstream of Anthropic's is told it: turns of blocks. Pure.

A turn is one side's: messages of one side that follow each other become one. No text is blank, since that is
refused. What tools returned stands first in a turn of the user's; all else stays in its order.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from buttress.kernel.messages import (
    Image,
    Message,
    Part,
    TextPart,
    Thinking,
    ToolCall,
    ToolResult,
)
from buttress.models.dialects.encoding import tool_input
from buttress.models.dialects.messages.blocks import GAP
from buttress.models.dialects.signatures import is_marked
from buttress.models.errors import Untranslatable

_DATA_URL = re.compile(r"data:(?P<media_type>[\w.+-]+/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL)
_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")

Block = dict[str, object]


def turns_of(messages: Sequence[Message]) -> list[Block]:
    """Return the turns that `messages` make; what the system says is not for here.

    The last turn, should it be the model's own, has no blanks at its end: it goes on from there.

    Raises:
        Untranslatable: a picture is neither at a web address nor in the request.
    """
    told = [(_side(one), blocks) for one in messages if (blocks := _blocks(one))]
    turns: list[Block] = []
    for side, together in groupby(told, key=lambda one: one[0]):
        turns.append(
            {"role": side, "content": _content([block for _, blocks in together for block in blocks])}
        )
    if turns and turns[-1]["role"] == "assistant" and isinstance(last := turns[-1]["content"], str):
        turns[-1]["content"] = last.rstrip()
    return turns


def _side(message: Message) -> str:
    return "assistant" if message.role == "assistant" else "user"


def _content(blocks: list[Block]) -> str | list[Block]:
    if all(one["type"] == "text" for one in blocks):
        return GAP.join(str(one["text"]) for one in blocks)
    return sorted(blocks, key=lambda one: one["type"] != "tool_result")


def _blocks(message: Message) -> list[Block]:
    parts = message.parts or (TextPart(message.content),)
    return [block for part in parts if (block := _block(part))]


def _block(part: Part) -> Block | None:
    """Return `part` as a block; None for blank text and for thinking that is not proven to them: refused."""
    match part:
        case TextPart(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Image(url):
            return {"type": "image", "source": _source(url)}
        case ToolCall():
            called = {"id": tool_id(part.id), "name": part.name, "input": tool_input(part.arguments)}
            return {"type": "tool_use", **called}
        case ToolResult():
            return _result(part)
        case Thinking(text, signature):
            if not signature or is_marked(signature):
                return None
            return {"type": "thinking", "thinking": text, "signature": signature}


def _result(result: ToolResult) -> Block:
    content = {"content": result.content} if result.content.strip() else {}
    error = {"is_error": True} if result.is_error else {}
    return {"type": "tool_result", "tool_use_id": tool_id(result.call_id), **content, **error}


def tool_id(given: str) -> str:
    """Return a call's id in the characters that Anthropic takes; other models make ids with dots in them."""
    return _NOT_IN_AN_ID.sub("_", given) or "_"


def _source(url: str) -> dict[str, str]:
    if url.startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    if found := _DATA_URL.fullmatch(url):
        return {"type": "base64", "media_type": found["media_type"], "data": found["data"]}
    shown = url.partition(",")[0][:40]
    raise Untranslatable(
        f"a picture at {shown!r} can be given to Anthropic's models neither as an address nor as data",
        data={"param": "messages"},
    )
