"""One field of a client's request."""

import re
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.dialects.fields import as_header, field, is_null, no_word, wrong
from buttress.models.errors import RequestInvalid

LISTS = msgspec.json.Decoder(list[dict[str, int]])


def raw(text: bytes) -> dict[str, msgspec.Raw]:
    return {"a": msgspec.Raw(text)}


def test_a_field_is_decoded_and_null_is_missing() -> None:
    assert field(raw(b'[{"b": 1}]'), "a", LISTS) == [{"b": 1}]
    assert field(raw(b"null"), "a", LISTS) is None
    assert field({}, "a", LISTS) is None


@pytest.mark.parametrize(
    ("text", "param"),
    [
        pytest.param(b"3", "a", id="of another type"),
        pytest.param(b'[{"b": 1}, {"b": "x"}]', "a[1][...]", id="wrong further in"),
        pytest.param(b'[{"b\xff": 1}]', "a", id="not UTF-8"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, param: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        field(raw(text), "a", LISTS)
    assert raised.value.data == {"param": param}
    assert raised.value.message.startswith(f"{param}: ")


def test_a_field_nested_too_deeply_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="a: nested too deeply"):
        field(raw(b"[" * 100_000), "a", msgspec.json.Decoder())


def test_a_long_value_is_not_sent_back() -> None:
    decoder = msgspec.json.Decoder(Literal["low", "high"])
    with pytest.raises(RequestInvalid) as raised:
        field(raw(b'"' + b"x" * 1_000_000 + b'"'), "a", decoder)
    assert len(raised.value.message) < 300


def test_errors_name_the_field() -> None:
    assert wrong("a.b", "is odd").message == "a.b: is odd"
    assert no_word("n", "two answers").data == {"param": "n"}
    assert no_word("n", "two answers", "Ask twice.").hint == "Ask twice."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"null", True, id="null"),
        pytest.param(b'"null"', False, id="the word"),
        pytest.param(b"true", False, id="as long as null"),
        pytest.param(b"0", False, id="a number"),
    ],
)
def test_null_is_told_from_all_else(text: bytes, *, expected: bool) -> None:
    assert is_null(msgspec.Raw(text)) is expected


def test_names_that_are_fit_for_a_header_stay_as_they_are() -> None:
    assert as_header(["logit_bias", "x-y.z"]) == ("logit_bias", "x-y.z")


@given(st.lists(st.text(), max_size=40))
def test_whatever_a_client_calls_a_field_a_header_can_carry(names: list[str]) -> None:
    """A line break in one would begin a header of the client's own, or end the connection."""
    said = ", ".join(as_header(names))
    assert re.fullmatch(r"[A-Za-z0-9_.?, -]*", said)
    assert len(said) <= 32 * 42
