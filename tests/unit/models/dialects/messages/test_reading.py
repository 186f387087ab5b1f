"""The Messages format, heard: events as ours, and one whole message."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, ModelEvent, TextDelta, ThinkingDelta, ToolCallDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.messages.reading import AnswerReader, read_whole
from buttress.models.errors import BadAnswer, ModelUnavailable, RateLimited, StreamCut
from tests.unit.models.dialects.messages.golden import (
    GOLDEN,
    STOP,
    Data,
    Golden,
    block,
    end,
    finished,
    piece,
    start,
    stop,
    text,
)

MODEL = Model(name="big", provider="anthropic", id="claude-x", max_output_tokens=100)
START = start(input_tokens=9)
END = end("end_turn")
LAST = msgspec.json.encode(STOP).decode()


def read(*events: object) -> list[ModelEvent]:
    """Return what a reader makes of `events`."""
    reader = AnswerReader(MODEL)
    return [one for event in events for one in reader.read(msgspec.json.encode(event).decode())]


@pytest.mark.parametrize("golden", [pytest.param(one, id=name) for name, one in GOLDEN.items()])
def test_a_stream(golden: Golden) -> None:
    assert read(*golden.sent) == golden.events


@pytest.mark.parametrize("golden", [pytest.param(one, id=name) for name, one in GOLDEN.items()])
def test_a_stream_that_is_cut_anywhere_has_no_good_end(golden: Golden) -> None:
    ended = golden.sent.index(next(one for one in golden.sent if one["type"] == "message_stop"))
    for cut in range(ended):
        said = read(*golden.sent[:cut])
        assert not any(isinstance(one, Finished) for one in said)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "stop"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("one they add one day", "stop"),
        (None, "stop"),
    ],
)
def test_a_stop_reason(reason: str | None, expected: str) -> None:
    (event,) = read(START, end(reason, output_tokens=3), STOP)
    assert isinstance(event, Finished)
    assert event.reason == expected


@pytest.mark.parametrize(
    ("kind", "error"),
    [("overloaded_error", ModelUnavailable), ("rate_limit_error", RateLimited), ("new", ModelUnavailable)],
)
def test_an_error_may_come_any_time(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="big failed in the middle of its answer: too much"):
        read(START, {"type": "error", "error": {"type": kind, "message": "too much"}})


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        pytest.param(["so \\ud83d", "\\ude00!"], ["so ", "\U0001f600!"], id="is made whole"),
        pytest.param(["so \\ud83d", " on"], ["so ", "\ufffd on"], id="is marked where the other never comes"),
        pytest.param(["so \\ud83d"], ["so ", "\ufffd"], id="is marked at the end"),
    ],
)
def test_half_a_character(pieces: list[str], said: list[str]) -> None:
    reader = AnswerReader(MODEL)
    delta = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}'
    events = [
        one
        for piece in [*(delta % one for one in pieces), msgspec.json.encode(END).decode(), LAST]
        for one in reader.read(piece)
    ]
    assert [one.text for one in events if isinstance(one, TextDelta)] == said


@pytest.mark.parametrize("data", ["", "[DONE]", "[]", "{}", '{"type": 3}', '{"type": "ping"', "[" * 100_000])
def test_what_is_no_event_is_refused(data: str) -> None:
    with pytest.raises(BadAnswer, match="big sent what is no event of the Messages API"):
        AnswerReader(MODEL).read(data)


def test_what_comes_after_the_end_is_not_read() -> None:
    reader = AnswerReader(MODEL)
    reader.read(msgspec.json.encode(END).decode())
    assert len(reader.read(LAST)) == 1
    assert reader.read("[DONE]") == []


def test_an_end_that_nothing_else_bears_out_is_a_cut_and_not_a_stop() -> None:
    """A gateway that lost its own upstream may close with `message_stop`."""
    with pytest.raises(StreamCut, match="neither a stop_reason nor the usage"):
        read(START, *text(0, "half"), STOP)


def test_of_two_stop_reasons_the_first_and_of_two_counts_the_last_one_counts() -> None:
    told = read(START, end("max_tokens", output_tokens=3), end("end_turn", output_tokens=5), STOP)
    assert told == [finished("length", Usage(input=9, output=5))]


def test_explicit_zeros_are_no_missing_usage() -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0}
    assert read(start(**zeros), end("end_turn", output_tokens=0), STOP) == [finished(usage=Usage())]


def test_what_was_counted_so_far_is_known_as_it_is_told() -> None:
    reader = AnswerReader(MODEL)
    counted = []
    for event in (START, *text(0, "Hi"), end(None, output_tokens=7), end("end_turn")):
        reader.read(msgspec.json.encode(event).decode())
        counted.append(reader.usage_so_far)
    assert counted[0] == Usage(input=9)
    assert all(one is counted[0] for one in counted[1:-2]), "another object only when it counts anew"
    assert counted[-2:] == [Usage(input=9, output=7)] * 2


def test_the_proof_of_a_thought_is_told_in_one_piece_and_each_thought_has_its_own() -> None:
    """Two thoughts of which only the proofs are told must not become one."""
    blocks = [
        [block(at, type="thinking", thinking="", signature=""), *pieces, stop(at)]
        for at, pieces in enumerate(
            (
                [piece(0, type="signature_delta", signature=one) for one in ("a", "b")],
                [piece(1, type="signature_delta", signature="c")],
            )
        )
    ]
    told = read(START, *blocks[0], *blocks[1], END, STOP)
    assert told[:-1] == [ThinkingDelta(signature="ab"), ThinkingDelta(signature="c")]


def test_a_cut_says_how_far_it_came() -> None:
    reader = AnswerReader(MODEL)
    assert not reader.began
    assert "before its stop_reason" in reader.cut().message
    reader.read(msgspec.json.encode(end("end_turn")).decode())
    assert reader.began
    assert "after its stop_reason" in reader.cut().message


def message(*content: object, **fields: object) -> bytes:
    """Return a whole message."""
    usage = {"input_tokens": 9, "output_tokens": 20}
    said = {"type": "message", "model": "claude-x-1", "content": content, "usage": usage}
    return msgspec.json.encode({**said, "stop_reason": "end_turn", **fields})


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(message({"type": "text", "text": "Hi"}), [TextDelta("Hi"), finished()], id="text"),
        pytest.param(
            message(
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": ""},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.0}},
                {"type": "server_tool_use", "id": "b", "name": "web_search", "input": {}},
                {"type": "tool_use", "id": "c", "name": "g", "input": {}},
                stop_reason="tool_use",
            ),
            [
                ThinkingDelta("hm", "s"),
                ToolCallDelta(index=0, id="a", name="f", arguments='{"x":1.0}'),
                ToolCallDelta(index=1, id="c", name="g", arguments="{}"),
                finished("tool_calls"),
            ],
            id="thinking and calls, and not what their servers did",
        ),
        pytest.param(message(usage=None), [finished(usage=None)], id="nothing, and no usage"),
        pytest.param(
            message(model=None, usage={"input_tokens": 1, "output_tokens": 0}),
            [Finished(reason="stop", usage=Usage(input=1), model="claude-x")],
            id="no model: the one that was asked",
        ),
    ],
)
def test_a_whole_answer(body: bytes, events: list[ModelEvent]) -> None:
    assert read_whole(MODEL, body) == events


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", b"{}", b'{"content": 3}', b'{"content": ["x"]}', b"[" * 100_000, b'{"a":"\xff"}'],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="big sent"):
        read_whole(MODEL, body)


def test_an_error_that_comes_with_status_200_is_one() -> None:  # Portkey-AI/gateway#267
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'
    with pytest.raises(ModelUnavailable, match="busy"):
        read_whole(MODEL, body)


EVENTS = st.sampled_from(
    [one for golden in GOLDEN.values() for one in golden.sent if one["type"] != STOP["type"]]
)


@given(st.lists(EVENTS, max_size=20))
def test_events_in_any_order_are_told_once_and_end_once(events: list[Data]) -> None:
    told = read(*events, END, STOP, STOP)
    assert [isinstance(one, Finished) for one in told] == [False] * (len(told) - 1) + [True]
    assert all(one.text for one in told if isinstance(one, TextDelta))
    calls = [one for one in told if isinstance(one, ToolCallDelta)]
    assert [one.index for one in calls if one.name] == list(range(sum(1 for one in calls if one.name)))
