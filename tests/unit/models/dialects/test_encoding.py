"""JSON that is sent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.dialects.encoding import encode, is_object, tool_arguments, tool_input


@given(
    st.recursive(
        st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    )
)
def test_what_is_unicode_stays_as_it_is(value: object) -> None:
    assert msgspec.json.decode(encode(value)) == value


def test_half_a_character_is_a_question_mark_wherever_it_stands() -> None:
    value = {"a\ud83d": ["b\udc00", ("c", 1, None)], "raw": msgspec.Raw(b"1.0")}
    assert encode(value) == b'{"a?":["b?",["c",1,null]],"raw":1.0}'


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        pytest.param(" ", b"{}", id="none are an empty object"),
        pytest.param('{"a": 1.00}', b'{"a": 1.00}', id="an object stays as it was written"),
        pytest.param('"a"', b'{"arguments":"\\"a\\""}', id="text is put into one"),
        pytest.param('{"a": NaN}', b'{"arguments":"{\\"a\\": NaN}"}', id="what is not JSON too"),
        pytest.param('{"a": "\ud83d"}', b'{"arguments":"{\\"a\\": \\"?\\"}"}', id="half a character too"),
    ],
)
def test_the_input_of_a_tool(arguments: str, sent: bytes) -> None:
    assert bytes(tool_input(arguments)) == sent
    assert is_object(sent.decode())


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [(b"", "{}"), (b"null", "{}"), (b"{}", "{}"), (b'{"a": 1.00}', '{"a": 1.00}')],
)
def test_the_arguments_of_a_call(raw: bytes, arguments: str) -> None:
    assert tool_arguments(msgspec.Raw(raw)) == arguments


def test_what_is_nested_too_deeply_is_no_object() -> None:
    assert not is_object('{"a":' * 100_000)
