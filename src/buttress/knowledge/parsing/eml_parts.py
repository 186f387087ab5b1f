"""What a mail is made of: its headers as people read them, its texts, the names of its attachments."""

import email
import email.policy
from collections.abc import Iterator
from email.errors import CloseBoundaryNotFoundDefect, HeaderParseError
from email.header import Header, decode_header
from email.message import Message

import msgspec

from buttress.knowledge.errors import BrokenFile
from buttress.knowledge.parsing.cleaning import clean, on_one_line, short_name
from buttress.knowledge.parsing.decoding import decode_as

MAX_DEPTH = 20
"""Parts and forwarded mails inside one another; beyond it a mail is refused."""

_HEADERS = frozenset({"from", "to", "subject", "date", "message-id", "mime-version", "received"})
_SHOWN = ("From", "To", "Cc", "Date")
_MAX_DECODED = 50_000
"""A longer header is shown as it stands: the library's time grows with the square of its length."""

_DEFAULT_CHARSET = "utf-8"
_ATTACHMENT = "attachment"


class Text(msgspec.Struct, frozen=True):
    """A piece of a mail's body."""

    text: str
    is_html: bool


class Attachment(msgspec.Struct, frozen=True):
    """A file that came with a mail, and was not read."""

    name: str


class Mail(msgspec.Struct, frozen=True):
    """A mail, or one that was forwarded inside it: `body` in the order it reads."""

    subject: str
    headers: tuple[str, ...]
    body: "tuple[Text | Attachment | Mail, ...]"
    is_cut_short: bool


def read_mail(data: bytes, path: str) -> Mail:
    """Return the mail in `data`.

    Raises:
        BrokenFile: it has no headers of a mail, or parts too deep inside one another.
        Undecodable: a text is not in the encoding it names.
    """
    try:
        message = email.message_from_bytes(data, policy=email.policy.compat32)
    except (RecursionError, ValueError) as error:
        raise BrokenFile(f"{path} is no mail that can be read: its parts stand too deep") from error
    if not _HEADERS & {name.lower() for name in message}:
        raise BrokenFile(f"{path} is no mail: it does not begin with headers such as From and Subject")
    return _mail(message, path, 0)


def header(message: Message, name: str) -> str:
    """Return a header as people read it: decoded, on one line; empty where there is none."""
    value = message.get(name)
    return "" if value is None else on_one_line(clean(_readable(value)))


def _readable(value: str | Header) -> str:
    """Decode what can be: a header in a wrong encoding only names the mail, and never costs it."""
    if len(str(value)) > _MAX_DECODED:
        return str(value)
    try:
        pieces = decode_header(value)
    except HeaderParseError:
        pieces = [(str(value), None)]
    return "".join(_decoded(text, charset) for text, charset in pieces)


def _decoded(text: bytes | str, charset: str | None) -> str:
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    for candidate in (charset or "utf-8", "utf-8"):
        try:
            return raw.decode(candidate)
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def _mail(message: Message, path: str, depth: int) -> Mail:
    shown = ((name, header(message, name)) for name in _SHOWN)
    return Mail(
        subject=header(message, "Subject"),
        headers=tuple(f"{name}: {value}" for name, value in shown if value),
        body=tuple(_body(message, path, depth)),
        is_cut_short=any(
            isinstance(defect, CloseBoundaryNotFoundDefect)
            for part in message.walk()
            for defect in part.defects
        ),
    )


def _body(part: Message, path: str, depth: int) -> Iterator[Text | Attachment | Mail]:
    if depth > MAX_DEPTH:
        raise BrokenFile(f"{path} has more than {MAX_DEPTH} parts or mails inside one another")
    inner = _inner(part)
    kind = part.get_content_type()
    if kind == "message/rfc822":
        for one in inner:
            yield _mail(one, path, depth + 1)
    elif kind == "multipart/alternative":
        yield from _alternative(inner, path, depth)
    elif part.get_content_maintype() == "multipart":
        if not inner:
            raise BrokenFile(f"{path} is cut short: a part of type {kind[:100]!r} holds nothing")
        for one in inner:
            yield from _body(one, path, depth + 1)
    else:
        yield from _leaf(part, kind, path)


def _alternative(versions: list[Message], path: str, depth: int) -> Iterator[Text | Attachment | Mail]:
    """Give the plain version if it says anything, else the last that does: the same text in other dress."""
    read = [[*_body(one, path, depth + 1)] for one in versions]
    telling = [
        version for version in read if any(not isinstance(one, Text) or one.text.strip() for one in version)
    ]
    plain = [
        version for version in telling if all(isinstance(one, Text) and not one.is_html for one in version)
    ]
    yield from next(iter([*plain, *telling[-1:]]), [])


def _leaf(part: Message, kind: str, path: str) -> Iterator[Text | Attachment]:
    is_attached = part.get_content_disposition() == _ATTACHMENT
    if part["Content-ID"] and kind.startswith("image/") and not is_attached:
        return  # a logo or the like, drawn by the HTML version
    name = _file_name(part) or f"a file of type {kind[:100]}"
    if kind not in {"text/plain", "text/html"} or is_attached:
        yield Attachment(short_name(clean(name)))
        return
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        yield Text(decode_as(content, _charset(part), path), kind == "text/html")


def _file_name(part: Message) -> str:
    try:
        return _readable(part.get_filename() or "")
    except (LookupError, ValueError):
        return ""


def _charset(part: Message) -> str:
    """Return the encoding that a text names; mail without one is read as UTF-8, of which ASCII is a part."""
    try:
        return part.get_content_charset(_DEFAULT_CHARSET)
    except (LookupError, ValueError):
        return _DEFAULT_CHARSET


def _inner(part: Message) -> list[Message]:
    """Return the parts of a part; the library says by a list that there are any."""
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
