"""What a function's process and its parent say to each other: JSON behind four bytes of length.

Imports nothing but msgspec: this is most of what such a process has to load.
"""

import msgspec

LENGTH_BYTES = 4
MAX_REPLY_BYTES = 2_000_000
"""No honest reply is longer; a process that claims to send more has lost its way."""


class Load(msgspec.Struct, frozen=True, kw_only=True, tag="load"):
    """Make `source`, the content of the file at `path`, the module `module`, and keep it."""

    module: str
    path: str
    source: bytes
    within_s: float


class Call(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """Call `function` of a module that was loaded with `values`, the input."""

    module: str
    function: str
    values: dict[str, object]
    within_s: float


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """It went well. What the function returned: its answer, None when it has none, or nothing was asked."""

    text: str | None


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Why there is no result."""

    reason: str


Request = Load | Call
Reply = Answered | Failed

_REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_REPLIES: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def to_frame(message: Request | Reply) -> bytes:
    """Return a message as it goes over the pipe.

    Raises:
        UnicodeEncodeError: a text holds half a character (a surrogate).
    """
    body = msgspec.json.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_request(body: bytes) -> Request:
    """Return the request in a frame's body."""
    return _REQUESTS.decode(body)


def read_reply(body: bytes) -> Reply:
    """Return the reply in a frame's body.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _REPLIES.decode(body)
