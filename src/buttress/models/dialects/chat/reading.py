"""The OpenAI chat completions format, as facts: a request as JSON, and chunks as events. Pure.

Upstreams that call themselves compatible differ; so fields we do not know are ignored, fields we know may be
missing or null, and what must not be is refused with what it was.
"""

from collections.abc import Sequence

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, FinishReason, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.refusals import error_in_stream
from buttress.models.dialects.types import answer_tokens
from buttress.models.errors import BadAnswer, StreamCut

DONE = "[DONE]"
_SHOWN = 120
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    index: int | None = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Chunk(msgspec.Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


_CHUNK = msgspec.json.Decoder(_Chunk)


def request_body(model: Model, request: ModelRequest) -> bytes:
    """Return the JSON that asks `model` for a stream that ends with its usage.

    Text that is not Unicode (half of a surrogate pair) is sent with a question mark in its place.
    """
    return msgspec.json.encode(
        {
            "model": model.id or model.name,
            "messages": [_message(one) for one in request.messages],
            "max_tokens": answer_tokens(request, model),
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )


def _message(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content.encode(errors="replace").decode()}


class AnswerReader:
    """Turns the data of a stream's events into model events: text as it comes, `Finished` at `[DONE]`.

    `began` says whether anything was read yet.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._named = model.id or model.name
        self.began = False

    def read(self, data: str) -> list[ModelEvent]:
        """Return what the data of one event says: mostly one piece of text, or nothing.

        Raises:
            BadAnswer: it is not a chunk of a chat completion.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        if data.strip() == DONE:
            return [Finished(reason=self._reason or "stop", usage=self._usage, model=self._named)]
        chunk = self._decode(data)
        if chunk.error:
            raise error_in_stream(self._model, chunk.error)
        self._named = chunk.model or self._named
        if chunk.usage:
            self._usage = usage_of(chunk.usage)
        return self._texts(chunk.choices or ())

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `[DONE]`."""
        seen = "before" if self._reason is None else "after"
        return StreamCut(
            f"the answer of {self._model.name} broke off {seen} its finish_reason, without {DONE}"
        )

    def _decode(self, data: str) -> _Chunk:
        try:
            return _CHUNK.decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadAnswer(
                f"{self._model.name} sent what is not a chat completion chunk: {error}: {data[:_SHOWN]!r}"
            ) from error

    def _texts(self, choices: Sequence[_Choice]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        for choice in choices:
            if choice.index:
                continue  # one answer is asked for; a second one has no place to go
            delta = choice.delta or _Delta()
            events += [TextDelta(text) for text in (delta.content, delta.refusal) if text]
            self._end(choice.finish_reason, refused=bool(delta.refusal))
        return events

    def _end(self, reason: str | None, *, refused: bool) -> None:
        if refused:
            self._reason = "content_filter"
        elif reason and self._reason is None:
            self._reason = _REASONS.get(reason, "stop")


def usage_of(counted: _Usage) -> Usage | None:
    """Return the counts in disjoint classes; None when one of the two sums is missing.

    Their `prompt_tokens` includes what the cache gave or took, their `completion_tokens` the reasoning.
    Parts that are larger than their sum are cut to it, so that the classes always add up to the sums.
    """
    if counted.prompt_tokens is None or counted.completion_tokens is None:
        return None
    inputs = counted.prompt_tokens_details or _InputDetails()
    outputs = counted.completion_tokens_details or _OutputDetails()
    prompt, completion = max(0, counted.prompt_tokens), max(0, counted.completion_tokens)
    read = _part(inputs.cached_tokens, prompt)
    written = _part(inputs.cache_write_tokens, prompt - read)
    reasoning = _part(outputs.reasoning_tokens, completion)
    return Usage(
        input=prompt - read - written,
        cache_read=read,
        cache_write=written,
        output=completion - reasoning,
        reasoning=reasoning,
    )


def _part(count: int | None, whole: int) -> int:
    return min(max(0, count or 0), whole)
