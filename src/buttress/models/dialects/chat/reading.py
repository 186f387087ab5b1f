"""What an upstream answers, as events: the chunks of a stream, or a whole completion. Pure.

Upstreams that call themselves compatible differ; what each of them does is told at the place that bears it.
"""

from collections.abc import Sequence

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import ModelEvent, TextDelta, ThinkingDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.calls import Calls
from buttress.models.dialects.chat.chunks import CallPiece, Choice, Chunk, ContentPart, Delta
from buttress.models.dialects.chat.ending import DONE, Ending
from buttress.models.dialects.chat.usage import Counted
from buttress.models.dialects.halves import Halves, decode_with_halves
from buttress.models.dialects.refusals import error_in_stream
from buttress.models.errors import BadAnswer, StreamCut

_CHUNK = msgspec.json.Decoder(Chunk)
_SHOWN = 120


class AnswerReader:
    """Turns the data of a stream's events into model events: pieces as they come, `Finished` at `[DONE]`.

    `began` says whether anything was read yet.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._ending = Ending(model)
        self._calls = Calls()
        self._texts = Halves()
        self._thoughts = Halves()
        self._id = ""
        self.began = False

    def read(self, data: str) -> list[ModelEvent]:
        """Return what the data of one event says: mostly one piece of text, or nothing.

        Raises:
            BadAnswer: it is not a chunk, or the answer ends with a tool call that has no name.
            StreamCut: it is `[DONE]`, and nothing says that the model came to its end.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        self.began = True
        if data.strip() == DONE:
            return [*self._rest(), self._ending.done()]
        return self._chunk(read_chunk(self._model, data))

    def read_whole(self, body: bytes) -> list[ModelEvent]:
        """Return all events of an answer that was not streamed; see `read_whole` below."""
        self.began = True
        chunk = read_chunk(self._model, body)
        if not chunk.choices:
            raise BadAnswer(f"{self._model.name} sent a chat completion without choices")
        return [*self._chunk(chunk), *self._rest(), self._ending.whole()]

    def end(self) -> list[ModelEvent]:
        """Return what the end of the HTTP body says: `Finished`, where only `[DONE]` is missing.

        Raises:
            BadAnswer: the answer ends with a tool call that has no name.
        """
        finished = self._ending.silent()
        return [*self._rest(), finished] if finished else []

    @property
    def usage_so_far(self) -> Usage | None:
        """See `Reader.usage_so_far`."""
        return self._ending.usage

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before `[DONE]`."""
        return self._ending.cut()

    def _chunk(self, chunk: Chunk) -> list[ModelEvent]:
        self._id = self._id or str(chunk.id or "")
        self._ending.name(chunk.model)
        events: list[ModelEvent] = []
        for choice in chunk.choices or ():
            if not choice.index:  # one answer is asked for; a second one has no place to go
                events += self._choice(choice)
        self._ending.count(counted_in(chunk))
        return events

    def _choice(self, choice: Choice) -> list[ModelEvent]:
        delta = choice.delta or choice.message
        events = self._delta(delta, numbered_in(choice)) if delta else []
        self._ending.stop(choice.finish_reason)
        return events

    def _delta(self, delta: Delta, pieces: list[CallPiece]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if thinking := self._thoughts.join(thinking_in(delta)):
            events.append(ThinkingDelta(thinking))
        if text := self._texts.join(text_in(delta)):
            events.append(TextDelta(text))
        for piece in pieces:
            events += self._calls.take(piece, self._id)
        if events or pieces:
            self._ending.speak(calls=bool(pieces), refused=bool(delta.refusal))
        return events

    def _rest(self) -> list[ModelEvent]:
        """Return what was held back."""
        if self._calls.unnamed:
            raise BadAnswer(f"{self._model.name} asked for a tool call and never said of which tool")
        rest = self._texts.rest()
        return [TextDelta(rest)] if rest else []


def read_whole(model: Model, body: bytes) -> list[ModelEvent]:
    """Return the events of an answer that was not streamed, `Finished` last.

    JSON that is whole cannot be half an answer: a missing `finish_reason` is `stop`.

    Raises:
        BadAnswer: it is not a chat completion.
        ButtressError: the upstream says that it failed; see `refusals`.
    """
    return AnswerReader(model).read_whole(body)


def read_chunk(model: Model, data: str | bytes) -> Chunk:
    """Return the chunk or completion in `data`.

    Raises:
        BadAnswer: it is none.
        ButtressError: it is an error; old servers say so by its kind alone.
    """
    try:
        chunk = _CHUNK.decode(data)
    except (ValueError, RecursionError) as error:
        chunk = _second_look(model, data, error)
    if chunk.error:
        raise error_in_stream(model, chunk.error)
    if chunk.kind == "error":
        raise error_in_stream(model, msgspec.json.decode(data))
    return chunk


def _second_look(model: Model, data: str | bytes, why: Exception) -> Chunk:
    try:
        return decode_with_halves(data, Chunk)
    except (ValueError, RecursionError):
        told = f"{model.name} sent what is not a chat completion chunk: {why}: {_shown(data)!r}"
        raise BadAnswer(told) from why


def _shown(data: str | bytes) -> str:
    start = data[:_SHOWN]
    return start if isinstance(start, str) else start.decode(errors="replace")


def counted_in(chunk: Chunk) -> Counted | None:
    """Return the usage of a chunk, wherever it stands."""
    if chunk.usage:
        return chunk.usage
    if chunk.x_groq and chunk.x_groq.usage:
        return chunk.x_groq.usage
    for choice in chunk.choices or ():
        if choice.usage:
            return choice.usage
    return None


def text_in(delta: Delta) -> str:
    """Return what is said to whoever asked; a refusal, too."""
    content = delta.content
    text = content if isinstance(content, str) else _joined(content or ())
    return text + delta.refusal if delta.refusal else text


def thinking_in(delta: Delta) -> str:
    """Return what is thought: `reasoning_content` (DeepSeek, vLLM) or `reasoning` (OpenRouter, Groq).

    Some send both, with the same text. Mistral puts it among the parts of `content`.
    """
    if delta.reasoning_content:
        return delta.reasoning_content
    if isinstance(delta.reasoning, str) and delta.reasoning:
        return delta.reasoning
    if isinstance(delta.content, list):
        return "".join(_thought(part) for part in delta.content)
    return ""


def _thought(part: ContentPart) -> str:
    thinking = part.thinking
    return thinking if isinstance(thinking, str) else _joined(thinking or ())


def _joined(parts: Sequence[ContentPart]) -> str:
    return "".join(part.text or "" for part in parts)


def numbered_in(choice: Choice) -> list[CallPiece]:
    """Return the pieces of tool calls; in a whole message they are numbered by their place."""
    if choice.delta:
        return pieces_in(choice.delta)
    whole = pieces_in(choice.message) if choice.message else []
    return [msgspec.structs.replace(one, index=at) for at, one in enumerate(whole)]


def pieces_in(delta: Delta) -> list[CallPiece]:
    """Return the pieces of tool calls; of the one function call, where a server still speaks of that."""
    if delta.function_call and not delta.tool_calls:
        return [CallPiece(index=0, function=delta.function_call)]
    return delta.tool_calls or []
