"""OpenAI's chat completions as facts: a request read into messages, an answer written as chunks. Pure.

What a feature decides itself (temperature, length) is not taken from a client; what we do not do is refused,
naming the field: a client that asks for a tool call must not get prose and believe that it was one.
"""

from collections.abc import Iterator

import msgspec

from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Message, Role
from buttress.kernel.usage import Usage
from buttress.server.errors import BodyInvalid, FieldUnsupported

MAX_MESSAGES = 2_000
DONE = b"data: [DONE]\n\n"
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_DECIDED_BY_THE_FEATURE = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop"),
    *("presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort"),
)


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None


class _Said(msgspec.Struct, frozen=True):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = False


class ChatRequest(msgspec.Struct, frozen=True):
    """What is read of a request; `ignored_fields` says which others were not heeded."""

    model: str
    messages: list[_Said]
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    user: str | None = None
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
    try:
        request = msgspec.json.decode(body, type=ChatRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyInvalid(str(error), hint=_HINT) from error
    except RecursionError as error:
        raise BodyInvalid("nested too deeply", hint=_HINT) from error
    _refuse_unsupported(request)
    if not 1 <= len(request.messages) <= MAX_MESSAGES:
        count = f"{len(request.messages):,}"
        raise BodyInvalid(
            f"{count} messages; 1 to {MAX_MESSAGES:,} are taken", hint=_HINT, data=_at("messages")
        )
    return request


_HINT = 'Send {"model": "FEATURE", "messages": [{"role": "user", "content": "..."}]}.'


def _at(parameter: str) -> dict[str, object]:
    return {"param": parameter}


def _refuse_unsupported(request: ChatRequest) -> None:
    is_plain = request.response_format is None or request.response_format.get("type") == "text"
    asked = {
        "n": request.n not in (None, 1),
        "tools": bool(request.tools),
        "functions": bool(request.functions),
        "response_format": not is_plain,
        "logprobs": bool(request.logprobs),
        "modalities": request.modalities not in (None, ["text"]),
    }
    for field, is_asked in asked.items():
        if is_asked:
            raise FieldUnsupported(f"`{field}` is not done for a feature", data=_at(field))


def ignored_fields(body: bytes) -> list[str]:
    """Return which fields of a request a feature decides itself, so that they were not heeded."""
    given = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return [field for field in _DECIDED_BY_THE_FEATURE if field in given]


def messages_of(request: ChatRequest) -> tuple[Message, ...]:
    """Return what was said.

    Raises:
        BodyInvalid: a role that there is not, or content that is no text.
    """
    return tuple(_message(at, said) for at, said in enumerate(request.messages))


def _message(at: int, said: _Said) -> Message:
    if said.role not in _ROLES:
        field = f"messages[{at}].role"
        hint = "There are: system, developer, user, assistant."
        raise BodyInvalid(f"{field} is {said.role[:40]!r}", hint=hint, data=_at(field))
    return Message(_ROLES[said.role], _text(at, said.content))


def _text(at: int, content: str | list[_Part] | None) -> str:
    if isinstance(content, str):
        return content
    for part in content or ():
        if part.type != "text" or part.text is None:
            field = f"messages[{at}].content"
            raise FieldUnsupported(
                f"{field} holds a part of type {part.type[:40]!r}, not text", data=_at(field)
            )
    return "".join(part.text or "" for part in content or ())


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


def extension_of(answer: Answer) -> dict[str, object]:
    """Return what the format has no place for: the field `buttress` of an answer, and of its last chunk."""
    return {
        "trace_id": answer.trace_id,
        "release": answer.release_id,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "citations": answer.citations,
        "support": answer.support,
        "model": answer.model,
        "cost_nanodollars": answer.cost_nanodollars,
    }


def error_event(error: ButtressError) -> bytes:
    """Return what ends a stream that broke off: clients take it for an error since there is no [DONE]."""
    return _event(error_of(error, 500))


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
