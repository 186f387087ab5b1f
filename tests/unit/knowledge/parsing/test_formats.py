"""Which format a file is."""

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import BrokenFile, EmptyDocument, UnknownFormat
from buttress.knowledge.parsing.formats import detect
from buttress.knowledge.types import Format


@pytest.mark.parametrize(
    ("data", "path", "format_", "warned"),
    [
        pytest.param(b"# a", "a.md", "markdown", False, id="Markdown by its name"),
        pytest.param(b"a", "notes.TXT", "text", False, id="an extension in capitals"),
        pytest.param(b"a", "README", "text", False, id="no extension is plain text"),
        pytest.param(b"%PDF-1.7\n", "a.pdf", "pdf", False, id="a PDF"),
        pytest.param(b"junk\n%PDF-1.7\n", "a.pdf", "pdf", False, id="a PDF with junk before it"),
        pytest.param(b"%PDF-1.7\n", "a.txt", "pdf", True, id="a PDF named a text"),
        pytest.param(b"%PDF-1.7\n", "a.xyz", "pdf", True, id="a PDF with an extension nobody knows"),
        pytest.param(b"<!DOCTYPE html><p>x", "a.txt", "html", True, id="a page named a text"),
        pytest.param(
            b"<!-- hi -->\n<html><p>x", "a.html", "html", False, id="a page that begins with a comment"
        ),
        pytest.param(b"<p>x", "a.htm", "html", False, id="a page without its frame"),
        pytest.param(b"say %PDF-1.7 to me", "a.md", "markdown", False, id="a text about PDFs"),
        pytest.param("x".encode("utf-16"), "a.txt", "text", False, id="UTF-16 with its mark is text"),
    ],
)
def test_detect(data: bytes, path: str, format_: Format, warned: bool) -> None:  # noqa: FBT001 - a table's column
    """What it holds first, its name second."""
    detected = detect(data, path)
    assert detected.format == format_
    assert bool(detected.warnings) == warned


@pytest.mark.parametrize(
    ("data", "path", "error", "says"),
    [
        pytest.param(b"", "a.md", EmptyDocument, "a.md is empty", id="no bytes"),
        pytest.param(b" \n\t", "a.md", EmptyDocument, "a.md is empty", id="white space"),
        pytest.param(b"hello", "a.pdf", BrokenFile, "is none", id="named a PDF, and none"),
        pytest.param(b"\x89PNG\r\n", "a.md", UnknownFormat, "PNG picture", id="a picture named Markdown"),
        pytest.param(b"PK\x03\x04..", "a.docx", UnknownFormat, "ZIP archive", id="a Word file"),
        pytest.param(b"abc\0def", "a.md", UnknownFormat, "byte 3 is 0", id="NUL bytes"),
        pytest.param(b"<html>\0", "a.html", UnknownFormat, "byte 6 is 0", id="NUL bytes in a page"),
        pytest.param(b"a,b", "a.csv", UnknownFormat, ".csv", id="an extension nobody reads"),
    ],
)
def test_refused(data: bytes, path: str, error: type[ButtressError], says: str) -> None:
    """One line that names the file and what it is."""
    with pytest.raises(error) as caught:
        detect(data, path)
    assert path in caught.value.message
    assert says in caught.value.message
    assert "\n" not in caught.value.message
