"""What a parser's process and its parent say to each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import PARSE_ERRORS, ParserCrashed, Undecodable
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.parsing.frames import (
    LENGTH_BYTES,
    Failed,
    Parsed,
    ParseRequest,
    error_of,
    failure,
    read_message,
    read_request,
    to_frame,
)
from buttress.knowledge.settings import ParseLimits


@given(st.binary(max_size=100), st.text(max_size=20).filter(lambda text: text.isprintable()))
def test_a_request_arrives_as_it_may_have_worked(data: bytes, path: str) -> None:
    """With its limits."""
    request = ParseRequest(path=path, data=data, limits=ParseLimits(max_pages=3), timeout_s=1.5)
    frame = to_frame(request)
    assert int.from_bytes(frame[:LENGTH_BYTES], "big") == len(frame) - LENGTH_BYTES
    assert read_request(frame[LENGTH_BYTES:]) == request


def test_a_document_arrives_as_it_may_have_worked() -> None:
    """Blocks, sections, spans."""
    reply = Parsed(parse_bytes(b"# a\n\n- b\n- c", "a.md", ParseLimits()))
    assert read_message(to_frame(reply)[LENGTH_BYTES:]) == reply


@pytest.mark.parametrize("kind", PARSE_ERRORS.values(), ids=lambda kind: kind.code)
def test_every_error_is_raised_again_as_what_it_was(kind: type[ButtressError]) -> None:
    """With its hint and its data."""
    sent = failure(kind("a.md: so and so", hint="do this", data={"byte_offset": 4}))
    error = error_of(sent)
    assert type(error) is kind
    assert error.as_dict() == kind("a.md: so and so", hint="do this", data={"byte_offset": 4}).as_dict()


def test_an_error_nobody_knows_is_still_an_error() -> None:
    """Parent and child are of one version; should they not be, nothing is lost."""
    assert isinstance(error_of(Failed("x.y", "m", "h", {})), ParserCrashed)
    assert error_of(failure(Undecodable("m"))).hint == Undecodable.hint
