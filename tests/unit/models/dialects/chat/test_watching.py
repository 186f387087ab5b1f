"""What is learned of an answer that is passed on as it came."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, TextDelta, ThinkingDelta, ToolCallDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.reading import AnswerReader
from buttress.models.dialects.chat.watching import Watch
from buttress.models.dialects.types import Seen
from buttress.models.errors import BadAnswer, RateLimited, StreamCut

MODEL = Model(name="big", id="gpt-x", provider="openai")
STOP = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
USED = '{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}'
NOTHING = Seen()


def delta(**fields: object) -> str:
    return msgspec.json.encode({"choices": [{"index": 0, "delta": fields}]}).decode()


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        pytest.param(delta(role="assistant", content=""), NOTHING, id="the role"),
        pytest.param(delta(content="héllo"), Seen(has_content=True, characters=5, text="héllo"), id="text"),
        pytest.param(
            '{"choices": [{"index": 1, "delta": {"content": "ab"}}]}',
            Seen(has_content=True, characters=2),
            id="a second answer",
        ),
        pytest.param(delta(refusal="No."), Seen(has_content=True, characters=3, text="No."), id="a refusal"),
        pytest.param(delta(reasoning_content="hm"), Seen(has_content=True, characters=2), id="thinking"),
        pytest.param(delta(reasoning="hm"), Seen(has_content=True, characters=2), id="thinking, other name"),
        pytest.param(
            delta(content=[{"type": "text", "text": "ab"}]),
            Seen(has_content=True, characters=2, text="ab"),
            id="parts",
        ),
        pytest.param(delta(audio={"data": "AAAA"}), Seen(has_content=True), id="speech"),
        pytest.param(
            delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "ab", "arguments": "{}"}}]),
            Seen(has_content=True, characters=4),
            id="a tool call",
        ),
        pytest.param(
            delta(function_call={"arguments": '{"a":'}),
            Seen(has_content=True, characters=5),
            id="a function call of the old style",
        ),
        pytest.param(
            USED, Seen(is_usage_only=True, tally=Usage(input=3, output=2)), id="the chunk with the usage"
        ),
        pytest.param(
            '{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}',
            Seen(has_content=True, characters=1, text="a", tally=Usage(input=3, output=1)),
            id="one that counts as it goes, as vLLM can",
        ),
        pytest.param('{"choices": [], "prompt_filter_results": []}', NOTHING, id="Azure's first chunk"),
        pytest.param('{"choices": [{"delta": null}]}', NOTHING, id="no delta"),
        pytest.param('{"choices": [], "usage": null}', NOTHING, id="no usage"),
        pytest.param(
            '{"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 3}}',
            Seen(has_content=True, characters=1, text="a"),
            id="usage beside words goes on with them",
        ),
        pytest.param(
            '{"choices": [{"delta": {"content": "a"}}, {"index": 1, "delta": {"content": "bc"}}]}',
            Seen(has_content=True, characters=3, text="a"),
            id="two answers in one chunk",
        ),
    ],
)
def test_an_event_holds(data: str, seen: Seen) -> None:
    watch = Watch(MODEL)
    assert watch.see(data) == seen
    assert watch.began


def test_the_end_tells_reason_usage_and_model() -> None:
    watch = Watch(MODEL)
    assert watch.usage_so_far is None
    for data in ('{"model": "gpt-x-2026", "choices": []}', delta(content="a"), STOP, USED):
        watch.see(data)
    assert watch.usage_so_far == Usage(input=3, output=2)
    end = Finished(reason="stop", usage=Usage(input=3, output=2), model="gpt-x-2026")
    assert watch.see(" [DONE] ") == Seen(finished=end)


def test_a_body_that_ends_well_ends_an_answer_that_gave_its_reason() -> None:
    watch = Watch(MODEL)
    watch.see(delta(content="a"))
    assert watch.end() == NOTHING
    watch.see(STOP)
    assert watch.end().finished == Finished(reason="stop", usage=None, model="gpt-x")


def test_what_lies_is_found_out_here_too() -> None:
    with pytest.raises(StreamCut, match="neither"):
        Watch(MODEL).see("[DONE]")
    with pytest.raises(BadAnswer):
        Watch(MODEL).see('{"choices": [{"delta": {"con')
    with pytest.raises(RateLimited):
        Watch(MODEL).see('{"error": {"code": 429, "message": "slow down"}}')
    assert "without [DONE]" in Watch(MODEL).cut().message


def test_a_whole_answer_is_one_event() -> None:
    choices = [{"index": at, "message": {"content": "ab"}, "finish_reason": "length"} for at in (0, 1)]
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    body = msgspec.json.encode({"model": "m", "choices": choices, "usage": usage})
    end = Finished(reason="length", usage=Usage(input=3, output=2), model="m")
    assert Watch(MODEL).see_whole(body) == Seen(
        has_content=True, characters=4, text="ab", finished=end, tally=end.usage
    )
    with pytest.raises(BadAnswer):
        Watch(MODEL).see_whole(b'{"choices": []}')


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PIECES = st.fixed_dictionaries(
    {},
    optional={
        "content": st.none() | TEXT,
        "refusal": st.none() | TEXT,
        "reasoning_content": st.none() | TEXT,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {"id": st.just("c"), "index": st.integers(0, 2)},
                optional={"function": st.fixed_dictionaries({"name": st.just("f"), "arguments": TEXT})},
            ),
            max_size=2,
        ),
    },
)


@given(st.lists(PIECES, max_size=5))
def test_watching_and_reading_agree(pieces: list[dict[str, object]]) -> None:
    """A stream is billed the same whether it was translated or passed on."""
    watch, reader = Watch(MODEL), AnswerReader(MODEL)
    for piece in pieces:
        events = reader.read(delta(**piece))
        seen = watch.see(delta(**piece))
        said = [one for one in events if isinstance(one, TextDelta | ThinkingDelta)]
        called = [one for one in events if isinstance(one, ToolCallDelta)]
        characters = sum(len(one.text) for one in said) + sum(len(one.arguments) for one in called)
        assert seen.has_content or not events
        assert seen.characters >= characters
    reader.read(STOP)
    watch.see(STOP)
    try:
        (*_, end) = reader.read("[DONE]")
    except BadAnswer:  # calls without a name: the client is left to find out by itself
        return
    assert watch.see("[DONE]").finished == end
