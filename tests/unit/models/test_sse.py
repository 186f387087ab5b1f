"""Server-sent events out of bytes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.models.errors import BadAnswer
from buttress.models.sse import SseEvent, SseParser


def parse(*pieces: bytes, limit: int = 1_000) -> list[SseEvent]:
    parser = SseParser(limit)
    return [event for piece in pieces for event in parser.feed(piece)]


def data(*texts: str) -> list[SseEvent]:
    return [SseEvent(text) for text in texts]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", data("a", "b"), id="two events"),
        pytest.param(b"data:a\n\n", data("a"), id="the blank behind the colon may be missing"),
        pytest.param(b"data:  a\n\n", data(" a"), id="only one blank is taken off"),
        pytest.param(
            b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", data("a", "b", "c"), id="every kind of line end"
        ),
        pytest.param(b"data: a\ndata: b\n\n", data("a\nb"), id="two data lines are one text"),
        pytest.param(b"data\n\n", data(""), id="a field without a colon is empty"),
        pytest.param(b": ping\n\ndata: a\n: pong\n\n", data("a"), id="comments say nothing"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", data("a"), id="a byte order mark is taken off"),
        pytest.param(b"data: \xef\xbb\xbfa\n\n", data("\ufeffa"), id="inside it is text"),
        pytest.param(
            b"event: error\ndata: a\n\ndata: b\n\n", [SseEvent("a", "error"), SseEvent("b")], id="named"
        ),
        pytest.param(b"event: ping\n\n", [], id="an event without data is none"),
        pytest.param(b"id: 1\nretry: 5\nfoo: bar\ndata: a\n\n", data("a"), id="other fields are ignored"),
        pytest.param(b"data: a\n", [], id="without its blank line it is not whole"),
        pytest.param(b"data: \xff\xfe\n\n", data("\ufffd\ufffd"), id="what is no UTF-8 is replaced"),
        pytest.param(b"\n\n\n", [], id="blank lines alone"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_a_stream_is_read(stream: bytes, events: list[SseEvent]) -> None:
    assert parse(stream) == events
    assert parse(*(stream[at : at + 1] for at in range(len(stream)))) == events


PIECES = st.sampled_from(
    [
        *(b"data: a", b"data:", b"\n", b"\r", b"\r\n", b"\n\n", b": c", b"event: e"),
        *("data: \u20ac\U0001f642".encode(), b"\xef\xbb\xbf", b"\xff", b"x", b""),
    ]
)


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(PIECES, max_size=30), cuts=st.lists(st.integers(0, 200), max_size=20))
def test_it_does_not_matter_how_the_bytes_were_cut(pieces: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(pieces)
    edges = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    parts = [whole[start:end] for start, end in pairwise(edges)]
    assert parse(*parts) == parse(whole)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_what_may_have_worked_is_what_is_read(texts: list[str]) -> None:
    lines = [text.replace("\r", " ").encode(errors="replace").decode() for text in texts]
    sent = "".join("".join(f"data: {line}\n" for line in text.split("\n")) + "\n" for text in lines)
    assert parse(sent.encode(), limit=10_000) == data(*lines)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"data: " + b"x" * 60 + b"\n"], id="a long line"),
        pytest.param([b"x" * 10] * 6, id="a line that never ends"),
        pytest.param([b"data: 123456789\n"] * 5, id="an event of many lines"),
    ],
)
def test_an_event_beyond_the_limit_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(BadAnswer, match="50 bytes"):
        parse(*pieces, limit=50)


def test_a_stream_that_does_not_end_is_refused() -> None:
    parser = SseParser(50, 100)
    for _ in range(6):
        assert parser.feed(b"data: 12345678\n\n")
    with pytest.raises(BadAnswer, match="longer than 100 bytes") as raised:
        parser.feed(b"data: 12345678\n\n")
    assert "max_answer_bytes" in raised.value.hint


@pytest.mark.slow
def test_a_megabyte_in_single_bytes_is_read_in_linear_time() -> None:
    """Quadratic scanning would take minutes here; the time limit of the test is the assertion."""
    parser = SseParser(2_000_000)
    for _ in range(300_000):
        parser.feed(b"x")
    assert parser.feed(b"\n") == []
