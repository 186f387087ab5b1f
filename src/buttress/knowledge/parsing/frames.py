"""What a parser's process and its parent say to each other: msgpack behind four bytes of length."""

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import PARSE_ERRORS, ParserCrashed
from buttress.knowledge.settings import OcrSettings, ParseLimits
from buttress.knowledge.types import ParsedDocument

LENGTH_BYTES = 4


class ParseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Parse `data`, and be dead after `timeout_s` whatever happens."""

    path: str
    data: bytes
    limits: ParseLimits
    timeout_s: float
    ocr: OcrSettings = OcrSettings()


class Parsed(msgspec.Struct, frozen=True, tag="parsed"):
    """It went well."""

    document: ParsedDocument


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It did not: an error by its code."""

    code: str
    message: str
    hint: str
    data: dict[str, object]


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """What comes now may take `for_s` seconds that are not the document's own; 0: it is over."""

    for_s: float


Reply = Parsed | Failed
Message = Parsed | Failed | Paused

_REQUESTS = msgspec.msgpack.Decoder(ParseRequest)
_MESSAGES: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def to_frame(message: ParseRequest | Message) -> bytes:
    """Return a message as it goes over the pipe."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_request(body: bytes) -> ParseRequest:
    """Return the request in a frame's body."""
    return _REQUESTS.decode(body)


def read_message(body: bytes) -> Message:
    """Return what a parser says in a frame's body: a reply ends the request, a pause does not."""
    return _MESSAGES.decode(body)


def failure(error: ButtressError) -> Failed:
    """Return an error as it goes over the pipe."""
    return Failed(error.code, error.message, error.hint, error.data)


def error_of(failed: Failed) -> ButtressError:
    """Return the error that was sent."""
    kind = PARSE_ERRORS.get(failed.code, ParserCrashed)
    return kind(failed.message, hint=failed.hint, data=failed.data)
