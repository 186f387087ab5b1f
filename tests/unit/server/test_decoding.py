"""What is wrong with a body is said for people: its field, or the byte."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.server.decoding import parsed, queried
from buttress.server.errors import BodyInvalid, QueryInvalid


def test_json_is_read() -> None:
    assert parsed(b'{"a": "\\ud83d\\ude00 \\\\ud800"}', dict[str, str]) == {"a": "\N{GRINNING FACE} \\ud800"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"a": "b\xff"}', "the body is not UTF-8: it goes wrong at byte 8", id="no UTF-8"),
        pytest.param(b'{"\xed\xa0\x80": 1}', "not UTF-8: it goes wrong at byte 2", id="a surrogate in bytes"),
        pytest.param(
            b'{"a": "\\ud800"}',
            "the body holds half a surrogate pair, \\ud800, at byte 7",
            id="half a pair at the end",
        ),
        pytest.param(
            b'{"a": "\\ud83d\\ude00 \\uDC00 and so on"}', "\\uDC00, at byte 20", id="the other half"
        ),
        pytest.param(b'{"a": "\\\\ud800', "in the middle of its JSON, after 14 bytes", id="cut off"),
        pytest.param(b'{"a": 1}', "Expected `str`, got `int` - at `$[...]`", id="another kind"),
        pytest.param(b'{"a": x}', "JSON is malformed: invalid character (byte 6)", id="no JSON"),
        pytest.param(b"", "after 0 bytes", id="nothing"),
    ],
)
def test_what_is_wrong_is_said(body: bytes, message: str) -> None:
    with pytest.raises(BodyInvalid) as invalid:
        parsed(body, dict[str, str], hint="Do.")
    assert message in invalid.value.message
    assert invalid.value.hint == "Do."


def test_what_nests_too_deeply_is_refused() -> None:
    with pytest.raises(BodyInvalid, match="nested too deeply"):
        parsed(b"[" * 100_000, list[object])


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    said = ""
    try:
        parsed(b'{"a": "' + body + b'"}', dict[str, str])
    except BodyInvalid as invalid:
        said = invalid.message
    assert "codec" not in said


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query to read."""

    name: str
    most: int = 1


def test_a_query_is_read() -> None:
    assert queried(b"most=2&name=a%20b&most=3", Page) == Page("a b", 3)
    assert queried(b"name=", Page) == Page("")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(b"", "missing required field `name`", id="nothing"),
        pytest.param(b"name=a&more=1", "`more`", id="what there is not"),
        pytest.param(b"name=a&most=x", "$.most", id="no number"),
        pytest.param(b"name=\xff", "ascii", id="no ascii"),
        pytest.param(b"name=%ff", "utf-8", id="no utf-8"),
        pytest.param(b"&".join([b"name=a"] * 11), "Max number of fields", id="too many"),
    ],
)
def test_what_is_wrong_with_a_query_is_said(query: bytes, message: str) -> None:
    with pytest.raises(QueryInvalid) as invalid:
        queried(query, Page, hint="Do.")
    assert message in invalid.value.message
    assert invalid.value.hint == "Do."
