"""What the tests of answers in the Responses format are made of, and OpenAI's own reading of them."""

from collections.abc import Iterable

import msgspec
from hypothesis import strategies as st
from openai import Omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ParsedResponse, ResponseStreamEvent
from pydantic import TypeAdapter

from buttress.kernel.messages import Finished, FinishReason, ModelEvent, ToolCall
from buttress.kernel.usage import Usage
from buttress.models.dialects.responses.writing import ResponsesWriter
from buttress.models.dialects.types import Body, Said, Told
from buttress.models.sse import SseEvent, SseParser
from tests.unit.models.dialects.thoughts import trains

TOLD = Told(id="resp_7", created=1_780_000_000, model="support")
USAGE = Usage(input=10, cache_read=20, cache_write=5, output=7, reasoning=3)
REASONS: tuple[FinishReason, ...] = ("stop", "tool_calls", "length", "content_filter")

_EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_words = st.text("abcdefgh_", min_size=1, max_size=8)


@st.composite
def answers(draw: st.DrawFn, reasons: tuple[FinishReason, ...] = REASONS) -> Said:
    """Draw any whole answer; the ids of its calls differ, and each has arguments."""
    ids = draw(st.lists(_words, max_size=3, unique=True))
    counts = st.integers(0, 10**6)
    return Said(
        text=draw(_texts),
        thoughts=draw(trains(_texts)),
        tool_calls=tuple(ToolCall(one, draw(_words), draw(_texts.filter(bool))) for one in ids),
        reason=draw(st.sampled_from(reasons)),
        usage=draw(
            st.none()
            | st.builds(
                Usage, input=counts, cache_read=counts, cache_write=counts, output=counts, reasoning=counts
            )
        ),
        model="m",
    )


def finished(reason: FinishReason = "stop", usage: Usage | None = USAGE) -> Finished:
    """Return the end of an answer."""
    return Finished(reason=reason, usage=usage, model="gpt-x-2026")


def written(events: Iterable[ModelEvent], asked: Body | None = None) -> bytes:
    """Return the whole stream that is written for `events`."""
    writer = ResponsesWriter(TOLD, asked)
    return writer.begin() + b"".join(writer.write(event) for event in events)


def told_in(stream: bytes) -> list[SseEvent]:
    """Return the events of `stream`, with their names."""
    return SseParser(10_000_000).feed(stream)


def objects_in(stream: bytes) -> list[dict[str, object]]:
    """Return the data of the events of `stream`."""
    return [msgspec.json.decode(told.data, type=dict[str, object]) for told in told_in(stream)]


def as_openai_reads(stream: bytes) -> list[ResponseStreamEvent]:
    """Return the events of `stream` as OpenAI's types, each field checked."""
    return [_EVENT.validate_json(told.data) for told in told_in(stream)]


def gathered(stream: bytes) -> ParsedResponse[None] | None:
    """Return what OpenAI's own accumulator makes of `stream`; None when it did not complete."""
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=Omit(), text_format=Omit())
    response: ParsedResponse[None] | None = None
    for event in as_openai_reads(stream):
        for heard in state.handle_event(event):
            if heard.type == "response.completed":
                response = heard.response
    return response
