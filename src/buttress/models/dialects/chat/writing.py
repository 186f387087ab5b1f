"""An answer as chat completions: chunk by chunk, or as a whole. Pure.

The order of a stream: a chunk that names the role, pieces of the answer, one with an empty delta and the
`finish_reason`, one with the usage (if wanted), `[DONE]`. What a model thinks goes into `reasoning_content`:
OpenAI has no field for it, and this is the one that others agree on.
"""

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import (
    Finished,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.models.dialects.chat.usage import told_usage
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.types import Said, Told

DONE = b"data: [DONE]\n\n"
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


class ChatWriter:
    """Writes one streamed answer. What is the same in all its chunks is encoded once."""

    def __init__(self, told: Told, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage
        head = {"id": told.id, "object": "chat.completion.chunk", "created": told.created}
        self._head = b"data: %b," % encode({**head, "model": told.model})[:-1]
        usage = b',"usage":null' if wants_usage else b""
        self._choice = b'%b"choices":[{"index":0,"delta":' % self._head
        self._usage = usage
        self._rest = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % usage

    def begin(self) -> bytes:
        """Return the chunk that names the role."""
        return self._chunk(b'{"role":"assistant","content":""}')

    def write(self, event: ModelEvent, extra: dict[str, object] | None = None) -> bytes:
        """Return what goes out for `event`: a chunk; nothing for a signature; the end for `Finished`."""
        match event:
            case TextDelta(text):
                return self._chunk(b'{"content":%b}' % encode(text))
            case ToolCallDelta():
                return self._chunk(b'{"tool_calls":[%b]}' % encode(_piece(event)))
            case ThinkingDelta(text):
                return self._chunk(b'{"reasoning_content":%b}' % encode(text)) if text else b""
            case Finished():
                return self._end(event, extra)

    def fail(self, error: ButtressError, status: int) -> bytes:
        """Return what ends a stream that broke off: the error, and no `[DONE]`."""
        return b"data: %b\n\n" % encode(error_object(error, status))

    def _chunk(self, delta: bytes) -> bytes:
        return self._choice + delta + self._rest

    def _end(self, end: Finished, extra: dict[str, object] | None) -> bytes:
        """Return the last chunks. Usage that nobody knows is left out: it is not 0."""
        ours = b',"buttress":%b' % encode(extra) if extra is not None else b""
        last = b'%b{},"logprobs":null,"finish_reason":"%b"}]%b%b}\n\n' % (
            self._choice,
            end.reason.encode(),
            self._usage,
            ours,
        )
        if self._wants_usage and end.usage:
            last += b'%b"choices":[],"usage":%b}\n\n' % (self._head, encode(told_usage(end.usage)))
        return last + DONE


def _piece(piece: ToolCallDelta) -> dict[str, object]:
    """Return a piece of a tool call: id, type and name stand in its first one only."""
    if not piece.name:
        return {"index": piece.index, "function": {"arguments": piece.arguments}}
    return {"index": piece.index} | _call(ToolCall(piece.id, piece.name, piece.arguments))


def _call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def whole(said: Said, told: Told, extra: dict[str, object] | None = None) -> bytes:
    """Return the answer to a request that does not stream; `extra` becomes our field `buttress`."""
    calls = [_call(one) for one in said.tool_calls]
    message: dict[str, object] = {
        "role": "assistant",
        "content": None if calls and not said.text else said.text,
        "refusal": None,
    }
    message |= {"reasoning_content": said.thinking} if said.thinking else {}
    message |= {"tool_calls": calls} if calls else {}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.reason}
    completion: dict[str, object] = {
        "id": told.id,
        "object": "chat.completion",
        "created": told.created,
        "model": told.model,
        "choices": [choice],
        "usage": told_usage(said.usage) if said.usage else None,
    }
    return encode(completion | ({"buttress": extra} if extra is not None else {}))


def error_object(error: ButtressError, status: int) -> dict[str, object]:
    """Return `error` in the shape that clients of OpenAI read: code and hint in the message's company."""
    kind = "server_error" if status >= 500 else _KINDS.get(status, "invalid_request_error")
    return {
        "error": {
            "message": f"{error.message}. {error.hint}",
            "type": kind,
            "param": error.data.get("param"),
            "code": error.code,
            "hint": error.hint,
        }
    }


def error_body(error: ButtressError, status: int) -> bytes:
    """Return the body of the response that says that nothing was answered, and why."""
    return encode(error_object(error, status))
