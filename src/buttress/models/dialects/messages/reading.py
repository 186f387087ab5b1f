"""Anthropic's Messages format, as facts: a request as JSON, and events as ours. Pure.

Fields and events that we do not know are ignored, as their documentation asks; what must not be is refused
with what it was.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, FinishReason, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.refusals import error_in_stream
from buttress.models.dialects.types import answer_tokens
from buttress.models.errors import BadAnswer, StreamCut

_SHOWN = 120
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Message(msgspec.Struct):
    model: str | None = None
    usage: _Usage | None = None


class _Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str
    message: _Message | None = None
    content_block: _Delta | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: object = None


_EVENT = msgspec.json.Decoder(_Event)


def request_body(model: Model, request: ModelRequest) -> bytes:
    """Return the JSON that asks `model` for a stream.

    What the system says stands beside the turns; turns of one side that follow each other become one, blank
    ones none: an empty text is refused. A request that has no turn at all says what the system says as the
    user. The temperature is left out: from Opus 4.7 on their models refuse a request that has one. Text that
    is not Unicode (half of a surrogate pair) is sent with a question mark in its place.
    """
    system = _joined(one for one in request.messages if one.role == "system")
    turns = _turns([one for one in request.messages if one.role != "system"])
    if not turns:
        system, turns = "", [{"role": "user", "content": system}]
    return msgspec.json.encode(
        {
            "model": model.id or model.name,
            "max_tokens": answer_tokens(request, model),
            "messages": turns,
            "stream": True,
        }
        | ({"system": system} if system else {})
    )


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    told = [one for one in messages if one.content.strip()]
    sides = groupby(told, key=lambda one: one.role)
    return [{"role": role, "content": _joined(together)} for role, together in sides]


def _joined(messages: Iterable[Message]) -> str:
    return "\n\n".join(one.content.encode(errors="replace").decode() for one in messages)


class AnswerReader:
    """Turns the data of a stream's events into model events: text as it comes, `Finished` at `message_stop`.

    `began` says whether anything was read yet.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._reason: FinishReason | None = None
        self._usage = _Usage()
        self._named = model.id or model.name
        self.began = False

    def read(self, data: str) -> list[ModelEvent]:
        """Return what the data of one event says: mostly one piece of text, or nothing.

        Raises:
            BadAnswer: it is not an event of the Messages API.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        event = self._decode(data)
        match event.type:
            case "content_block_start":
                return _text(event.content_block)
            case "content_block_delta":
                return _text(event.delta)
            case "message_start":
                self._start(event.message or _Message())
            case "message_delta":
                self._end(event)
            case "message_stop":
                return [
                    Finished(reason=self._reason or "stop", usage=usage_of(self._usage), model=self._named)
                ]
            case "error":
                raise error_in_stream(self._model, event.error)
            case _:
                pass  # ping, content_block_stop, and what they add one day
        return []

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `message_stop`."""
        seen = "before" if self._reason is None else "after"
        return StreamCut(
            f"the answer of {self._model.name} broke off {seen} its stop_reason, without message_stop"
        )

    def _decode(self, data: str) -> _Event:
        try:
            return _EVENT.decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadAnswer(
                f"{self._model.name} sent what is no event of the Messages API: {error}: {data[:_SHOWN]!r}"
            ) from error

    def _start(self, message: _Message) -> None:
        self._named = message.model or self._named
        self._count(message.usage)

    def _end(self, event: _Event) -> None:
        """Take notice of a `message_delta`: there may be several, and their counts are sums so far."""
        reason = event.delta.stop_reason if event.delta else None
        if reason and self._reason is None:
            self._reason = _REASONS.get(reason, "stop")
        self._count(event.usage)

    def _count(self, counted: _Usage | None) -> None:
        """Put the counts that are given in the place of the earlier ones; those left out stay."""
        for field in _Usage.__struct_fields__ if counted else ():
            if (value := getattr(counted, field)) is not None:
                setattr(self._usage, field, value)


def _text(said: _Delta | None) -> list[ModelEvent]:
    """Return the text of a block or delta: thinking, signatures and tools are not for whoever asked."""
    is_text = said is not None and said.type in ("text", "text_delta")
    return [TextDelta(said.text)] if said and is_text and said.text else []


def usage_of(counted: _Usage) -> Usage | None:
    """Return the counts in disjoint classes; None when one of the two plain ones is missing.

    Their `input_tokens` holds neither what the cache gave nor what it took; their `output_tokens` includes
    the thinking, which is cut to it should it be larger.
    """
    if counted.input_tokens is None or counted.output_tokens is None:
        return None
    output = max(0, counted.output_tokens)
    details = counted.output_tokens_details or _OutputDetails()
    thinking = min(max(0, details.thinking_tokens or 0), output)
    return Usage(
        input=max(0, counted.input_tokens),
        cache_read=max(0, counted.cache_read_input_tokens or 0),
        cache_write=max(0, counted.cache_creation_input_tokens or 0),
        output=output - thinking,
        reasoning=thinking,
    )
