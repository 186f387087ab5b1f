"""From bytes to text."""

import codecs

import pytest

from buttress.knowledge.errors import Undecodable
from buttress.knowledge.parsing.decoding import decode, decode_as, decode_html


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("Grüße".encode(), id="UTF-8"),
        pytest.param("Grüße".encode("utf-8-sig"), id="UTF-8 with its mark"),
        pytest.param(codecs.BOM_UTF16_LE + "Grüße".encode("utf-16-le"), id="UTF-16, little end first"),
        pytest.param(codecs.BOM_UTF16_BE + "Grüße".encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(codecs.BOM_UTF32_LE + "Grüße".encode("utf-32-le"), id="UTF-32"),
    ],
)
def test_decode(data: bytes) -> None:
    """By its mark, else as UTF-8."""
    assert decode(data, "a.txt") == "Grüße"


def test_a_byte_that_does_not_fit_is_named() -> None:
    """Nobody can mend a file without knowing where."""
    with pytest.raises(Undecodable, match=r"a\.txt is not utf-8: byte 4 \(0xfc\) does not fit") as caught:
        decode(b"abc f\xfcr".replace(b" f", b"f"), "a.txt")
    assert caught.value.data["byte_offset"] == 4


def test_the_offset_counts_the_mark() -> None:
    """Offsets are of the file, not of what follows the mark."""
    with pytest.raises(Undecodable) as caught:
        decode(codecs.BOM_UTF8 + b"a\xff", "a.txt")
    assert caught.value.data["byte_offset"] == 4


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b'<meta charset="windows-1252"><p>f\xfcr \x80', "für €", id="declared Windows-1252"),
        pytest.param(b"<meta charset=iso-8859-1><p>\x80", "€", id="Latin-1 means Windows-1252 on the web"),
        pytest.param("<meta charset=utf-16><p>ü".encode(), "ü", id="a declared UTF-16 cannot be true"),
        pytest.param(b'<?xml version="1.0" encoding="ISO-8859-15"?><p>\xa4', "€", id="declared by XML"),
        pytest.param(
            '<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><p>日本'.encode(
                "shift_jis"
            ),
            "日本",
            id="declared the old way",
        ),
        pytest.param(codecs.BOM_UTF8 + "<meta charset=cp1252><p>ü".encode(), "ü", id="the mark comes first"),
        pytest.param("<p>ü".encode(), "ü", id="UTF-8 when nothing is said"),
    ],
)
def test_decode_html(data: bytes, text: str) -> None:
    """As a browser would read it."""
    assert decode_html(data, "a.html").endswith(text)


@pytest.mark.parametrize("label", ["utf-7", "rot13", "idna", "nonsense", "zlib"])
def test_an_encoding_that_is_none_of_the_web_is_refused(label: str) -> None:
    """Python knows codecs that do more than decode."""
    with pytest.raises(Undecodable, match=label):
        decode_html(f"<meta charset={label}><p>x".encode(), "a.html")


@pytest.mark.parametrize(
    ("data", "label", "expected"),
    [
        pytest.param(b"caf\xe9", "ISO-8859-1", "café", id="Latin-1"),
        pytest.param(b"\x80", "us-ascii", "€", id="what mail programs call ASCII"),
        pytest.param("漢".encode("gb18030"), "gb18030", "漢", id="Chinese"),
    ],
)
def test_decode_as(data: bytes, label: str, expected: str) -> None:
    """As a header says."""
    assert decode_as(data, label, "a.eml") == expected


def test_decode_as_refuses_what_is_no_encoding_of_text() -> None:
    """Python knows more than the web."""
    with pytest.raises(Undecodable, match=r"a\.eml declares the encoding 'rot13'"):
        decode_as(b"a", "rot13", "a.eml")
