"""An upstream's answer in Anthropic's Messages format: its events as ours, and as one whole. Pure.

Fields, blocks and events that we do not know are ignored, as their documentation asks; what must not be is
refused with what it was. What servers of theirs did by themselves (searches, code) is not told: no other
dialect has words for it. Thinking that they encrypted is not told either.
"""

import json

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
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
from buttress.models.dialects.halves import Halves
from buttress.models.dialects.messages.counts import Counts, usage_begun, usage_of
from buttress.models.dialects.refusals import error_in_stream
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


def no_end(model: Model) -> StreamCut:
    """Return the error of a stream that ends, and nothing says that the model came to its end.

    A gateway on the way that lost its own upstream may well close with `message_stop`; `message_delta`, in
    which both stand that would say so, is missing then. Half an answer must not look whole.
    """
    return StreamCut(f"{model.name} sent message_stop with neither a stop_reason nor the usage")


def reason_of(stop_reason: str | None) -> FinishReason:
    """Return what a `stop_reason` means; one that we do not know, or none, is a plain end."""
    return _REASONS.get(stop_reason or "", "stop")


_NO_INPUT = msgspec.Raw(b"{}")


class Piece(msgspec.Struct, gc=False):
    """A content block, or a delta of one: what is read of all their kinds."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = _NO_INPUT
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    model: str | None = None
    usage: Counts | None = None


class Event(msgspec.Struct, gc=False):
    """What is read of all kinds of events."""

    type: str
    index: int | None = None
    message: _Message | None = None
    content_block: Piece | None = None
    delta: Piece | None = None
    usage: Counts | None = None
    error: object = None


class Whole(msgspec.Struct):
    """What is read of a message that was not streamed."""

    type: str | None = None
    model: str | None = None
    content: list[Piece] | None = None
    stop_reason: str | None = None
    usage: Counts | None = None
    error: object = None


_EVENT = msgspec.json.Decoder(Event)
_WHOLE = msgspec.json.Decoder(Whole)


def decode_event(model: Model, data: str) -> Event:
    """Return the event in `data`.

    Raises:
        BadAnswer: it is not an event of the Messages API.
    """
    try:
        return _EVENT.decode(data)
    except (ValueError, RecursionError) as error:
        if (event := _with_halves(data)) is not None:
            return event
        raise BadAnswer(
            f"{model.name} sent what is no event of the Messages API: {error}: {data[:_SHOWN]!r}"
        ) from error


def _with_halves(data: str) -> Event | None:
    """Return the event in `data` if it is one that holds half of a surrogate pair; msgspec takes none."""
    if "\\ud" not in data.lower():
        return None
    try:
        return msgspec.convert(json.loads(data), Event)
    except (ValueError, RecursionError):
        return None


class _Call(msgspec.Struct):
    """A tool call that is being told; `arguments` is what is said at its end if no piece of them came."""

    number: int
    arguments: str


class AnswerReader:
    """Turns the data of a stream's events into model events, in their order; `Finished` at `message_stop`.

    `began` says whether anything was read yet, `usage_so_far` what was counted: the input as it begins, the
    output at the end. What comes after that is not read.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._stop_reason: str | None = None
        self._counts = Counts()
        self._texts = Halves()
        self._named = model.id or model.name
        self._calls: dict[int, _Call] = {}
        self._told_calls = 0
        self._block = 0
        self._proof = ""
        self._is_over = False
        self.usage_so_far: Usage | None = None
        self.began = False

    def read(self, data: str) -> list[ModelEvent]:
        """Return what the data of one event says: mostly one piece of text, or nothing.

        Raises:
            BadAnswer: it is not an event of the Messages API.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        if self._is_over:
            return []
        event = decode_event(self._model, data)
        match event.type:
            case "content_block_delta":
                return self._delta(self._at(event), event.delta or Piece())
            case "content_block_start":
                return self._open(self._at(event), event.content_block or Piece())
            case "content_block_stop":
                return self._close(self._at(event))
            case "message_stop":
                return self._finish()
            case "error":
                raise error_in_stream(self._model, event.error)
            case _:
                self._note(event)
                return []

    def end(self) -> list[ModelEvent]:
        """See `Reader.end`: nothing, `message_stop` has said it."""
        return []

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `message_stop`."""
        seen = "before" if self._stop_reason is None else "after"
        return StreamCut(
            f"the answer of {self._model.name} broke off {seen} its stop_reason, without message_stop"
        )

    def _at(self, event: Event) -> int:
        """Return the number of the block that `event` is of: the last one, where it does not say."""
        self._block = self._block if event.index is None else event.index
        return self._block

    def _open(self, block: int, piece: Piece) -> list[ModelEvent]:
        if piece.type != "tool_use":
            return _said(piece)
        call = _Call(self._told_calls, tool_arguments(piece.input))
        self._told_calls += 1
        self._calls[block] = call
        return [ToolCallDelta(index=call.number, id=piece.id or "", name=piece.name or "")]

    def _delta(self, block: int, piece: Piece) -> list[ModelEvent]:
        if piece.type == "text_delta":
            text = self._texts.join(piece.text or "")
            return [TextDelta(text)] if text else []
        if piece.type == "signature_delta":
            self._proof += piece.signature or ""
            return []
        if piece.type != "input_json_delta":
            return _said(piece)
        call = self._calls.get(block)
        if call is None or not piece.partial_json:
            return []  # of a tool that runs at theirs
        call.arguments = ""
        return [ToolCallDelta(index=call.number, arguments=piece.partial_json)]

    def _close(self, block: int) -> list[ModelEvent]:
        """Return what is told of a block when it ends: the proof of a thought, in one piece.

        And the arguments of a call of which no piece came: a call without any streams none.
        """
        proof, self._proof = self._proof, ""
        proven: list[ModelEvent] = [ThinkingDelta(signature=proof)] if proof else []
        call = self._calls.pop(block, None)
        if call is None or not call.arguments:
            return proven
        return [*proven, ToolCallDelta(index=call.number, arguments=call.arguments)]

    def _finish(self) -> list[ModelEvent]:
        self._is_over = True
        if self._stop_reason is None and self._counts.output_tokens is None:
            raise no_end(self._model)
        last = self._close(self._block)
        left = [one for block in sorted(self._calls) for one in self._close(block)]
        half = [TextDelta(rest)] if (rest := self._texts.rest()) else []
        return [
            *half,
            *last,
            *left,
            Finished(reason=reason_of(self._stop_reason), usage=usage_of(self._counts), model=self._named),
        ]

    def _note(self, event: Event) -> None:
        """Take notice of how a message begins and why it ends; not of pings, and what they add one day."""
        if event.type == "message_start" and event.message:
            self._named = event.message.model or self._named
            self._counts.take(event.message.usage)
            self.usage_so_far = usage_begun(self._counts)
            self._counts.output_tokens = None  # what it was when nothing was said yet
        elif event.type == "message_delta":
            reason = event.delta.stop_reason if event.delta else None
            self._stop_reason = self._stop_reason or reason
            if event.usage:
                self._counts.take(event.usage)
                self.usage_so_far = usage_begun(self._counts)


def _said(piece: Piece) -> list[ModelEvent]:
    """Return what a block or a delta says, if it is text or thinking and not empty."""
    match piece.type:
        case "text":
            return [TextDelta(piece.text)] if piece.text else []
        case "thinking_delta" | "thinking" if piece.thinking or piece.signature:
            return [ThinkingDelta(piece.thinking or "", piece.signature or "")]
        case _:
            return []


def decode_whole(model: Model, body: bytes) -> Whole:
    """Return the message in `body`; raises as `read_whole`."""
    try:
        whole = _WHOLE.decode(body)
    except UNDECODABLE as error:
        raise BadAnswer(
            f"{model.name} sent what is no message of the Messages API: {error}: {body[:_SHOWN]!r}"
        ) from error
    if whole.type == "error" or whole.error:
        raise error_in_stream(model, whole.error)
    if whole.content is None:
        raise BadAnswer(f"{model.name} sent a message without content: {body[:_SHOWN]!r}")
    return whole


def read_whole(model: Model, body: bytes) -> list[ModelEvent]:
    """Return the events of an answer that was not streamed, `Finished` last.

    Raises:
        BadAnswer: it is not a message of the Messages API.
        ButtressError: it says that the upstream failed; see `refusals`.
    """
    whole = decode_whole(model, body)
    events: list[ModelEvent] = []
    calls = 0
    for piece in whole.content or ():
        if piece.type == "tool_use":
            events.append(_called(calls, piece))
            calls += 1
        else:
            events += _said(piece)
    usage = usage_of(whole.usage or Counts())
    named = whole.model or model.id or model.name
    return [*events, Finished(reason=reason_of(whole.stop_reason), usage=usage, model=named)]


def _called(number: int, piece: Piece) -> ToolCallDelta:
    return ToolCallDelta(
        index=number, id=piece.id or "", name=piece.name or "", arguments=tool_arguments(piece.input)
    )
