"""The Messages format: a request as JSON, events as ours."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, Message, ModelEvent, ModelRequest, Role, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.messages.reading import AnswerReader, request_body
from buttress.models.errors import BadAnswer, ModelUnavailable, RateLimited

MODEL = Model(name="big", provider="anthropic", id="claude-x", max_output_tokens=100)
START = {"type": "message_start", "message": {"model": "claude-x-1", "usage": {"input_tokens": 9}}}
STOP = {"type": "message_stop"}
ROLES: list[Role] = ["system", "user", "assistant"]


def body(*said: tuple[Role, str], max_tokens: int = 50) -> dict[str, object]:
    """Return what is sent for these messages."""
    messages = tuple(Message(role, text) for role, text in said)
    sent = request_body(MODEL, ModelRequest(messages=messages, max_tokens=max_tokens))
    return msgspec.json.decode(sent, type=dict[str, object])


def read(*events: object) -> list[ModelEvent]:
    """Return what a reader makes of `events`."""
    reader = AnswerReader(MODEL)
    return [one for event in events for one in reader.read(msgspec.json.encode(event).decode())]


def delta(reason: str | None, **usage: object) -> dict[str, object]:
    """Return a `message_delta`."""
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


@pytest.mark.parametrize(
    ("said", "system", "turns"),
    [
        pytest.param([("user", "a")], None, [("user", "a")], id="one turn"),
        pytest.param(
            [("system", "s"), ("user", "a"), ("system", "t")],
            "s\n\nt",
            [("user", "a")],
            id="what the system says stands apart, joined",
        ),
        pytest.param(
            [("user", "a"), ("user", "b"), ("assistant", "c"), ("user", "d")],
            None,
            [("user", "a\n\nb"), ("assistant", "c"), ("user", "d")],
            id="turns of one side become one",
        ),
        pytest.param(
            [("user", "a"), ("assistant", " "), ("user", "b")], None, [("user", "a\n\nb")], id="blank"
        ),
        pytest.param([("system", "s")], None, [("user", "s")], id="the system alone is asked as the user"),
        pytest.param([("user", "half \ud83d.")], None, [("user", "half ?.")], id="half a character"),
    ],
)
def test_a_request(said: list[tuple[Role, str]], system: str | None, turns: list[tuple[Role, str]]) -> None:
    sent = body(*said)
    assert sent.get("system") == system
    assert sent["messages"] == [{"role": role, "content": text} for role, text in turns]


def test_a_request_is_bounded_by_the_model_and_has_no_temperature() -> None:
    sent = body(("user", "a"), max_tokens=5_000)
    assert (sent["max_tokens"], sent["stream"], "temperature" in sent) == (100, True, False)


@given(st.lists(st.tuples(st.sampled_from(ROLES), st.text(min_size=1).filter(str.strip)), min_size=1))
def test_turns_take_turns_and_nothing_said_is_lost(said: list[tuple[Role, str]]) -> None:
    sent = body(*said)
    turns = msgspec.convert(sent["messages"], list[dict[str, str]])
    assert all(one["role"] != other["role"] for one, other in pairwise(turns))
    everything = str(sent.get("system", "")) + "\n\n".join(turn["content"] for turn in turns)
    assert all(text in everything for _, text in said)


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
    (finished,) = read(START, delta(reason), STOP)
    assert isinstance(finished, Finished)
    assert finished.reason == expected


def test_counts_are_sums_so_far_and_the_last_one_counts() -> None:
    first = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 7,
        "output_tokens": 1,
    }
    events = read(
        {"type": "message_start", "message": {"model": "claude-x-1", "usage": first}},
        delta(None, output_tokens=20),
        delta("end_turn", output_tokens=30, output_tokens_details={"thinking_tokens": 12}),
        STOP,
    )
    usage = Usage(input=10, cache_read=100, cache_write=7, output=18, reasoning=12)
    assert events == [Finished(reason="stop", usage=usage, model="claude-x-1")]


def test_a_count_that_never_came_is_unknown() -> None:
    assert read(START, STOP) == [Finished(reason="stop", usage=None, model="claude-x-1")]


def test_text_is_told_and_everything_else_is_not() -> None:
    def of_block(**said: str) -> dict[str, object]:
        return {"type": "content_block_delta", "index": 0, "delta": said}

    events = read(
        {"type": "ping"},
        {"type": "content_block_start", "content_block": {"type": "thinking", "thinking": "", "text": "x"}},
        of_block(type="thinking_delta", thinking="hm"),
        of_block(type="signature_delta", signature="s"),
        {"type": "content_block_start", "content_block": {"type": "text", "text": "a"}},
        of_block(type="text_delta", text=""),
        of_block(type="text_delta", text="b"),
        of_block(type="input_json_delta", partial_json="{"),
        of_block(type="a_delta_they_add", text="no"),
        {"type": "content_block_stop", "index": 0},
        {"type": "an_event_they_add", "delta": {"type": "text_delta"}},
    )
    assert events == [TextDelta("a"), TextDelta("b")]


@pytest.mark.parametrize(
    ("kind", "error"),
    [("overloaded_error", ModelUnavailable), ("rate_limit_error", RateLimited), ("new", ModelUnavailable)],
)
def test_an_error_may_come_any_time(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="big failed in the middle of its answer: too much"):
        read(START, {"type": "error", "error": {"type": kind, "message": "too much"}})


@pytest.mark.parametrize("data", ["", "[DONE]", "[]", "{}", '{"type": 3}', '{"type": "ping"', "[" * 100_000])
def test_what_is_no_event_is_refused(data: str) -> None:
    with pytest.raises(BadAnswer, match="big sent what is no event of the Messages API"):
        AnswerReader(MODEL).read(data)


def test_a_cut_says_how_far_it_came() -> None:
    reader = AnswerReader(MODEL)
    assert not reader.began
    assert "before its stop_reason" in reader.cut().message
    reader.read(msgspec.json.encode(delta("end_turn")).decode())
    assert reader.began
    assert "after its stop_reason" in reader.cut().message
