"""What is counted of events that go on as they came: the same as a reader says."""

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished
from buttress.kernel.usage import Usage
from buttress.models.dialects.messages.watching import Watch
from buttress.models.errors import BadAnswer, ModelUnavailable, StreamCut
from tests.unit.models.dialects.messages.golden import (
    GOLDEN,
    STOP,
    USAGE,
    Data,
    Golden,
    block,
    end,
    piece,
    start,
    text,
)

MODEL = Model(name="big", provider="anthropic", id="claude-x")


def data(event: Data) -> str:
    """Return the data of an event."""
    return msgspec.json.encode(event).decode()


@pytest.mark.parametrize("golden", [pytest.param(one, id=name) for name, one in GOLDEN.items()])
def test_a_stream_is_counted(golden: Golden) -> None:
    watch = Watch(MODEL)
    seen = [watch.see(data(one)) for one in golden.sent]
    ends = [one.finished for one in seen if one.finished]
    said = [one for one in golden.events if not isinstance(one, Finished)]
    assert ends == [golden.events[-1]]
    assert sum(one.characters for one in seen) == golden.characters
    assert any(one.has_content for one in seen) or not said


@pytest.mark.parametrize(
    ("event", "has_content"),
    [
        pytest.param(start(**USAGE), False, id="a beginning"),
        pytest.param(block(0, type="text", text=""), False, id="a block of text that is still empty"),
        pytest.param(block(0, type="tool_use", id="a", name="f", input={}), True, id="a call"),
        pytest.param(block(0, type="redacted_thinking", data="x"), True, id="a block of another kind"),
        pytest.param(piece(0, type="text_delta", text="x"), True, id="text"),
        pytest.param(piece(0, type="text_delta", text=""), False, id="no text"),
        pytest.param(piece(0, type="thinking_delta", thinking="x"), True, id="thinking"),
        pytest.param(piece(0, type="signature_delta", signature="x"), False, id="a signature"),
        pytest.param({"type": "ping"}, False, id="a ping"),
    ],
)
def test_what_counts_as_a_first_word(event: Data, *, has_content: bool) -> None:
    assert Watch(MODEL).see(data(event)).has_content is has_content


def test_a_cut_stream_is_paid_for_by_what_it_said_it_used_so_far() -> None:  # litellm#14457
    watch = Watch(MODEL)
    assert watch.usage_so_far is None
    watch.see(data(start(**USAGE)))
    assert watch.usage_so_far == Usage(input=9, output=1)
    assert "before its stop_reason" in watch.cut().message


def test_an_event_that_tells_counts_says_so() -> None:
    watch = Watch(MODEL)
    told = [
        watch.see(data(one)).tally for one in (start(**USAGE), *text(0, "Hi"), end(None, output_tokens=7))
    ]
    assert told == [Usage(input=9, output=1), None, None, None, Usage(input=9, output=7)]


def test_an_end_that_nothing_else_bears_out_is_a_cut_and_not_a_stop() -> None:
    watch = Watch(MODEL)
    for one in (start(**USAGE), *text(0, "half")):
        watch.see(data(one))
    with pytest.raises(StreamCut, match="neither a stop_reason nor the usage"):
        watch.see(data(STOP))


def test_a_whole_answer_is_counted() -> None:
    content = [
        {"type": "text", "text": "Hi."},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ]
    said = {"content": content, "stop_reason": "tool_use", "usage": USAGE, "model": "m"}
    seen = Watch(MODEL).see_whole(msgspec.json.encode(said))
    end = Finished(reason="tool_calls", usage=Usage(input=9, output=1), model="m")
    assert (seen.has_content, seen.characters, seen.finished) == (True, 10, end)


def test_an_error_in_the_middle_is_raised() -> None:
    with pytest.raises(ModelUnavailable, match="busy"):
        Watch(MODEL).see('{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(BadAnswer, match="big sent what is no event"):
        Watch(MODEL).see("[DONE]")
