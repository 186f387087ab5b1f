"""One call for every format: bytes in, a document out."""

from functools import partial
from typing import Literal

import msgspec

from buttress.knowledge.errors import TooLarge
from buttress.knowledge.parsing.formats import detect
from buttress.knowledge.parsing.ocr import Ocr
from buttress.knowledge.ports import Parser
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.types import Format, ParsedDocument


def parse_bytes(data: bytes, path: str, limits: ParseLimits, ocr: Ocr | None = None) -> ParsedDocument:
    """Return the document in `data`, in this process (see `pool` for one of its own).

    The format is what the bytes show, else what the extension of `path` says; a warning says if they differ.
    Scanned pages of a PDF are read by `ocr`, if there is one; it is for one document.

    Raises:
        ButtressError: one of `errors.PARSE_ERRORS`; its message names `path`.
    """
    if len(data) > limits.max_file_bytes:
        raise TooLarge(f"{path} has {len(data):,} bytes; the limit is {limits.max_file_bytes:,}")
    detected = detect(data, path)
    document = parser_of(detected.format, ocr)(data, path, limits)
    if not detected.warnings:
        return document
    return msgspec.structs.replace(document, warnings=detected.warnings + document.warnings)


def parser_of(format_: Format, ocr: Ocr | None = None) -> Parser:
    """Return the parser of a format; its library is loaded here, so that a start loads none."""
    parse: Parser
    match format_:
        case "markdown":
            from buttress.knowledge.parsing.from_markdown import parse_markdown as parse  # noqa: PLC0415
        case "html":
            from buttress.knowledge.parsing.from_html import parse_html as parse  # noqa: PLC0415
        case "pdf":
            from buttress.knowledge.parsing.from_pdf import parse_pdf  # noqa: PLC0415

            return partial(parse_pdf, ocr=ocr)
        case "text":
            from buttress.knowledge.parsing.from_text import parse_text as parse  # noqa: PLC0415
        case "docx" | "pptx" | "epub" | "csv" | "eml":
            return _parser_of_parts(format_)
    return parse


def _parser_of_parts(format_: Literal["docx", "pptx", "epub", "csv", "eml"]) -> Parser:
    """Return the parser of a format that is made of smaller parts: files, messages, cells."""
    parse: Parser
    match format_:
        case "docx":
            from buttress.knowledge.parsing.from_docx import parse_docx as parse  # noqa: PLC0415
        case "pptx":
            from buttress.knowledge.parsing.from_pptx import parse_pptx as parse  # noqa: PLC0415
        case "epub":
            from buttress.knowledge.parsing.from_epub import parse_epub as parse  # noqa: PLC0415
        case "csv":
            from buttress.knowledge.parsing.from_csv import parse_csv as parse  # noqa: PLC0415
        case "eml":
            from buttress.knowledge.parsing.from_eml import parse_eml as parse  # noqa: PLC0415
    return parse
