"""Which format a file is."""

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import BrokenFile, EmptyDocument, Encrypted, TooLarge, UnknownFormat
from buttress.knowledge.parsing.formats import detect
from buttress.knowledge.types import Format
from buttress.testing.files import docx_of, epub_of, pptx_of, zipped

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


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
        pytest.param(b"a,b", "a.CSV", "csv", False, id="a table by its name"),
        pytest.param(b"a\tb", "a.tsv", "csv", False, id="a table with tabs"),
        pytest.param(b"Subject: a", "a.eml", "eml", False, id="a mail by its name"),
        pytest.param(docx_of(""), "a.docx", "docx", False, id="a Word document"),
        pytest.param(docx_of(""), "a.docm", "docx", False, id="with macros"),
        pytest.param(pptx_of([]), "a.pptx", "pptx", False, id="a presentation"),
        pytest.param(epub_of({}), "a.epub", "epub", False, id="a book"),
        pytest.param(docx_of(""), "a.txt", "docx", True, id="a Word document named a text"),
        pytest.param(pptx_of([]), "a.docx", "pptx", True, id="a presentation named a Word document"),
        pytest.param(b"<html><p>x", "a.docx", "html", True, id="a page named a Word document"),
        pytest.param("x".encode("utf-16"), "a.txt", "text", False, id="UTF-16 with its mark is text"),
        pytest.param(b"<html>x", "https://a.example/v1.2/docs", "html", False, id="a page of the web"),
        pytest.param(b"<html>x", "https://a.example", "html", False, id="a site: its host is no name"),
        pytest.param(b"<html>x", "https://a.example/x.php?y=z.pdf", "html", False, id="a page that is made"),
        pytest.param(b"# x", "https://a.example/x.md?raw=1", "markdown", False, id="Markdown of the web"),
        pytest.param(b"x", "https://a.example/robots", "text", False, id="a text of the web"),
        pytest.param(b"<html>x", "https://a.example/x.md", "html", True, id="a page called Markdown"),
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
        pytest.param(
            b"hello", "a.docx", BrokenFile, "named a Word document (DOCX), and is none", id="no DOCX"
        ),
        pytest.param(b"hello", "a.epub", BrokenFile, "named a book (EPUB), and is none", id="no EPUB"),
        pytest.param(b"PK\x03\x04..", "a.docx", BrokenFile, "damaged, or cut short", id="half a Word file"),
        pytest.param(docx_of("")[:-40], "a.docx", BrokenFile, "cut short", id="a Word file without its end"),
        pytest.param(zipped({"a": ""}), "a.zip", UnknownFormat, "a ZIP archive", id="an archive"),
        pytest.param(zipped({"a": ""}), "a.pptx", BrokenFile, "another kind of ZIP archive", id="named PPTX"),
        pytest.param(
            zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}),
            "a.xlsx",
            UnknownFormat,
            "a workbook (XLSX)",
            id="a workbook",
        ),
        pytest.param(OLE + b"x", "a.doc", UnknownFormat, "an old Office file", id="a Word file of 2003"),
        pytest.param(OLE + b"x", "a.docx", UnknownFormat, "an old Office file", id="the same, named anew"),
        pytest.param(
            OLE + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            Encrypted,
            "behind a password",
            id="a password",
        ),
        pytest.param(
            b"{\\rtf1}", "a.docx", UnknownFormat, "a Rich Text file", id="Rich Text named a Word file"
        ),
        pytest.param(b"a,b\0", "a.csv", UnknownFormat, "byte 3 is 0", id="NUL bytes in a table"),
        pytest.param(
            b"PK\x01\x02" * 30_000, "a.bin", UnknownFormat, ".bin", id="what only looks like an archive"
        ),
        pytest.param(
            b"PK\x03\x04" + b"PK\x01\x02" * 30_000, "a.docx", TooLarge, "30,000 entries", id="a bomb"
        ),
        pytest.param(b"abc\0def", "a.md", UnknownFormat, "byte 3 is 0", id="NUL bytes"),
        pytest.param(b"<html>\0", "a.html", UnknownFormat, "byte 6 is 0", id="NUL bytes in a page"),
        pytest.param(b"a,b", "a.ods", UnknownFormat, ".ods", id="an extension nobody reads"),
    ],
)
def test_refused(data: bytes, path: str, error: type[ButtressError], says: str) -> None:
    """One line that names the file and what it is."""
    with pytest.raises(error) as caught:
        detect(data, path)
    assert path in caught.value.message
    assert says in caught.value.message
    assert "\n" not in caught.value.message
