"""OpenAI's chat completions as facts: a request read into messages, an answer written as chunks. Pure."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Role
from buttress.kernel.usage import Usage
from buttress.server.doors.said import (
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
)

DONE = b"data: [DONE]\n\n"
ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = False


class Decided(msgspec.Struct, frozen=True):
    """The fields of a request that a feature decides itself: taken, and not heeded."""

    temperature: Given = UNSET
    top_p: Given = UNSET
    max_tokens: Given = UNSET
    max_completion_tokens: Given = UNSET
    seed: Given = UNSET
    stop: Given = UNSET
    presence_penalty: Given = UNSET
    frequency_penalty: Given = UNSET
    logit_bias: Given = UNSET
    reasoning_effort: Given = UNSET


class ChatRequest(Decided, frozen=True, kw_only=True):
    """What is read of a request. `conversation` is ours: an id under which the turns are kept here."""

    model: str
    messages: list[Said]
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    user: Nobody | None = None
    conversation: Name | None = None
    n: int | None = None
    tools: list[object] | None = None
    functions: list[object] | None = None
    response_format: dict[str, object] | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the stream is to end with a chunk that holds the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


def read_request(body: bytes) -> ChatRequest:
    """Return the request in `body`.

    Raises:
        BodyInvalid: it is not a chat completion request; names the field.
        FieldUnsupported: it asks for what is not done here.
    """
    request = decoded(body, ChatRequest)
    is_plain = request.response_format is None or request.response_format.get("type") == "text"
    refuse_asked(
        {
            "n": request.n not in (None, 1),
            "tools": bool(request.tools),
            "functions": bool(request.functions),
            "response_format": not is_plain,
            "logprobs": bool(request.logprobs),
            "modalities": request.modalities not in (None, ["text"]),
        }
    )
    return request


def posed_of(request: ChatRequest) -> Posed:
    """Return the request as it is asked; raises as `messages_of`."""
    return Posed(
        model=request.model,
        messages=messages_of(request.messages, ROLES),
        user=request.user or None,
        conversation=request.conversation,
        is_streamed=bool(request.stream),
        ignored=given_of(request, Decided),
    )


class Writer:
    """Writes one answer in the client's format; `created` in seconds since 1970, the model as asked."""

    def __init__(self, request: ChatRequest, created: int) -> None:
        self._model = request.model
        self._wants_usage = request.wants_usage
        self._created = created
        self._id = "chatcmpl-"

    def whole(self, answer: Answer) -> dict[str, object]:
        """Return the answer to a request that does not stream."""
        self._id = f"chatcmpl-{answer.trace_id}"
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage_of(answer.usage),
            "buttress": extension_of(answer),
        }

    def chunks(self, event: Event) -> Iterator[bytes]:
        """Return the chunks of a stream for one event: the role first, then text, then how it ended."""
        match event:
            case Began(trace_id):
                self._id = f"chatcmpl-{trace_id}"
                yield self._chunk({"role": "assistant", "content": ""})
            case Text(text):
                yield self._chunk({"content": text})
            case Ended(answer):
                yield from self._ended(answer)
            case _:
                pass  # the last chunk tells all citations

    def broken(self, error: ButtressError) -> bytes:
        """Return what ends a stream that broke off: clients take it for an error, and there is no [DONE]."""
        return _event(error_of(error, 500))

    def _ended(self, answer: Answer) -> Iterator[bytes]:
        """Return the last chunks: why it ended, with all that is ours; the usage if wanted; the end."""
        yield self._chunk({}, finish_reason="stop", buttress=extension_of(answer))
        if self._wants_usage:
            yield _event(
                {**self._head("chat.completion.chunk"), "choices": [], "usage": usage_of(answer.usage)}
            )
        yield DONE

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None, **extra: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        usage = {"usage": None} if self._wants_usage else {}
        return _event({**self._head("chat.completion.chunk"), "choices": [choice], **usage, **extra})

    def _head(self, kind: str) -> dict[str, object]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}


def _event(value: object) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(value)


def usage_of(usage: Usage) -> dict[str, object]:
    """Return the counts as OpenAI sums them: the cache within the prompt, reasoning within the completion."""
    prompt, completion = usage.input + usage.cache_read + usage.cache_write, usage.output + usage.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def error_of(error: ButtressError, status: int) -> dict[str, object]:
    """Return `error` in the shape that clients of OpenAI read: code and hint in the message's company."""
    kinds = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
    kind = kinds.get(status, "rate_limit_error" if status == 429 else "invalid_request_error")
    return {
        "error": {
            "message": f"{error.message}. {error.hint}",
            "type": "server_error" if status >= 500 else kind,
            "param": error.data.get("param"),
            "code": error.code,
            "hint": error.hint,
        }
    }
