"""One call for every format."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import PARSE_ERRORS, TooLarge
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.settings import ParseLimits
from buttress.testing.files import docx_of, epub_of, pptx_of, shape_of

LIMITS = ParseLimits()


@pytest.mark.parametrize(
    ("data", "path", "format_"),
    [
        pytest.param(b"# a\n\nb", "a.md", "markdown", id="Markdown"),
        pytest.param(b"a", "a.txt", "text", id="text"),
        pytest.param(b"<html><p>a", "a.html", "html", id="HTML"),
        pytest.param(docx_of("<w:p><w:r><w:t>a</w:t></w:r></w:p>"), "a.docx", "docx", id="DOCX"),
        pytest.param(pptx_of([shape_of("<a:p><a:r><a:t>a</a:t></a:r></a:p>")]), "a.pptx", "pptx", id="PPTX"),
        pytest.param(epub_of({"a.xhtml": "<p>a"}), "a.epub", "epub", id="EPUB"),
        pytest.param(b"a,b\n1,2", "a.csv", "csv", id="CSV"),
        pytest.param(b"Subject: a\n\nb", "a.eml", "eml", id="EML"),
    ],
)
def test_each_format_has_its_parser(data: bytes, path: str, format_: str) -> None:
    """By content and name."""
    document = parse_bytes(data, path, LIMITS)
    assert (document.format, document.warnings) == (format_, ())


def test_a_pdf_named_a_text_is_read_with_a_warning(make_pdf: Callable[..., bytes]) -> None:
    """The warning comes before those of its parser."""
    document = parse_bytes(make_pdf([["text"], []]), "notes.txt", LIMITS)
    assert document.format == "pdf"
    assert document.warnings == ("notes.txt is named like text, and was read as pdf", "page 2 has no text")


def test_a_large_file_is_refused_by_its_size() -> None:
    """Before anything is looked at."""
    with pytest.raises(TooLarge, match=r"a\.md has 11 bytes; the limit is 10"):
        parse_bytes(b"x" * 11, "a.md", ParseLimits(max_file_bytes=10))


@settings(max_examples=150)
@given(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"%PDF-1.7\n", b"<!doctype html>", b"# ", b"\xff\xfe", b"PK\x03\x04", b"Subject: a\n"]
    ),
    st.sampled_from(["a.md", "a.txt", "a.html", "a.pdf", "a.bin", "a", "a.docx", "a.csv", "a.eml"]),
)
def test_any_bytes_give_a_document_or_a_known_error(data: bytes, head: bytes, path: str) -> None:
    """Nothing else comes out, whatever goes in."""
    try:
        check_blocks(parse_bytes(head + data, path, LIMITS))
    except ButtressError as error:
        refused = error
    else:
        return
    assert refused.code in PARSE_ERRORS
    assert path in refused.message
    assert "\n" not in refused.message


@pytest.mark.slow
def test_a_book_of_three_megabytes(shared_data: Path) -> None:
    """Its chapters are sections."""
    data = (shared_data / "documents" / "book-war-and-peace-1225p.txt").read_bytes()
    document = parse_bytes(data, "book.txt", LIMITS)
    check_blocks(document)
    assert ("CHAPTER I",) in {block.section for block in document.blocks}
