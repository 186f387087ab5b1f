"""XML that lists things, from outside."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.sources.xml_lists import NotAList, read_items


def read(text: bytes, *wanted: str) -> list[tuple[str, str, dict[str, str]]]:
    return [(item.kind, item.text, item.parts) for item in read_items(text, wanted)]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        pytest.param(b"<a><b>1</b></a>", [("b", "1", {})], id="a text"),
        pytest.param(
            b"<x:a xmlns:x='u'><x:b><x:c> 1 </x:c><d>2</d></x:b></x:a>",
            [("b", "", {"c": "1", "d": "2"})],
            id="names are local",
        ),
        pytest.param(
            b"<a><b><c>1</c><c>2</c></b></a>", [("b", "", {"c": "1"})], id="of two of a name the first"
        ),
        pytest.param(
            b"<a><b><d><c>no</c></d><c>1</c></b></a>",
            [("b", "", {"d": "", "c": "1"})],
            id="what stands deeper is not its own",
        ),
        pytest.param(b"<b><b>1</b></b>", [("b", "", {"b": "1"})], id="one inside another is a part"),
        pytest.param(b"<a><b/><b/></a>", [("b", "", {}), ("b", "", {})], id="two of them"),
        pytest.param(b"<a><b>&lt;&#252;<![CDATA[&x;]]></b></a>", [("b", "<ü&x;", {})], id="references"),
        pytest.param(b"<a/>", [], id="none"),
    ],
)
def test_what_is_wanted_is_given(text: bytes, items: list[tuple[str, str, dict[str, str]]]) -> None:
    assert read(text, "b") == items


def test_long_lists_and_texts_that_are_not_wanted_are_passed_over() -> None:
    text = b"<a>" + b"<x><y/></x>" * 10_000 + b"x" * 2_000_000 + b"<!--" + b"x" * 900_000 + b"--><b>1</b></a>"
    assert read(text, "b") == [("b", "1", {})]


def test_items_come_across_the_pieces_that_are_read() -> None:
    text = b"<a>" + b"".join(b"<b>%d</b>" % n for n in range(20_000)) + b"</a>"
    assert [text for _, text, _ in read(text, "b")] == [str(n) for n in range(20_000)]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<a><b>",
        b"<a></b>",
        b"<a>&x;</a>",
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"<?xml version='1.0' encoding='gbk'?><a/>",
        b"<a>\xff</a>",
        b"<a><b>" + b"x" * 70_000 + b"</b></a>",
        b"<x>" * 101 + b"</x>" * 101,
        b"<a><!--" + b"x" * 1_200_000 + b"--></a>",
        b"<b>" + b"".join(b"<p%d/>" % n for n in range(1_001)) + b"</b>",
    ],
)
def test_what_is_no_list_says_so_in_a_line(text: bytes) -> None:
    with pytest.raises(NotAList) as caught:
        read(text, "b")
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_list_or_not(text: bytes) -> None:
    with suppress(NotAList):
        read(b"<a>" + text, "b")
