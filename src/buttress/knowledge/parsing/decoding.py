"""From bytes to text: what the file says of its encoding, or UTF-8; never a guess."""

import codecs
import re

from buttress.knowledge.errors import Undecodable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*(?P<meta>[\w.:-]+)"""
    rb"""|<\?xml[^>]{0,200}?encoding\s*=\s*["'](?P<xml>[\w.:-]+)""",
    re.IGNORECASE,
)
_DECLARATION_BYTES = 4096
_HTML_ENCODINGS = {
    # As browsers do (WHATWG Encoding Standard): Latin-1 means Windows-1252; a declared UTF-16 cannot be true.
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
_ALLOWED = re.compile(
    r"utf-8|cp125\d|cp874|cp932|cp949|iso8859-\d+|koi8-[ru]|mac-\w+|shift_jis|euc_jp|euc_kr|iso2022_jp|gb\w+|big5\w*"
)


def byte_order_mark(data: bytes) -> tuple[bytes, str] | None:
    """Return the mark that `data` begins with, and the encoding it stands for."""
    return next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), None)


def decode(data: bytes, path: str) -> str:
    """Return the text of `data`: in the encoding of its byte order mark, else UTF-8.

    Raises:
        Undecodable: a byte does not fit; the message names its offset.
    """
    marked = byte_order_mark(data)
    return _decode(data, len(marked[0]), marked[1], path) if marked else _decode(data, 0, "utf-8", path)


def decode_html(data: bytes, path: str) -> str:
    """Return the text of a web page: by byte order mark, else by what the page declares, else UTF-8.

    Raises:
        Undecodable: a byte does not fit, or the declared encoding is not one of the web.
    """
    declared = _DECLARED.search(data, 0, _DECLARATION_BYTES)
    if byte_order_mark(data) or not declared:
        return decode(data, path)
    label = (declared["meta"] or declared["xml"]).decode("ascii", "replace")
    return decode_as(data, label, path)


def decode_as(data: bytes, label: str, path: str) -> str:
    """Return the text of `data` in the encoding of that name, as browsers know it.

    Raises:
        Undecodable: a byte does not fit, or the encoding is not one of the web.
    """
    return _decode(data, 0, _encoding(label, path), path)


def _encoding(label: str, path: str) -> str:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        name = ""
    name = _HTML_ENCODINGS.get(name, name)
    if not _ALLOWED.fullmatch(name):
        raise Undecodable(f"{path} declares the encoding {label[:40]!r}, which is not one of the web")
    return name


def _decode(data: bytes, skip: int, encoding: str, path: str) -> str:
    try:
        return data[skip:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = skip + error.start
        raise Undecodable(
            f"{path} is not {encoding}: byte {offset} (0x{data[offset]:02x}) does not fit",
            data={"byte_offset": offset, "encoding": encoding},
        ) from None
