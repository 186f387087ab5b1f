"""The turns of a conversation as Gemini's contents and parts. Pure."""

from collections.abc import Iterator, Sequence
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
from buttress.models.dialects.signatures import unmark
from buttress.models.errors import RequestInvalid, Untranslatable

Json = dict[str, object]

UNPROVEN = "skip_thought_signature_validator"
"""What Google documents for a call whose proof is not there: made by another model, or lost by a client."""

_ROLES = {"user": "user", "assistant": "model", "tool": "user"}
_BASE64 = ";base64"
_KINDS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
}


def system_of(messages: Sequence[Message]) -> str:
    """Return what the system says, all of it as one text."""
    return "\n\n".join(one.content for one in messages if one.role == "system" and one.content)


def contents_of(messages: Sequence[Message]) -> list[Json]:
    """Return the turns beside what the system says; turns that say nothing are left out, they are refused.

    The results of calls that were made together stand in one turn: there must be as many as calls.

    Raises:
        RequestInvalid: the result of a call that no turn before it made.
        Untranslatable: a picture inside the request that is not base64.
    """
    names: dict[str, str] = {}
    contents: list[Json] = []
    turns = [one for one in messages if one.role != "system"]
    for role, together in groupby(turns, key=lambda one: one.role):
        told = [_parts(one, names) for one in together]
        joined = [[part for parts in told for part in parts]] if role == "tool" else told
        contents += [{"role": _ROLES[role], "parts": parts} for parts in joined if parts]
    return contents


def _parts(message: Message, names: dict[str, str]) -> list[Json]:
    """Return the parts of a turn; `names` learns the names of the calls that it makes."""
    parts = message.parts or (TextPart(message.content),)
    names |= {part.id: part.name for part in parts if isinstance(part, ToolCall)}
    signatures = _signatures(parts)
    return [told for part in parts if (told := _part(part, names, signatures))]


def _signatures(parts: Sequence[Part]) -> Iterator[str]:
    """Yield what goes with each call of a turn: the first one bears the proof, the others none."""
    proofs = [unmark(part.signature) for part in parts if isinstance(part, Thinking)]
    yield next((one for one in proofs if one), UNPROVEN)
    while True:
        yield ""


def _part(part: Part, names: dict[str, str], signatures: Iterator[str]) -> Json | None:
    match part:
        case TextPart(text):
            return {"text": text} if text else None
        case Image(url):
            return _image(url)
        case Thinking():
            return None  # only its proof goes back, beside the call
        case ToolCall():
            call = {"id": part.id, "name": part.name, "args": tool_input(part.arguments)}
            signature = next(signatures)
            return {"functionCall": call} | ({"thoughtSignature": signature} if signature else {})
        case ToolResult():
            return {"functionResponse": _result(part, names)}


def _result(result: ToolResult, names: dict[str, str]) -> Json:
    if result.call_id not in names:
        raise RequestInvalid(
            f"there is the result of a call {result.call_id[:80]!r}, which no turn before it made",
            hint="Send the turn of the assistant that made the call, too.",
            data={"param": "messages"},
        )
    response = {"error" if result.is_error else "output": result.content}
    return {"id": result.call_id, "name": names[result.call_id], "response": response}


def _image(url: str) -> Json:
    if not url.startswith("data:"):
        kind = _KINDS.get(url.partition("?")[0].rpartition(".")[2].lower())
        return {"fileData": {"fileUri": url} | ({"mimeType": kind} if kind else {})}
    head, comma, data = url.removeprefix("data:").partition(",")
    if not (comma and head.endswith(_BASE64)):
        raise Untranslatable("a picture in the request is not base64", data={"param": "messages"})
    return {"inlineData": {"mimeType": head.partition(";")[0], "data": data}}
