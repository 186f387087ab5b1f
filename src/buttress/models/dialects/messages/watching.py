"""What is counted of an answer that goes on to the client as it came, at the least cost. Pure."""

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished
from buttress.kernel.usage import Usage
from buttress.models.dialects.encoding import tool_arguments
from buttress.models.dialects.messages.counts import Counts, usage_begun, usage_of
from buttress.models.dialects.messages.reading import (
    Event,
    Piece,
    decode_event,
    decode_whole,
    no_end,
    reason_of,
)
from buttress.models.dialects.refusals import error_in_stream
from buttress.models.dialects.types import Seen
from buttress.models.errors import StreamCut

_NOTHING = Seen()
_SILENT = frozenset({"text", "thinking"})
"""Blocks that say nothing by beginning."""


class Watch:
    """Looks at the events of one answer without taking them apart; one for each answer.

    `began` says whether any was seen yet. What comes after the end is not looked at.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._counts = Counts()
        self._has_output = False
        self._named = model.id or model.name
        self._stop_reason: str | None = None
        self._is_over = False
        self.began = False

    def see(self, data: str) -> Seen:
        """Return what the data of one event holds.

        Raises:
            BadAnswer: it is not an event of the Messages API.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        if self._is_over:
            return _NOTHING
        event = decode_event(self._model, data)
        match event.type:
            case "content_block_delta" | "content_block_start":
                return _seen(event.delta or event.content_block)
            case "message_stop":
                self._is_over = True
                if self._stop_reason is None and not self._has_output:
                    raise no_end(self._model)
                return Seen(finished=self._finished())
            case "error":
                raise error_in_stream(self._model, event.error)
            case _:
                return Seen(tally=self.usage_so_far) if self._note(event) else _NOTHING

    def see_whole(self, body: bytes) -> Seen:
        """Return what an answer holds that was not streamed.

        Raises:
            BadAnswer: it is not a message of the Messages API.
            ButtressError: it says that the upstream failed; see `refusals`.
        """
        self.began = True
        whole = decode_whole(self._model, body)
        self._named = whole.model or self._named
        self._stop_reason = whole.stop_reason
        self._take(whole.usage)
        blocks = [_seen(one) for one in whole.content or ()]
        return Seen(
            has_content=any(one.has_content for one in blocks),
            characters=sum(one.characters for one in blocks),
            text="".join(one.text for one in blocks),
            finished=self._finished(),
        )

    def end(self) -> Seen:
        """Return what the end of the HTTP body says: nothing."""
        return _NOTHING

    @property
    def usage_so_far(self) -> Usage | None:
        """What the upstream said when it began, or said last: the input is whole, the output may be more."""
        return usage_begun(self._counts)

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `message_stop`."""
        seen = "before" if self._stop_reason is None else "after"
        return StreamCut(
            f"the answer of {self._model.name} broke off {seen} its stop_reason, without message_stop"
        )

    def _note(self, event: Event) -> bool:
        """Take notice of how a message begins and why it ends; say whether it told counts."""
        if event.type == "message_start" and event.message:
            self._named = event.message.model or self._named
            self._counts.take(event.message.usage)
            return event.message.usage is not None
        if event.type == "message_delta":
            self._stop_reason = self._stop_reason or (event.delta.stop_reason if event.delta else None)
            self._take(event.usage)
            return event.usage is not None
        return False

    def _take(self, counted: Counts | None) -> None:
        """Take counts that are not those of a beginning: their output is one of what was said."""
        self._counts.take(counted)
        self._has_output |= counted is not None and counted.output_tokens is not None

    def _finished(self) -> Finished:
        usage = usage_of(self._counts) if self._has_output else None
        return Finished(reason=reason_of(self._stop_reason), usage=usage, model=self._named)


def _seen(piece: Piece | None) -> Seen:
    """Return what a block or a delta holds; a block says something by being there, unless it is of text."""
    if piece is None:
        return _NOTHING
    said = piece.text or piece.partial_json or piece.thinking
    if said:
        return Seen(has_content=True, characters=len(said), text=piece.text or "")
    kind = piece.type or ""
    if kind in _SILENT or kind.endswith("_delta"):
        return _NOTHING
    given = tool_arguments(piece.input)
    return Seen(has_content=True, characters=0 if given == "{}" else len(given))
