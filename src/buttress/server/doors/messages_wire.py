"""Anthropic's Messages as facts: a request read into messages, an answer written as events. Pure."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message, Role
from buttress.kernel.usage import Usage
from buttress.server.doors.said import (
    Content,
    Given,
    Name,
    Nobody,
    Posed,
    Said,
    decoded,
    extension_of,
    given_of,
    messages_of,
    refuse_asked,
    text_of,
)
from buttress.server.errors import status_of

ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class Decided(msgspec.Struct, frozen=True):
    """The fields of a request that a feature decides itself: taken, and not heeded."""

    max_tokens: Given = UNSET
    temperature: Given = UNSET
    top_p: Given = UNSET
    top_k: Given = UNSET
    stop_sequences: Given = UNSET
    thinking: Given = UNSET


class _Metadata(msgspec.Struct, frozen=True):
    user_id: Nobody | None = None


class _OutputConfig(msgspec.Struct, frozen=True):
    format: dict[str, object] | None = None


class MessagesRequest(Decided, frozen=True, kw_only=True):
    """What is read of a request. `conversation` is ours: an id under which the turns are kept here."""

    model: str
    messages: list[Said]
    system: Content = None
    stream: bool | None = False
    metadata: _Metadata | None = None
    conversation: Name | None = None
    tools: list[object] | None = None
    mcp_servers: list[object] | None = None
    output_config: _OutputConfig | None = None


def read_request(body: bytes) -> MessagesRequest:
    """Return the request in `body`.

    Raises:
        BodyInvalid: it is not a request for a message; names the field.
        FieldUnsupported: it asks for what is not done here.
    """
    request = decoded(body, MessagesRequest)
    refuse_asked(
        {
            "tools": bool(request.tools),
            "mcp_servers": bool(request.mcp_servers),
            "output_config": bool(request.output_config and request.output_config.format),
        }
    )
    return request


def posed_of(request: MessagesRequest) -> Posed:
    """Return the request as it is asked, `system` as the first message; raises as `messages_of`."""
    system = text_of("system", request.system)
    before = (Message("system", system),) if system else ()
    said = messages_of(request.messages, ROLES)
    return Posed(
        model=request.model,
        messages=(*before, *said),
        user=(request.metadata.user_id if request.metadata else None) or None,
        conversation=request.conversation,
        is_streamed=bool(request.stream),
        ignored=given_of(request, Decided),
    )


class Writer:
    """Writes one answer in the client's format: one block of text."""

    def __init__(self, request: MessagesRequest) -> None:
        self._model = request.model

    def whole(self, answer: Answer) -> dict[str, object]:
        """Return the answer to a request that does not stream."""
        return {
            **self._message(answer.trace_id),
            "content": [{"type": "text", "text": answer.text}],
            "stop_reason": "end_turn",
            "usage": usage_of(answer.usage),
            "buttress": extension_of(answer),
        }

    def chunks(self, event: Event) -> Iterator[bytes]:
        """Return the events of a stream for one event: message and block begin, text, both end."""
        match event:
            case Began(trace_id):
                yield _event("message_start", message=self._message(trace_id))
                yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            case Text(text):
                yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
            case Ended(answer):
                yield from _ended(answer)
            case _:
                pass  # the last event but one tells all citations

    def broken(self, error: ButtressError) -> bytes:
        """Return what ends a stream that broke off: an event of its own, and no `message_stop`."""
        return b"event: error\ndata: %b\n\n" % msgspec.json.encode(error_of(error, status_of(error)))

    def _message(self, trace_id: str) -> dict[str, object]:
        """Return a message in which nothing was said yet; what it used is known at its end."""
        return {
            "id": f"msg_{trace_id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(Usage()),
        }


def _ended(answer: Answer) -> Iterator[bytes]:
    """Return the last events: the block ends; why, what was used, and all that is ours; the end."""
    yield _event("content_block_stop", index=0)
    yield _event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage=usage_of(answer.usage),
        buttress=extension_of(answer),
    )
    yield _event("message_stop")


def _event(kind: str, **data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **data}))


def usage_of(usage: Usage) -> dict[str, int]:
    """Return the counts as Anthropic has them: the cache beside the input, reasoning within the output."""
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output + usage.reasoning,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
    }


def error_of(error: ButtressError, status: int) -> dict[str, object]:
    """Return `error` in the shape that clients of Anthropic read: code and hint in the message's company."""
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    said = {
        "type": kind,
        "message": f"{error.message}. {error.hint}",
        "code": error.code,
        "hint": error.hint,
        "param": error.data.get("param"),
    }
    return {"type": "error", "error": said, "request_id": None}
