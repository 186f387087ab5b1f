"""What Gemini answers, as events."""

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
    ToolCallDelta,
)
from buttress.kernel.usage import Usage
from buttress.models.dialects.gemini.reading import AnswerReader, read_whole
from buttress.models.dialects.signatures import mark
from buttress.models.errors import BadAnswer, ModelUnavailable, RateLimited, StreamCut

MODEL = Model(name="big", id="gemini-3-flash", provider="gemini")
Json = dict[str, object]


def piece(*parts: Json, reason: str | None = None, **more: object) -> Json:
    """Return a piece of a stream with one candidate."""
    candidate: Json = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": reason} if reason else {})], **more}


def text(said: str, **more: object) -> Json:
    """Return a part of text."""
    return {"text": said, **more}


def call(name: str | None, signature: str = "", **more: object) -> Json:
    """Return a part with a call."""
    return {"functionCall": {"name": name, **more}} | ({"thoughtSignature": signature} if signature else {})


def counts(prompt: int, output: int, **more: int) -> Json:
    """Return a `usageMetadata`."""
    return {"promptTokenCount": prompt, "candidatesTokenCount": output, **more}


def read(*pieces: object) -> list[ModelEvent]:
    """Return what a reader makes of a stream of `pieces` and its end."""
    reader = AnswerReader(MODEL)
    events = [one for told in pieces for one in reader.read(msgspec.json.encode(told).decode())]
    return events + reader.end()


def finished(
    reason: FinishReason = "stop", usage: Usage | None = None, model: str = "gemini-3-flash"
) -> Finished:
    """Return the end of an answer."""
    return Finished(reason=reason, usage=usage, model=model)


PLAIN = [
    piece(text("Hel"), modelVersion="g-3-001", responseId="r1", usageMetadata={"promptTokenCount": 4}),
    piece(text("lo.")),
    piece(text(""), reason="STOP", usageMetadata=counts(4, 2, totalTokenCount=6)),
]
THINKING = [
    piece(text("Let me see.", thought=True), responseId="r2"),
    piece(text("42", thoughtSignature="not of a call")),
    piece(reason="STOP", usageMetadata=counts(4, 1, thoughtsTokenCount=9, cachedContentTokenCount=3)),
]
PARALLEL = [
    piece(text("hm", thought=True), responseId="r3"),
    piece(call("weather", "c2ln", args={"city": "Rome"}), call("weather", args={"city": "Oslo"})),
    piece(call("time", id="given"), reason="STOP"),
]
BLOCKED = [
    {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4},
    }
]
COUNTS_LAST = [
    piece(text("a"), reason="STOP", usageMetadata=counts(4, 1)),
    {"usageMetadata": counts(4, 2), "modelVersion": "g"},
]


@pytest.mark.parametrize(
    ("pieces", "events"),
    [
        pytest.param(
            PLAIN,
            [TextDelta("Hel"), TextDelta("lo."), finished(usage=Usage(input=4, output=2), model="g-3-001")],
            id="text",
        ),
        pytest.param(
            THINKING,
            [
                ThinkingDelta("Let me see."),
                TextDelta("42"),
                finished(usage=Usage(input=1, cache_read=3, output=1, reasoning=9)),
            ],
            id="thinking, then text",
        ),
        pytest.param(
            PARALLEL,
            [
                ThinkingDelta("hm"),
                ThinkingDelta(signature=mark("c2ln")),
                ToolCallDelta(index=0, id="call_r3_0", name="weather", arguments='{"city":"Rome"}'),
                ToolCallDelta(index=1, id="call_r3_1", name="weather", arguments='{"city":"Oslo"}'),
                ToolCallDelta(index=2, id="given", name="time", arguments="{}"),
                finished("tool_calls"),
            ],
            id="parallel calls are not merged, and each has an id of its own",
        ),
        pytest.param(
            BLOCKED, [finished("content_filter", Usage(input=4))], id="a question that was blocked has ended"
        ),
        pytest.param(
            COUNTS_LAST,
            [TextDelta("a"), finished(usage=Usage(input=4, output=2), model="g")],
            id="counts after the reason, and the last ones count",
        ),
        pytest.param([piece(reason="STOP")], [finished()], id="missing usage is unknown, not zero"),
        pytest.param([{"candidates": [{"finishReason": "STOP"}]}], [finished()], id="no content"),
        pytest.param(
            [{"candidates": [{"content": None}], "usageMetadata": None}, piece(reason="STOP")],
            [finished()],
            id="nulls",
        ),
        pytest.param(
            [piece(text("a"), new={"x": 1}), {"new": 1}, piece({"executableCode": {}}, reason="STOP")],
            [TextDelta("a"), finished()],
            id="what we do not know is ignored",
        ),
        pytest.param(
            [{"candidates": [{"index": 1, "content": {"parts": [text("b")]}}]}, piece(reason="STOP")],
            [finished()],
            id="a second answer is not asked for",
        ),
    ],
)
def test_golden_streams(pieces: list[Json], events: list[ModelEvent]) -> None:
    assert read(*pieces) == events


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("OTHER", "stop"),
        ("ONE_THEY_ADD", "stop"),
    ],
)
def test_why_an_answer_ended(reason: str, expected: FinishReason) -> None:
    assert read(piece(text("a"), reason=reason)) == [TextDelta("a"), finished(expected)]
    assert read(piece(call("f", id="x"), reason=reason))[-1] == finished(
        "tool_calls" if expected == "stop" else expected
    )


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])
def test_a_call_that_the_model_could_not_make_is_not_an_empty_answer(reason: str) -> None:
    with pytest.raises(BadAnswer, match=f"big gave up its answer: {reason}"):
        read(piece(reason=reason))


@pytest.mark.parametrize("pieces", [[], PLAIN[:1], PLAIN[:2], THINKING[:2], PARALLEL[:2]])
def test_a_body_that_ends_before_the_reason_is_a_cut_and_not_an_end(pieces: list[Json]) -> None:
    assert not any(isinstance(event, Finished) for event in read(*pieces))


def test_a_cut_says_how_far_it_came() -> None:
    reader = AnswerReader(MODEL)
    assert not reader.began
    assert "before its finishReason" in reader.cut().message
    reader.read(msgspec.json.encode(PLAIN[-1]).decode())
    assert reader.began
    assert "after its finishReason" in reader.cut().message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param({"code": 503, "status": "UNAVAILABLE"}, ModelUnavailable, id="overloaded"),
        pytest.param({"code": 429, "status": "RESOURCE_EXHAUSTED"}, RateLimited, id="a limit"),
        pytest.param({"status": "INTERNAL"}, ModelUnavailable, id="without a number"),
    ],
)
def test_an_error_may_come_in_the_middle(error: Json, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="big failed in the middle of its answer: too much"):
        read(*PLAIN[:1], {"error": error | {"message": "too much"}})


@pytest.mark.parametrize(
    "data",
    [
        *("", "[DONE]", "[]", '{"candidates": 3}', '{"candidates": [', "[" * 100_000),
        '{"candidates": [{"content": {"parts": [{"text": 3}]}}]}',
        '{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}',
    ],
)
def test_what_is_no_piece_is_refused(data: str) -> None:
    with pytest.raises(BadAnswer) as raised:
        AnswerReader(MODEL).read(data)
    assert len(raised.value.message) < 400


def test_a_whole_answer_says_all_at_once() -> None:
    told = piece(text("Hello."), reason="STOP", usageMetadata=counts(4, 2), modelVersion="g")
    assert read_whole(MODEL, msgspec.json.encode(told)) == [
        TextDelta("Hello."),
        finished(usage=Usage(input=4, output=2), model="g"),
    ]


@pytest.mark.parametrize("body", [b"{}", b'{"candidates": []}'])
def test_a_whole_answer_without_an_end_is_none(body: bytes) -> None:
    with pytest.raises(StreamCut):
        read_whole(MODEL, body)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=6), st.integers(0, 6))
def test_any_text_passes_unchanged_and_a_cut_at_any_point_is_no_end(texts: list[str], at: int) -> None:
    pieces = [*(piece(text(one)) for one in texts), piece(reason="STOP")]
    events = read(*pieces)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "".join(texts)
    assert all(event.text for event in events if isinstance(event, TextDelta))
    assert isinstance(events[-1], Finished)
    cut = read(*pieces[: min(at, len(texts))])
    assert not any(isinstance(event, Finished) for event in cut)


def test_what_was_counted_stays_counted_when_a_later_piece_counts_only_a_part() -> None:
    reader = AnswerReader(MODEL)
    for one in (piece(text("a"), usageMetadata=counts(4, 1)), {"usageMetadata": {"promptTokenCount": 4}}):
        reader.read(msgspec.json.encode(one).decode())
    assert reader.usage_so_far == Usage(input=4, output=1)


def test_explicit_zeros_are_no_missing_usage() -> None:
    reader = AnswerReader(MODEL)
    reader.read(msgspec.json.encode(piece(reason="STOP", usageMetadata=counts(0, 0))).decode())
    assert reader.end() == [finished(usage=Usage())]
