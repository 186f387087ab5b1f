"""What can be learned of an answer that is passed on as it came, at the least cost. Pure.

Where client and upstream both speak chat completions, nothing is translated: the frames go on unchanged, and
are read only for what is counted.
"""

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.calls import arguments_of
from buttress.models.dialects.chat.chunks import CallPiece, Choice, Chunk, Delta
from buttress.models.dialects.chat.ending import DONE, Ending
from buttress.models.dialects.chat.reading import counted_in, pieces_in, read_chunk, text_in, thinking_in
from buttress.models.dialects.types import Seen
from buttress.models.errors import BadAnswer, StreamCut

_NOTHING = Seen()
_MAX_DONE = 2 * len(DONE)
"""Room for blanks around it."""


class Watch:
    """Looks at the events of one streamed answer. `began` says whether any was seen yet."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._ending = Ending(model)
        self.began = False

    def see(self, data: str) -> Seen:
        """Return what the data of one event holds.

        Raises:
            BadAnswer: it is not a chunk of a chat completion.
            StreamCut: it is `[DONE]`, and nothing says that the model came to its end.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        if len(data) <= _MAX_DONE and data.strip() == DONE:
            return Seen(finished=self._ending.done())
        return self._chunk(read_chunk(self._model, data))

    def see_whole(self, body: bytes) -> Seen:
        """Return what an answer holds that was not streamed.

        Raises:
            BadAnswer: it is not a chat completion.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        chunk = read_chunk(self._model, body)
        if not chunk.choices:
            raise BadAnswer(f"{self._model.name} sent a chat completion without choices")
        return msgspec.structs.replace(self._chunk(chunk), finished=self._ending.whole())

    def end(self) -> Seen:
        """Return what the end of the HTTP body says: `finished`, where only `[DONE]` is missing."""
        return Seen(finished=self._ending.silent())

    @property
    def usage_so_far(self) -> Usage | None:
        """What the upstream counted up to now, None when it did not; few count before the end."""
        return self._ending.usage

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `[DONE]`."""
        return self._ending.cut()

    def _chunk(self, chunk: Chunk) -> Seen:
        self._ending.name(chunk.model)
        if not chunk.choices:
            return self._without_choices(chunk)
        seen = self._choices(chunk.choices)
        counted = counted_in(chunk)
        return msgspec.structs.replace(seen, tally=self._ending.count(counted)) if counted else seen

    def _without_choices(self, chunk: Chunk) -> Seen:
        counted = counted_in(chunk)
        return Seen(is_usage_only=True, tally=self._ending.count(counted)) if counted else _NOTHING

    def _choices(self, choices: list[Choice]) -> Seen:
        seen = _NOTHING
        for choice in choices:
            delta = choice.delta or choice.message
            if delta and (told := self._delta(delta)).has_content:
                seen = _both(seen, told) if choice.index else told
            if choice.finish_reason:
                self._ending.stop(choice.finish_reason)
        return seen

    def _delta(self, delta: Delta) -> Seen:
        text = text_in(delta)
        characters = len(text) + len(thinking_in(delta))
        pieces = pieces_in(delta)
        for piece in pieces:
            characters += _written(piece)
        if not (characters or pieces or delta.audio):
            return _NOTHING
        self._ending.speak(calls=bool(pieces), refused=bool(delta.refusal))
        return Seen(has_content=True, characters=characters, text=text)


def _both(one: Seen, other: Seen) -> Seen:
    """Return what two answers of one request hold; people read the first."""
    return Seen(has_content=True, characters=one.characters + other.characters, text=one.text)


def _written(piece: CallPiece) -> int:
    function = piece.function
    return len(function.name or "") + len(arguments_of(function)) if function else 0
