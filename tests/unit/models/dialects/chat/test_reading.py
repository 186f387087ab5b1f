"""The format of OpenAI's chat completions."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Finished,
    FinishReason,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.reading import AnswerReader, read_whole
from buttress.models.dialects.chat.watching import Watch
from buttress.models.dialects.folding import fold
from buttress.models.dialects.types import Said
from buttress.models.errors import BadAnswer, ModelUnavailable, RateLimited, StreamCut, WindowExceeded
from tests.unit.models.dialects.chat.golden import STREAMS, events_in

MODEL = Model(name="big", id="gpt-x", provider="openai", max_output_tokens=100)
STOP = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
USED = {"prompt_tokens": 1, "completion_tokens": 1}
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
        pytest.param([STOP, "[DONE]"], [finished()], id="the end"),
        pytest.param(
            [choice(delta={"reasoning_content": "h"}), choice(delta={"reasoning": "m"})],
            [ThinkingDelta("h"), ThinkingDelta("m")],
            id="thinking has two names",
        ),
        pytest.param(
            [choice(delta={"reasoning_content": "h", "reasoning": "h", "content": "a"})],
            [ThinkingDelta("h"), TextDelta("a")],
            id="thinking said under both names is told once, and before the text",
        ),
        pytest.param([choice(delta={"reasoning": {"x": 1}})], [], id="thinking that is no text"),
        pytest.param(
            [choice(delta={"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]})],
            [ThinkingDelta("h")],
            id="thinking among the parts of the content",
        ),
        pytest.param(
            [choice(delta={"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})],
            [TextDelta("ab")],
            id="content in parts",
        ),
        pytest.param([choice(message={"content": "a"})], [TextDelta("a")], id="a message in a delta's place"),
        pytest.param(
            [choice(finish_reason="length"), choice(finish_reason="stop"), "[DONE]"],
            [finished("length")],
            id="of two reasons the first one counts",
        ),
        pytest.param(
            [choice(delta={"content": "a"}), '{"usage": {"prompt_tokens": 1}}', STOP, "[DONE]"],
            [TextDelta("a"), finished()],
            id="half a usage is none",
        ),
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
        pytest.param(
            [NAMED, STOP, "[DONE]"], [finished(model="gpt-x-2026")], id="the model that really answered"
        ),
        pytest.param([STOP, " [DONE] "], [finished()], id="blanks around done"),
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
    assert read(STOP, chunk, "[DONE]") == [finished(usage=usage)]


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


def test_half_a_usage_does_not_undo_a_whole_one() -> None:
    """Prevents a stream that was counted from being billed as unknown."""
    whole, half = {"prompt_tokens": 3, "completion_tokens": 2}, {"prompt_tokens": 3}
    chunks = [msgspec.json.encode({"usage": one}).decode() for one in (whole, half)]
    assert read(STOP, *chunks, "[DONE]") == [finished(usage=Usage(input=3, output=2))]


def test_an_explicit_zero_is_not_unknown() -> None:
    """Prevents litellm#37992: a usage of 0 that is replaced by an estimate."""
    told = '{"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}'
    assert read(STOP, told, "[DONE]") == [finished(usage=Usage())]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([], id="nothing was said"),
        pytest.param([choice(delta={"content": "hal"})], id="something was said"),
        pytest.param(
            [msgspec.json.encode({"choices": [], "usage": USED}).decode(), choice(delta={"content": "hal"})],
            id="usage came before the last words",
        ),
    ],
)
def test_done_alone_is_no_end(chunks: list[str]) -> None:
    """Prevents Portkey-AI/gateway#1797: half an answer that a gateway closed as if it were whole."""
    with pytest.raises(StreamCut, match="neither a finish_reason nor the usage"):
        read(*chunks, "[DONE]")


def test_usage_after_the_last_words_stands_for_a_missing_reason() -> None:
    told = msgspec.json.encode({"choices": [], "usage": USED}).decode()
    assert read(choice(delta={"content": "a"}), told, "[DONE]")[-1] == finished(
        usage=Usage(input=1, output=1)
    )


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_a_reason_that_says_the_upstream_failed_is_an_error(reason: str) -> None:
    with pytest.raises(ModelUnavailable, match=reason):
        read(choice(delta={"content": "hal"}), choice(delta={}, finish_reason=reason))


def test_an_error_that_is_known_by_its_kind_alone_is_raised() -> None:
    with pytest.raises(RateLimited, match="slow down"):
        read('{"object": "error", "message": "slow down", "type": "rate_limit_error", "code": 429}')


def call(index: int | None = None, call_id: str | None = None, **function: object) -> dict[str, object]:
    given = {"index": index, "id": call_id, "function": function}
    return {name: value for name, value in given.items() if value is not None}


def test_calls_come_out_in_pieces_and_change_the_reason() -> None:
    events = read(
        choice(delta={"tool_calls": [call(0, "c1", name="f", arguments="")]}),
        choice(delta={"tool_calls": [call(0, arguments='{"a":')]}),
        choice(delta={"tool_calls": [call(0, arguments="1}")]}),
        STOP,
        "[DONE]",
    )
    assert events == [
        ToolCallDelta(index=0, id="c1", name="f"),
        ToolCallDelta(index=0, arguments='{"a":'),
        ToolCallDelta(index=0, arguments="1}"),
        finished("tool_calls"),
    ]


def test_the_old_function_call_is_a_call_with_an_id() -> None:
    named = '{"id": "chatcmpl-7.1", "choices": []}'
    first, more = {"name": "f", "arguments": ""}, {"arguments": "{}"}
    chunks = [choice(delta={"function_call": one}) for one in (first, more)]
    said = fold(read(named, *chunks, choice(finish_reason="function_call"), "[DONE]"))
    assert said.tool_calls == (ToolCall("call_chatcmpl-71_0", "f", "{}"),)


def test_a_call_that_was_never_named_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="never said of which tool"):
        read(choice(delta={"tool_calls": [call(0, "c1", arguments="{}")]}), STOP, "[DONE]")


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        pytest.param(["a\\ud83d", "\\ude00b"], ["a", "\U0001f600b"], id="cut in two"),
        pytest.param(["\\ud83d", "x"], ["\ufffdx"], id="the other half never comes"),
        pytest.param(["x\\ud83d"], ["x", "\ufffd"], id="the end comes first"),
        pytest.param(["\\ude00x"], ["\ufffdx"], id="a second half alone"),
    ],
)
def test_signs_cut_in_two_are_made_whole(pieces: list[str], texts: list[str]) -> None:
    chunks = ['{"choices": [{"delta": {"content": "' + one + '"}}]}' for one in pieces]
    assert [one.text for one in read(*chunks, STOP, "[DONE]") if isinstance(one, TextDelta)] == texts


def test_a_whole_answer_is_read() -> None:
    message = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "h",
        "tool_calls": [
            call(None, "c1", name="f", arguments="{}"),
            call(None, "c2", name="g", arguments={"b": 2}),
        ],
    }
    answered = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    told = {"id": "x", "model": "gpt-x-2026", "choices": [answered], "usage": USED}
    assert read_whole(MODEL, msgspec.json.encode(told)) == [
        ThinkingDelta("h"),
        TextDelta("a"),
        ToolCallDelta(index=0, id="c1", name="f", arguments="{}"),
        ToolCallDelta(index=1, id="c2", name="g", arguments='{"b":2}'),
        finished("tool_calls", Usage(input=1, output=1), "gpt-x-2026"),
    ]


def test_whole_json_is_a_whole_answer_without_a_reason() -> None:
    told = b'{"choices": [{"message": {"content": "a"}}]}'
    assert read_whole(MODEL, told) == [TextDelta("a"), finished()]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices": []}', b"<html>", b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_completion_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_whole(MODEL, body)


def test_an_error_in_a_whole_answer_is_raised() -> None:
    with pytest.raises(ModelUnavailable, match="overloaded"):
        read_whole(MODEL, b'{"error": {"message": "overloaded", "type": "server_error"}}')


def test_a_body_that_ends_well_ends_an_answer_that_gave_its_reason() -> None:
    """Servers that never send [DONE] (MLflow's gateway is one) would else be cut each time."""
    reader = AnswerReader(MODEL)
    reader.read(choice(delta={"content": "a"}))
    assert reader.end() == []
    reader.read(STOP)
    assert reader.end() == [finished()]


def test_a_stream_says_where_it_was_cut() -> None:
    reader = AnswerReader(MODEL)
    assert not reader.began
    reader.read(choice(delta={"content": "a"}))
    assert reader.began
    assert "before its finish_reason" in reader.cut().message
    reader.read(STOP)
    assert "after its finish_reason" in reader.cut().message


@pytest.mark.parametrize(("name", "answer"), STREAMS)
def test_streams_of_providers_are_read(name: str, answer: Said) -> None:
    """Prevents mlflow#25707 and otari#256: a stream that is metered 0, as its provider counts elsewhere."""
    assert fold(read(*events_in(name))) == answer


@pytest.mark.parametrize(("name", "answer"), STREAMS)
def test_streams_of_providers_are_counted_the_same_when_passed_on(name: str, answer: Said) -> None:
    watch = Watch(MODEL)
    seen = [watch.see(data) for data in events_in(name)]
    assert seen[-1].finished == Finished(reason=answer.reason, usage=answer.usage, model=answer.model)
    calls = sum(len(one.name) + len(one.arguments) for one in answer.tool_calls)
    assert sum(one.characters for one in seen) == len(answer.text) + len(answer.thinking) + calls


@pytest.mark.parametrize(("name", "answer"), STREAMS)
def test_a_stream_cut_anywhere_is_never_whole(name: str, answer: Said) -> None:
    """Prevents Portkey-AI/gateway#1797: a prefix of an answer, stored as if it were the answer."""
    *told, _ = events_in(name)
    for end in range(len(told) + 1):
        events = read(*told[:end])
        assert not any(isinstance(event, Finished) for event in events)
        heard = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert answer.text.startswith(heard)


def test_openrouter_tells_of_a_failure_within_the_stream() -> None:
    with pytest.raises(ModelUnavailable, match="Provider disconnected"):
        read(*events_in("openrouter_failed"))
