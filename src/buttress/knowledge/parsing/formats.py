"""Which format a file is: by what it holds first, by its name second."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import msgspec

from buttress.knowledge.errors import BrokenFile, EmptyDocument, Encrypted, UnknownFormat
from buttress.knowledge.parsing.archives import names_inside
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
    ".docx": "docx",
    ".docm": "docx",
    ".dotx": "docx",
    ".dotm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".ppsx": "pptx",
    ".ppsm": "pptx",
    ".potx": "pptx",
    ".potm": "pptx",
    ".epub": "epub",
    ".csv": "csv",
    ".tsv": "csv",
    ".eml": "eml",
}
_PROVEN: dict[Format, str] = {
    "pdf": "a PDF",
    "docx": "a Word document (DOCX)",
    "pptx": "a presentation (PPTX)",
    "epub": "a book (EPUB)",
}
"""Formats that are known by what they hold, and what they are called: a name alone makes none of them."""
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old Office file (DOC, XLS, PPT or MSG)"),
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
_WEB = ("http://", "https://")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
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
        BrokenFile: it is named like a format that it is not, or is an archive that cannot be opened.
        Encrypted: it is an Office file behind a password.
        TooLarge: it is an archive of too many entries.
    """
    if not data.strip():
        raise EmptyDocument(f"{path} is empty")
    extension = _extension(path)
    named = _BY_EXTENSION.get(extension)
    found = _sniff(data, named, path)
    if found is None:
        _refuse_other(data, path, named)
    if found is None and named is None:
        raise UnknownFormat(f"{path}: no parser reads {extension} files")
    return _detected(found or named or "text", named, path)


def _extension(path: str) -> str:
    """Return what the name ends in; of a web address only what is known, since most are no names of files."""
    if not path.startswith(_WEB):
        return PurePosixPath(path).suffix.lower()
    extension = PurePosixPath(urlsplit(path).path).suffix.lower()
    return extension if extension in _BY_EXTENSION else ""


def _detected(found: Format, named: Format | None, path: str) -> Detected:
    says_nothing = path.startswith(_WEB) and not _extension(path)
    if found == named or says_nothing:
        return Detected(found)
    return Detected(found, (f"{path} is named like {named or 'another format'}, and was read as {found}",))


def _sniff(data: bytes, named: Format | None, path: str) -> Format | None:
    """Return the format that the bytes prove, if they do; text formats prove nothing."""
    if data.startswith(_ZIP):
        return _in_archive(data, named, path)
    if data.startswith(b"%PDF-") or (named == "pdf" and b"%PDF-" in data[:_PDF_HEADER_BYTES]):
        return "pdf"
    mark = byte_order_mark(data)
    start = len(mark[0]) if mark and mark[1] == "utf-8" else 0
    return "html" if _HTML.match(data, start, _SNIFF_BYTES) and b"\0" not in data else None


def _in_archive(data: bytes, named: Format | None, path: str) -> Format:
    """Return which of the formats that are ZIP archives this one is, by the names inside.

    Raises:
        UnknownFormat: it is none that is read.
        BrokenFile, TooLarge: it cannot be opened.
    """
    names = names_inside(data, path)
    folders = {name.partition("/")[0] for name in names if "/" in name}
    if "[Content_Types].xml" in names and "xl" in folders:
        raise UnknownFormat(
            f"{path} is a workbook (XLSX), which no parser reads",
            hint="Save its sheets as CSV, or exclude it.",
        )
    if "META-INF/container.xml" in names:
        return "epub"
    if "[Content_Types].xml" in names and folders & {"word", "ppt"}:
        return "docx" if "word" in folders else "pptx"
    if named in {"docx", "pptx", "epub"}:
        raise BrokenFile(f"{path} is named {_PROVEN[named]}, and is another kind of ZIP archive")
    raise UnknownFormat(f"{path} is a ZIP archive, which no parser reads")


def _refuse_other(data: bytes, path: str, named: Format | None) -> None:
    """Refuse what is binary, and what its name promises and it is not."""
    if data.startswith(_OLE) and _ENCRYPTED_OFFICE in data:
        raise Encrypted(f"{path} is an Office file behind a password")
    _refuse_binary(data, path)
    if named in _PROVEN:
        raise BrokenFile(f"{path} is named {_PROVEN[named]}, and is none")


def _refuse_binary(data: bytes, path: str) -> None:
    what = next((what for magic, what in _MAGIC if data.startswith(magic)), None)
    if what:
        raise UnknownFormat(f"{path} is {what}, which no parser reads")
    if not byte_order_mark(data) and (at := data.find(b"\0")) >= 0:
        raise UnknownFormat(
            f"{path} is binary, not text: byte {at} is 0",
            hint="If it is text in UTF-16, save it as UTF-8; else exclude it.",
        )
