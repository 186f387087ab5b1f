"""What every dialect has: how a client's request is read and answered, how an upstream is asked and heard."""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, FinishReason, ModelEvent, ModelRequest, Thinking, ToolCall
from buttress.kernel.usage import Usage
from buttress.models.errors import StreamCut

DialectName = Literal["chat", "messages", "responses", "gemini", "rerank", "embeddings"]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A client's request in its own words: `fields` as they came, each still JSON.

    `is_stream` and `wants_usage` (a stream is to end with its usage) are what the client asked for, for its
    `user`, None where it named none; `size_bytes` is how long all of it is. `headers` are those of its HTTP
    headers that belong to the dialect, in lower case.
    """

    dialect: DialectName
    model: str
    fields: dict[str, msgspec.Raw]
    is_stream: bool = False
    wants_usage: bool = False
    user: str | None = None
    size_bytes: int = 0
    headers: Mapping[str, str] = {}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, as `folding` makes it of a stream's events; each of `thoughts` has its own proof."""

    text: str
    thoughts: tuple[Thinking, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    reason: FinishReason
    usage: Usage | None
    model: str

    @property
    def thinking(self) -> str:
        """What all thoughts say."""
        return "".join(thought.text for thought in self.thoughts)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in an answer beside what was said; `created` in seconds since 1970."""

    id: str
    created: int
    model: str


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What one event of an answer holds that goes on to the client as it came.

    `has_content` says that the model said something in it; `text` is what people read of that, `characters`
    how long all of it is, with thinking and tool calls.
    `is_usage_only`: it came because we asked for the usage; a client that did not must not get it. `finished`
    stands at the end. `tally` is what the upstream counted of all up to here, where this event tells that.
    """

    has_content: bool = False
    characters: int = 0
    text: str = ""
    is_usage_only: bool = False
    finished: Finished | None = None
    tally: Usage | None = None


class Tally(msgspec.Struct, frozen=True, gc=False):
    """What an upstream counted so far, told while it answers; for who pays, and no part of the answer."""

    usage: Usage


class Reader(Protocol):
    """Turns the data of a stream's events into model events; one for each answer."""

    @property
    def began(self) -> bool:
        """Whether anything was read yet."""
        ...

    @property
    def usage_so_far(self) -> Usage | None:
        """What the upstream counted up to now, None when it did not; another object when it counts anew."""
        ...

    def read(self, data: str) -> list[ModelEvent]:
        """Return what the data of one event says: a piece of text, mostly; `Finished` at the end.

        Raises:
            BadAnswer: it is not an event of this dialect.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        ...

    def end(self) -> list[ModelEvent]:
        """Return what the end of the HTTP body says: `Finished`, where no event of the dialect does."""
        ...

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before its end."""
        ...


class Watcher(Protocol):
    """Looks at an answer that goes on to the client as it came; one for each answer."""

    @property
    def began(self) -> bool:
        """Whether anything was seen yet."""
        ...

    @property
    def usage_so_far(self) -> Usage | None:
        """What the upstream counted up to now, None when it did not; few count before the end."""
        ...

    def see(self, data: str) -> Seen:
        """Return what the data of one event of a stream holds.

        Raises:
            BadAnswer: it is not an event of this dialect.
            ButtressError: the upstream says that it failed; see `refusals`.
        """
        ...

    def see_whole(self, body: bytes) -> Seen:
        """Return what an answer holds that was not streamed; `finished`, always. Raises as `see`."""
        ...

    def end(self) -> Seen:
        """Return what the end of the HTTP body says: `finished`, where only the last event is missing."""
        ...

    def cut(self) -> StreamCut:
        """Return the error of a stream that stopped before its end."""
        ...


class Writer(Protocol):
    """Writes one streamed answer in the client's dialect: server-sent events, ready to be sent."""

    def begin(self) -> bytes:
        """Return what comes before anything is said; may be empty."""
        ...

    def write(self, event: ModelEvent, extra: dict[str, object] | None = None) -> bytes:
        """Return what goes out for `event`; may be empty. `Finished` gives the end of the stream.

        `extra` becomes our own field `buttress` of the last object; only heeded with `Finished`.
        """
        ...

    def fail(self, error: ButtressError, status: int) -> bytes:
        """Return what ends a stream that broke off: an error that its clients raise."""
        ...


def answer_tokens(request: ModelRequest, model: Model) -> int:
    """Return how many tokens an answer may have: what is asked for, within what the model gives."""
    return min(request.max_tokens or model.max_output_tokens, model.max_output_tokens)
