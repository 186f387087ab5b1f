"""XML, one element after another."""

import time

import pytest

from buttress.knowledge.errors import BrokenFile
from buttress.knowledge.parsing.xml_parts import MAX_DEPTH, elements, first_text, outermost

P = frozenset({"p"})


def texts(xml: str | bytes, names: frozenset[str] = P) -> list[str]:
    """Return the text of each element found; the part comes in pieces of 7 bytes."""
    data = xml.encode() if isinstance(xml, str) else xml
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    return ["".join(one.itertext()) for one in elements(pieces, names, "a.docx: part")]


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param("<d><p>a</p><x><p>b</p></x></d>", ["a", "b"], id="at any depth"),
        pytest.param("<d><p>a<p>b</p></p></d>", ["ab"], id="the outermost only"),
        pytest.param('<w:d xmlns:w="urn:w"><w:p>a</w:p></w:d>', ["a"], id="whatever its namespace"),
        pytest.param("<d><p>a<Fallback>a</Fallback></p></d>", ["a"], id="not what is said for old programs"),
        pytest.param("<d><Fallback><p>a</p></Fallback></d>", [], id="nor around it"),
        pytest.param("<d>x</d>", [], id="none"),
        pytest.param("<d><p>&amp;&#228;</p></d>", ["&ä"], id="signs that are written by name"),
        pytest.param(
            "<!DOCTYPE d SYSTEM 'http://a.invalid/d.dtd'><d><p>a</p></d>", ["a"], id="nothing is fetched"
        ),
        pytest.param("<d><p>ä</p></d>".encode("utf-16"), ["ä"], id="UTF-16"),
    ],
)
def test_elements(xml: str | bytes, expected: list[str]) -> None:
    """Each as soon as it is whole."""
    assert texts(xml) == expected


BOMB = "<!DOCTYPE d [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        pytest.param(BOMB + "]><d><p>&i;</p></d>", "declares XML entities of its own", id="a billion laughs"),
        pytest.param(
            "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><d><p>&a;</p></d>",
            "declares XML entities",
            id="a file's text",
        ),
        pytest.param(
            "<!DOCTYPE d [<!ENTITY % a 'x'> %a;]><d/>", "declares XML entities", id="an entity of the DTD"
        ),
        pytest.param(
            "<!DOCTYPE d [<!ATTLIST p a CDATA 'long'>]><d/>", "declares XML", id="a default for each"
        ),
        pytest.param("<d>" * (MAX_DEPTH + 1), "more than 256 elements inside one another", id="too deep"),
        pytest.param("<d><p>a</d>", "is no XML: mismatched tag", id="not well-formed"),
        pytest.param("<d><p>a", "is no XML: no element found", id="cut short"),
        pytest.param("", "is no XML", id="nothing"),
        pytest.param(
            "<?xml version='1.0' encoding='rot13'?><d/>", "is no XML", id="an encoding that is none"
        ),
    ],
)
def test_refused(xml: str, says: str) -> None:
    """In one line that says where."""
    with pytest.raises(BrokenFile) as caught:
        texts(xml)
    assert caught.value.message.startswith("a.docx: part ")
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_a_laugh_is_refused_at_once() -> None:
    """Before anything is expanded."""
    began = time.perf_counter()
    with pytest.raises(BrokenFile):
        texts(BOMB + "]><d><p>" + "&i;" * 1_000 + "</p></d>")
    assert time.perf_counter() - began < 2


def test_attributes_of_relationships_keep_a_prefix() -> None:
    """A slide has an `id` and an `r:id`."""
    (one,) = elements([b'<d xmlns:r="http://x/relationships"><p id="1" r:id="2"/></d>'], P, "a")
    assert one.attrib == {"id": "1", "r:id": "2"}


def test_first_text_and_outermost() -> None:
    """Below an element."""
    (one,) = elements([b"<d><a>x</a><b><a>y<a>z</a></a></b></d>"], frozenset({"d"}), "a")
    assert first_text(one, "a") == "x"
    assert first_text(one, "missing") == ""
    assert [found.text for found in outermost(one, frozenset({"a"}))] == ["x", "y"]
