"""What Gemini answers, as events: the pieces of a stream, or a whole answer. Pure.

Each piece is an answer of its own with what is new. No piece says that it is the last: the answer has ended
when the HTTP body does, if a `finishReason` came before; counts may come after that.
"""

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Finished,
    FinishReason,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from buttress.kernel.usage import Usage
from buttress.models.dialects.encoding import tool_arguments
from buttress.models.dialects.gemini.counts import Counted, usage_of
from buttress.models.dialects.refusals import error_in_stream
from buttress.models.dialects.signatures import mark
from buttress.models.errors import BadAnswer, StreamCut

_SHOWN = 120
_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
_BROKEN = frozenset(
    (
        *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
        *("MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE"),
    )
)
"""Reasons that say that the model failed: what came is no answer, and the next try may give one."""


class _Call(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")


class _Part(msgspec.Struct, rename="camel", frozen=True):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None


class _Content(msgspec.Struct, frozen=True):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel", frozen=True):
    index: int | None = None
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, rename="camel", frozen=True):
    block_reason: str | None = None


class _Piece(msgspec.Struct, rename="camel", frozen=True):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Counted | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: object = None


_PIECE = msgspec.json.Decoder(_Piece)


class AnswerReader:
    """Turns the data of a stream's events into model events; `Finished` comes from `end`.

    `began` says whether anything was read yet.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._named = model.id or model.name
        self._id = ""
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._calls = 0
        self.began = False

    def read(self, data: str | bytes) -> list[ModelEvent]:
        """Return what the data of one event says.

        Raises:
            BadAnswer: it is not a piece of an answer, or says that the model failed to make one.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        piece = self._decode(data)
        if piece.error:
            raise error_in_stream(self._model, piece.error)
        self._named = piece.model_version or self._named
        self._id = piece.response_id or self._id
        if piece.usage_metadata:
            self._usage = usage_of(piece.usage_metadata) or self._usage
        if piece.prompt_feedback and piece.prompt_feedback.block_reason:
            self._reason = "content_filter"
        events: list[ModelEvent] = []
        for candidate in piece.candidates or ():
            if not candidate.index:  # one answer is asked for; a second one has no place to go
                events += self._candidate(candidate)
        return events

    def end(self) -> list[ModelEvent]:
        """Return `Finished` when something said why the answer ends; nothing when it was cut."""
        if self._reason is None:
            return []
        reason = "tool_calls" if self._reason == "stop" and self._calls else self._reason
        return [Finished(reason=reason, usage=self._usage, model=self._named)]

    @property
    def usage_so_far(self) -> Usage | None:
        """See `Reader.usage_so_far`: each piece of an answer counts all that came with it and before."""
        return self._usage

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before its end."""
        seen = "before" if self._reason is None else "after"
        return StreamCut(f"the answer of {self._model.name} broke off {seen} its finishReason")

    def _decode(self, data: str | bytes) -> _Piece:
        try:
            return _PIECE.decode(data)
        except (ValueError, RecursionError) as error:
            raise BadAnswer(
                f"{self._model.name} sent what is no answer of generateContent: {error}: {data[:_SHOWN]!r}"
            ) from error

    def _candidate(self, candidate: _Candidate) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        for part in (candidate.content and candidate.content.parts) or ():
            events += self._part(part)
        self._stop(candidate.finish_reason)
        return events

    def _part(self, part: _Part) -> list[ModelEvent]:
        if part.function_call:
            return self._call(part.function_call, part.thought_signature or "")
        if not part.text:
            return []
        return [ThinkingDelta(part.text) if part.thought else TextDelta(part.text)]

    def _call(self, call: _Call, signature: str) -> list[ModelEvent]:
        """Return a call, which comes whole; the proof of the thought behind it goes before the first one."""
        if not call.name:
            raise BadAnswer(f"{self._model.name} called a function without saying which")
        index, self._calls = self._calls, self._calls + 1
        made = f"call_{self._id}_{index}" if self._id else f"call_{index}"
        told = ToolCallDelta(
            index=index, id=call.id or made, name=call.name, arguments=tool_arguments(call.args)
        )
        return [ThinkingDelta(signature=mark(signature)), told] if signature and index == 0 else [told]

    def _stop(self, reason: str | None) -> None:
        if reason in _BROKEN:
            raise BadAnswer(f"{self._model.name} gave up its answer: {reason}")
        if reason and self._reason is None:
            self._reason = _REASONS.get(reason, "stop")


def read_whole(model: Model, body: bytes) -> list[ModelEvent]:
    """Return the events of an answer that was not streamed, `Finished` last.

    Raises:
        BadAnswer: it is no answer of generateContent, or says that the model failed to make one.
        StreamCut: it holds no answer that has ended.
        ButtressError: the upstream says that it failed; see `refusals`.
    """
    reader = AnswerReader(model)
    events = reader.read(body)
    ended = reader.end()
    if not ended:
        raise reader.cut()
    return [*events, *ended]
