"""Frames: what is sent is what is read."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.releases.frames import (
    LENGTH_BYTES,
    Answered,
    Call,
    Failed,
    Load,
    Reply,
    Request,
    read_reply,
    read_request,
    to_frame,
)

TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS)


def body_of(frame: bytes) -> bytes:
    """Return what stands behind the length, which must be right."""
    assert int.from_bytes(frame[:LENGTH_BYTES], "big") == len(frame) - LENGTH_BYTES
    return frame[LENGTH_BYTES:]


@given(
    st.builds(Load, module=TEXTS, path=TEXTS, source=st.binary(), within_s=st.floats(0, 60))
    | st.builds(Call, module=TEXTS, function=TEXTS, values=VALUES, within_s=st.floats(0, 60))
)
def test_a_request_arrives_as_it_may_have_worked(request: Request) -> None:
    assert read_request(body_of(to_frame(request))) == request


@given(st.builds(Answered, TEXTS | st.none()) | st.builds(Failed, TEXTS))
def test_a_reply_arrives_as_it_may_have_worked(reply: Reply) -> None:
    assert read_reply(body_of(to_frame(reply))) == reply


def test_half_a_character_is_not_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        to_frame(Answered("\ud800"))


@pytest.mark.parametrize("body", [b"", b"hello", b"{}", b'{"type":"answered","text":5}'])
def test_what_is_no_reply_says_so(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_reply(body)
