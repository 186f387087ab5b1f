"""The format of OpenAI's chat completions."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, FinishReason, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.reading import AnswerReader, request_body
from buttress.models.errors import BadAnswer, ModelUnavailable, WindowExceeded

MODEL = Model(name="big", id="gpt-x", provider="openai", max_output_tokens=100)
NAMED = '{"model": "gpt-x-2026", "choices": []}'


def read(*chunks: str) -> list[ModelEvent]:
    reader = AnswerReader(MODEL)
    return [event for chunk in chunks for event in reader.read(chunk)]


def finished(reason: FinishReason = "stop", usage: Usage | None = None, model: str = "gpt-x") -> Finished:
    return Finished(reason=reason, usage=usage, model=model)


def choice(**fields: object) -> str:
    return msgspec.json.encode({"choices": [{"index": 0, **fields}]}).decode()


@pytest.mark.parametrize(
    ("chunks", "events"),
    [
        pytest.param([choice(delta={"content": "a"})], [TextDelta("a")], id="a piece of text"),
        pytest.param([choice(delta={"role": "assistant", "content": ""})], [], id="the role says nothing"),
        pytest.param([choice(delta={"content": None})], [], id="no text"),
        pytest.param([choice(delta=None)], [], id="no delta"),
        pytest.param(['{"choices": null}'], [], id="no choices"),
        pytest.param(["{}"], [], id="nothing at all"),
        pytest.param(
            ['{"obfuscation": "xyz", "choices": [{"delta": {"content": "a", "p": [{}]}}]}'],
            [TextDelta("a")],
            id="unknown fields are ignored",
        ),
        pytest.param([choice(index=1, delta={"content": "b"})], [], id="a second answer is not asked for"),
        pytest.param(["[DONE]"], [finished()], id="done without a reason is stop"),
        pytest.param(
            [choice(delta={}, finish_reason="length"), "[DONE]"], [finished("length")], id="out of tokens"
        ),
        pytest.param(
            [choice(delta={}, finish_reason="function_call"), "[DONE]"],
            [finished("tool_calls")],
            id="the old name of tool calls",
        ),
        pytest.param([choice(finish_reason="eos"), "[DONE]"], [finished("stop")], id="an unknown reason"),
        pytest.param(
            [choice(delta={"refusal": "I cannot."}), choice(finish_reason="stop"), "[DONE]"],
            [TextDelta("I cannot."), finished("content_filter")],
            id="a refusal is text, and told apart",
        ),
        pytest.param([NAMED, "[DONE]"], [finished(model="gpt-x-2026")], id="the model that really answered"),
        pytest.param([" [DONE] "], [finished()], id="blanks around done"),
    ],
)
def test_chunks_are_read(chunks: list[str], events: list[ModelEvent]) -> None:
    assert read(*chunks) == events


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        pytest.param({"prompt_tokens": 9, "completion_tokens": 4}, Usage(input=9, output=4), id="plain"),
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input=30, cache_read=60, cache_write=10, output=30, reasoning=20),
            id="the parts come off their sums",
        ),
        pytest.param(
            {
                "prompt_tokens": 5,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 9},
                "completion_tokens_details": None,
            },
            Usage(cache_read=5, output=1),
            id="a part larger than its sum",
        ),
        pytest.param({"prompt_tokens": 5}, None, id="half of it is unknown"),
        pytest.param({}, None, id="an empty object is unknown"),
        pytest.param(None, None, id="null is unknown"),
    ],
)
def test_usage_is_put_into_disjoint_classes(told: dict[str, object] | None, usage: Usage | None) -> None:
    chunk = msgspec.json.encode({"choices": [], "usage": told}).decode()
    assert read(chunk, "[DONE]") == [finished(usage=usage)]


def test_of_usages_that_grow_the_last_one_counts() -> None:
    chunks = [f'{{"usage": {{"prompt_tokens": 1, "completion_tokens": {n}}}}}' for n in (1, 2, 3)]
    assert read(*chunks, "[DONE]") == [finished(usage=Usage(input=1, output=3))]


COUNT = st.none() | st.integers(-5, 10**9)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**9), COUNT, COUNT, COUNT)
def test_the_classes_add_up_to_what_was_told(
    prompt: int, completion: int, cached: int | None, written: int | None, reasoning: int | None
) -> None:
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    (event,) = read(msgspec.json.encode({"usage": told}).decode(), "[DONE]")
    assert isinstance(event, Finished)
    assert event.usage is not None
    assert event.usage.total == prompt + completion
    assert min(event.usage.input, event.usage.output, event.usage.reasoning, event.usage.cache_read) >= 0


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param('{"choices": [{"delta": {"content": "ha', id="half of it"),
        pytest.param("<html>502</html>", id="a page"),
        pytest.param("[]", id="a list"),
        pytest.param('{"choices": [{"delta": {"content": ["a"]}}]}', id="content that is no text"),
        pytest.param('{"usage": {"prompt_tokens": "many"}}', id="a count that is no number"),
        pytest.param('{"x":' + "[" * 100_000, id="nested beyond all measure"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_chunk_is_a_bad_answer(chunk: str) -> None:
    with pytest.raises(BadAnswer, match="big sent what is not") as raised:
        read(chunk)
    assert len(raised.value.message) < 400


def test_an_error_object_in_the_stream_is_raised() -> None:
    with pytest.raises(ModelUnavailable, match="big failed in the middle of its answer: overloaded"):
        read('{"error": {"message": "overloaded", "type": "server_error", "code": null, "param": null}}')
    with pytest.raises(WindowExceeded):
        read('{"error": {"message": "too long", "code": "context_length_exceeded"}}')


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_text_passes_unchanged(texts: list[str]) -> None:
    events = read(*(choice(delta={"content": text}) for text in texts))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "".join(texts)


def test_the_request_is_bounded_by_the_model() -> None:
    request = ModelRequest(messages=(Message("user", "a \ud800 b"),), max_tokens=5_000, temperature=0.5)
    body = msgspec.json.decode(request_body(MODEL, request))
    assert body["max_tokens"] == 100
    assert body["temperature"] == 0.5
    assert body["messages"] == [{"role": "user", "content": "a ? b"}]
    assert body["stream_options"] == {"include_usage": True}
