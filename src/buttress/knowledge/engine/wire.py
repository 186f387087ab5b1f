"""What an engine and its callers say to each other: frames of msgpack over a loopback connection.

A frame is its length in 4 bytes, big-endian, and one message. The caller's first is `Hello`, answered by
`Welcome` or a `Failure`; then come `Request`s, answered in any order by `Reply` or `Failure` with the same
id.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from buttress.kernel.errors import UNDECODABLE, ButtressError
from buttress.knowledge.errors import ENGINE_ERRORS, EngineAway, EngineFailed

PROTOCOL = 4
"""Raised when messages change: an engine refuses callers of another version."""

HELLO_BYTES = 4_096
"""Most bytes anybody may send before the token was seen."""

_LENGTH_BYTES = 4

Method = Literal["search", "rank_sentences", "embed", "rerank", "status"]


class FrameTooLarge(Exception):
    """The other side announced more bytes than are taken; the connection cannot go on."""


CONNECTION_LOST = (asyncio.IncompleteReadError, OSError, FrameTooLarge, *UNDECODABLE)
"""What reading and decoding a message may raise: the other side left, or does not keep to the rules."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine listens, and the token it wants: what is in its run file."""

    host: str
    port: int
    token: str
    pid: int


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Who has the token may ask."""

    token: str
    protocol: int = PROTOCOL


class Request(msgspec.Struct, frozen=True, tag="request", kw_only=True):
    """One call. `body` is what the method takes; the caller gives up after `timeout_s`."""

    id: int
    method: Method
    timeout_s: float
    body: msgspec.Raw


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Nobody waits for the call of this id any more."""

    id: int


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The token was right."""

    protocol: int = PROTOCOL


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What the call of this id returned."""

    id: int
    body: msgspec.Raw


class Failure(msgspec.Struct, frozen=True, tag="failure", kw_only=True):
    """What the call of this id raised; id 0 is the connection itself."""

    id: int
    code: str
    message: str
    hint: str
    data: dict[str, object] = msgspec.field(default_factory=dict)


class Sentences(msgspec.Struct, frozen=True):
    """The body of `rank_sentences`."""

    question: str
    sentences: Sequence[str]


FromCaller = Hello | Request | Cancel
FromEngine = Welcome | Reply | Failure


def failure_of(error: ButtressError, request_id: int) -> Failure:
    """Return `error` as it is sent."""
    return Failure(id=request_id, code=error.code, message=error.message, hint=error.hint, data=error.data)


def error_of(failure: Failure) -> ButtressError:
    """Return the error that was sent, as itself when its code is known."""
    kind = ENGINE_ERRORS.get(failure.code, EngineFailed)
    message = failure.message if kind.code == failure.code else f"{failure.code}: {failure.message}"
    return kind(message, hint=failure.hint, data=failure.data)


async def read_frame(reader: asyncio.StreamReader, max_bytes: int) -> bytes:
    """Return the next message's bytes.

    Raises:
        FrameTooLarge: more than `max_bytes` were announced; none was read.
        asyncio.IncompleteReadError, OSError: the connection ended.
    """
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    if length > max_bytes:
        raise FrameTooLarge(f"{length} bytes were announced, {max_bytes} are taken")
    return await reader.readexactly(length)


def frame(message: FromCaller | FromEngine) -> bytes:
    """Return `message` as it is sent."""
    payload = msgspec.msgpack.encode(message)
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + payload


def write_address(path: Path, address: Address) -> None:
    """Write a run file, whole or not at all, that only the user we run as can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{address.pid}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(address))
    draft.replace(path)


def read_address(path: Path) -> Address:
    """Return what a run file says.

    Raises:
        EngineAway: there is none, or it is not one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Address)
    except OSError as error:
        raise EngineAway(f"no engine runs here: {path}: {error.strerror}") from error
    except UNDECODABLE as error:
        raise EngineAway(f"{path} is no run file of an engine: {error}") from error
