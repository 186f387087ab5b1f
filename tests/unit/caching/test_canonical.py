"""One form for each value: equal ones are equal bytes, others are not."""

import json
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.caching.canonical import canonical, read_strictly

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="the order of keys"),
        pytest.param([1.0, -0.0, 1e3], [1, 0, 1000], id="how a number is written"),
        pytest.param("caf\u00e9", "cafe\u0301", id="how Unicode composes a letter"),
        pytest.param((1, 2), [1, 2], id="what holds a list"),
        pytest.param(msgspec.json.decode(b'"\\u00e9"'), "é", id="how JSON writes a letter"),
    ],
)
def test_what_means_the_same_is_the_same(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(1, True, id="a number is no truth"),
        pytest.param(1, "1", id="nor a text"),
        pytest.param(None, "null", id="nothing is no text"),
        pytest.param(2**53 + 1, 2**53, id="numbers beyond the exact ones of JavaScript"),
        pytest.param([1, 2], [2, 1], id="the order of a list"),
        pytest.param({"a": None}, {}, id="a property that is there"),
        pytest.param("a", "A", id="capitals"),
        pytest.param(["ab", "c"], ["a", "bc"], id="where a text ends"),
        pytest.param("ﬁ", "fi", id="letters that only look alike"),
        pytest.param(0.1 + 0.2, 0.3, id="the last digit of a number"),
    ],
)
def test_what_means_something_else_is_not(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_is_no_number_has_no_form(value: object) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical(value)


@given(values)
def test_it_can_be_read_back_as_the_same_form(value: object) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(values)
def test_the_order_of_keys_never_counts(value: object) -> None:
    assert canonical(_turned(value)) == canonical(value)


@given(values, values)
def test_equal_forms_are_of_equal_values(one: object, other: object) -> None:
    assert (canonical(one) == canonical(other)) == (_typed(one) == _typed(other))


def _turned(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _turned(one) for name, one in reversed(list(value.items()))}
    return [_turned(one) for one in value] if isinstance(value, list) else value


def _typed(value: object) -> object:
    """Return `value` so that Python's own comparison tells True from 1, and letters by what they are."""
    if isinstance(value, Mapping):
        return {name: _typed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if isinstance(value, str):
        return canonical(value)
    return (isinstance(value, bool), value)


@given(values)
def test_what_can_be_read_in_one_way_is_read_so(value: object) -> None:
    data = json.dumps(value).encode()
    assert read_strictly(data) == json.loads(data)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"a": 1, "a": 2}', id="a name that stands there twice"),
        pytest.param(b'[{"b": {"a": 1, "\\u0061": 1}}]', id="written in two ways"),
        pytest.param(b"[NaN]", id="no number"),
        pytest.param(b"[-Infinity]", id="one without end"),
        pytest.param(b'{"a": 1} x', id="more than a value"),
        pytest.param(b'"\xff"', id="no text"),
        pytest.param(b"9" * 5_000, id="a number longer than anybody needs"),
    ],
)
def test_what_can_be_read_in_several_is_not(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        read_strictly(text)
