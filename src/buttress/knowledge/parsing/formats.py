"""Which format a file is: by what it holds first, by its name second."""

import re
from pathlib import PurePosixPath

import msgspec

from buttress.knowledge.errors import BrokenFile, EmptyDocument, UnknownFormat
from buttress.knowledge.parsing.decoding import byte_order_mark
from buttress.knowledge.types import Format

_BY_EXTENSION: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".rst": "text",
    ".adoc": "text",
    "": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
}
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive (DOCX, PPTX, XLSX and EPUB files are such)"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "a Rich Text file"),
    (b"%!PS", "a PostScript file"),
)
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*){0,20}<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_PDF_HEADER_BYTES = 1024
_SNIFF_BYTES = 8192


class Detected(msgspec.Struct, frozen=True):
    """A file's format, and a warning where its name says another."""

    format: Format
    warnings: tuple[str, ...] = ()


def detect(data: bytes, path: str) -> Detected:
    """Return the format of `data`.

    Raises:
        EmptyDocument: there are no bytes, or only white space.
        UnknownFormat: it is binary, or has an extension that nobody reads.
        BrokenFile: it is named `.pdf` and is none.
    """
    if not data.strip():
        raise EmptyDocument(f"{path} is empty")
    extension = PurePosixPath(path).suffix.lower()
    named = _BY_EXTENSION.get(extension)
    found = _sniff(data, named)
    if found is None and named == "pdf":
        raise BrokenFile(f"{path} is named a PDF, and is none: it does not begin with %PDF-")
    if found is None:
        _refuse_binary(data, path)
    if found is None and named is None:
        raise UnknownFormat(f"{path}: no parser reads {extension} files")
    return _detected(found or named or "text", named, path)


def _detected(found: Format, named: Format | None, path: str) -> Detected:
    if found == named:
        return Detected(found)
    return Detected(found, (f"{path} is named like {named or 'another format'}, and was read as {found}",))


def _sniff(data: bytes, named: Format | None) -> Format | None:
    """Return the format that the first bytes prove, if they do; text formats prove nothing."""
    if data.startswith(b"%PDF-") or (named == "pdf" and b"%PDF-" in data[:_PDF_HEADER_BYTES]):
        return "pdf"
    mark = byte_order_mark(data)
    start = len(mark[0]) if mark and mark[1] == "utf-8" else 0
    return "html" if _HTML.match(data, start, _SNIFF_BYTES) and b"\0" not in data else None


def _refuse_binary(data: bytes, path: str) -> None:
    what = next((what for magic, what in _MAGIC if data.startswith(magic)), None)
    if what:
        raise UnknownFormat(f"{path} is {what}, which no parser reads")
    if not byte_order_mark(data) and (at := data.find(b"\0")) >= 0:
        raise UnknownFormat(
            f"{path} is binary, not text: byte {at} is 0",
            hint="If it is text in UTF-16, save it as UTF-8; else exclude it.",
        )
