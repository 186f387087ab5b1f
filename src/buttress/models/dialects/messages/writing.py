"""An answer in Anthropic's Messages format, for clients: events, one whole message, or an error. Pure."""

from collections.abc import Iterator, Sequence

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import (
    Delta,
    Finished,
    FinishReason,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.kernel.usage import Usage
from buttress.models.dialects.encoding import encode, is_object, tool_input
from buttress.models.dialects.messages.counts import counts_of
from buttress.models.dialects.types import Said, Told
from buttress.models.errors import StateUnsupported

_STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}
_KINDS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_UNTHREADED: dict[str, object] = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
"""What Anthropic's client takes as the word to send the whole conversation by itself from then on."""

_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_END = b"}}\n\n"
_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


class MessagesWriter:
    """Writes one streamed answer: each event with its name, one block after the other.

    `told_usage` is what is known of the usage when the answer begins. A signature is written whole when its
    thinking ends: clients take the last piece of one for all of it. While a call of a tool is still being
    told, all else waits until the end: blocks do not overlap.
    """

    def __init__(self, told: Told, told_usage: Usage | None = None) -> None:
        self._told = told
        self._usage = told_usage
        self._blocks = 0
        self._open = ""
        self._head = b""
        self._signature = ""
        self._call = 0
        self._arguments: list[str] = []
        self._begun: set[int] = set()
        self._waiting: list[Delta] = []

    def begin(self) -> bytes:
        """Return `message_start`."""
        return _event("message_start", {"message": _message(self._told, [], None, self._usage)})

    def write(self, event: ModelEvent, extra: dict[str, object] | None = None) -> bytes:
        """Return the events that tell `event`; `extra` becomes our own field `buttress` at the end."""
        if isinstance(event, Finished):
            return self._waited() + self._closed() + self._end(event, extra) + _STOP
        if self._open == "tool_use" and self._must_wait(event):
            self._waiting.append(event)
            return b""
        return self._tell(event)

    def fail(self, error: ButtressError, status: int) -> bytes:
        """Return the event `error`, after which nothing comes; clients raise it."""
        return b"event: error\ndata: %b\n\n" % error_body(error, status, self._told.id)

    def _tell(self, event: Delta) -> bytes:
        match event:
            case TextDelta():
                opened = b"" if self._open == "text" else self._opened("text", {"text": ""})
                return opened + self._delta(event.text)
            case ThinkingDelta():
                return self._think(event)
            case ToolCallDelta():
                return self._tell_call(event)

    def _think(self, event: ThinkingDelta) -> bytes:
        """Return a piece of thinking; what comes after a signature is a block of its own."""
        is_new = self._open != "thinking" or bool(self._signature)
        opened = self._opened("thinking", {"thinking": "", "signature": ""}) if is_new else b""
        self._signature = event.signature
        return opened + self._delta(event.text)

    def _tell_call(self, event: ToolCallDelta) -> bytes:
        if self._open == "tool_use" and event.index == self._call:
            self._arguments.append(event.arguments)
            return self._delta(event.arguments)
        return b"" if event.index in self._begun else self._begin_call(event)

    def _begin_call(self, event: ToolCallDelta) -> bytes:
        opened = self._opened("tool_use", {"id": event.id, "name": event.name, "input": {}})
        self._call = event.index
        self._begun.add(event.index)
        self._arguments = [event.arguments]
        return opened + self._delta(event.arguments)

    def _delta(self, piece: str) -> bytes:
        return b"%b%b}}\n\n" % (self._head, encode(piece)) if piece else b""

    def _opened(self, kind: str, block: dict[str, object]) -> bytes:
        """Return the events that close the block before, and open one of that kind."""
        before = self._closed()
        self._open = kind
        self._head = _delta_head(self._blocks, *_DELTAS[kind])
        start = {"index": self._blocks, "content_block": {"type": kind, **block}}
        return before + _event("content_block_start", start)

    def _closed(self) -> bytes:
        if not self._open:
            return b""
        signed = b""
        if self._signature:
            head = _delta_head(self._blocks, "signature_delta", "signature")
            signed = head + encode(self._signature) + _END
        stop = _event("content_block_stop", {"index": self._blocks})
        self._blocks += 1
        self._open, self._signature = "", ""
        return signed + stop

    def _must_wait(self, event: Delta) -> bool:
        """Say whether the call that is open is still being told, and `event` is not of it."""
        if isinstance(event, ToolCallDelta) and event.index == self._call:
            return False
        return bool(self._waiting) or not is_object("".join(self._arguments))

    def _waited(self) -> bytes:
        """Return what had to wait, the pieces of each call together."""
        waiting, self._waiting = self._waiting, []
        return b"".join(self._tell(one) for one in _sorted_by_call(waiting))

    def _end(self, event: Finished, extra: dict[str, object] | None) -> bytes:
        fields: dict[str, object] = {
            "delta": {"stop_reason": _STOP_REASONS[event.reason], "stop_sequence": None},
            "usage": counts_of(event.usage or self._usage),
        }
        return _event("message_delta", fields if extra is None else {**fields, "buttress": extra})


def _sorted_by_call(events: Sequence[Delta]) -> Iterator[Delta]:
    """Yield `events` in their order, but with all pieces of a call where its first one stands."""
    pieces: dict[int, list[Delta]] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            pieces.setdefault(event.index, []).append(event)
    for event in events:
        if isinstance(event, ToolCallDelta):
            yield from pieces.pop(event.index, ())
        else:
            yield event


def _event(kind: str, fields: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), encode({"type": kind, **fields}))


def _delta_head(block: int, kind: str, field: str) -> bytes:
    """Return everything of a delta's event that comes before its text."""
    head = f'{{"type":"content_block_delta","index":{block},"delta":{{"type":"{kind}","{field}":'
    return b"event: content_block_delta\ndata: " + head.encode()


def _message(
    told: Told, content: list[dict[str, object]], stop_reason: str | None, usage: Usage | None
) -> dict[str, object]:
    return {
        "id": told.id,
        "type": "message",
        "role": "assistant",
        "model": told.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": counts_of(usage),
    }


def whole(said: Said, told: Told, extra: dict[str, object] | None = None) -> bytes:
    """Return an answer that is not streamed; `extra` becomes our own field `buttress`."""
    content: list[dict[str, object]] = [
        {"type": "thinking", "thinking": one.text, "signature": one.signature} for one in said.thoughts
    ]
    if said.text:
        content.append({"type": "text", "text": said.text})
    content += [_called(call) for call in said.tool_calls]
    message = _message(told, content, _STOP_REASONS[said.reason], said.usage)
    return encode(message if extra is None else {**message, "buttress": extra})


def _called(call: ToolCall) -> dict[str, object]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": tool_input(call.arguments)}


def error_body(error: ButtressError, status: int, request_id: str | None = None) -> bytes:
    """Return `error` in the shape that clients raise; its code and hint stand beside the message."""
    said: dict[str, object] = {
        "type": _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error"),
        "message": f"{error.message}. {error.hint}",
        "code": error.code,
        "hint": error.hint,
        "param": error.data.get("param"),
    }
    if isinstance(error, StateUnsupported):
        said["details"] = _UNTHREADED
    return encode({"type": "error", "error": said, "request_id": request_id})
