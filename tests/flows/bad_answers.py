"""What upstreams should not say, byte for byte; and the good answers that it is made of."""

import gzip
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

TEXT = "Hello world."

CHAT_OPENING = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'
CHAT_PIECES = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"content": " world."}}]}\n\n',
)
CHAT_STOP = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
CHAT_USAGE = (
    b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}\n\n'
)
CHAT_DONE = b"data: [DONE]\n\n"
CHAT_STREAM = (CHAT_OPENING, *CHAT_PIECES, CHAT_STOP, CHAT_USAGE, CHAT_DONE)
CHAT_WHOLE = (
    b'{"choices": [{"index": 0, "finish_reason": "stop", "message": '
    b'{"role": "assistant", "content": "Hello world."}}], '
    b'"usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}'
)

MESSAGES_OPENING = (
    b'event: message_start\ndata: {"type": "message_start", "message": {"id": "m", "type": "message", '
    b'"role": "assistant", "model": "c", "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}}}'
    b"\n\n"
    b'event: content_block_start\ndata: {"type": "content_block_start", "index": 0, '
    b'"content_block": {"type": "text", "text": ""}}\n\n'
)
MESSAGES_PIECE = (
    b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, '
    b'"delta": {"type": "text_delta", "text": "%b"}}\n\n'
)
MESSAGES_END = (
    b'event: content_block_stop\ndata: {"type": "content_block_stop", "index": 0}\n\n'
    b'event: message_delta\ndata: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, '
    b'"usage": {"output_tokens": 3}}\n\n'
    b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
)
MESSAGES_STREAM = MESSAGES_OPENING + MESSAGES_PIECE % b"Hello" + MESSAGES_PIECE % b" world." + MESSAGES_END
MESSAGES_WHOLE = (
    b'{"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn", '
    b'"content": [{"type": "text", "text": "Hello world."}], '
    b'"usage": {"input_tokens": 7, "output_tokens": 3}}'
)
GEMINI_STREAM = (
    b'data: {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}}]}\n\n'
    b'data: {"candidates": [{"content": {"role": "model", "parts": [{"text": " world."}]}, '
    b'"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, '
    b'"totalTokenCount": 10}}\n\n'
)

STREAMS: Mapping[str, bytes] = {
    "openai": b"".join(CHAT_STREAM),
    "anthropic": MESSAGES_STREAM,
    "gemini": GEMINI_STREAM,
}
WHOLES: Mapping[str, bytes] = {"openai": CHAT_WHOLE, "anthropic": MESSAGES_WHOLE, "gemini": b""}
"""Gemini's are always asked for as a stream: no client of ours speaks its dialect."""

STREAM_KIND, WHOLE_KIND = b"text/event-stream", b"application/json"


class Bytes(msgspec.Struct, frozen=True):
    """What goes over the wire, each piece by itself; and what the upstream does then.

    `listen` for the next request, `close` the connection, or `stay` and say nothing more.
    """

    pieces: tuple[bytes, ...]
    then: Literal["listen", "close", "stay"] = "close"


def good(provider: str, *, is_stream: bool) -> bytes:
    """Return the body of a good answer."""
    return STREAMS[provider] if is_stream else WHOLES[provider]


def kind_of(*, is_stream: bool) -> bytes:
    """Return the type of its body."""
    return STREAM_KIND if is_stream else WHOLE_KIND


def answered(
    body: bytes, kind: bytes, *more: bytes, status: bytes = b"200 OK", length: int | None = None
) -> bytes:
    """Return an answer with `more` headers; `length` is what it says, None as it is."""
    said = len(body) if length is None else length
    head = (
        b"HTTP/1.1 %b" % status,
        b"content-type: %b" % kind,
        b"content-length: %d" % said,
        *more,
    )
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(kind: bytes, *chunks: bytes) -> bytes:
    """Return the head and the chunks of an answer without a length, as they are given."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % kind
    return head + b"".join(chunks)


def chunk(body: bytes) -> bytes:
    """Return `body` as one chunk."""
    return b"%x\r\n%b\r\n" % (len(body), body)


EARLY_HINT = b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
PACKED = b"content-encoding: gzip"
HTML = b"<!doctype html><title>It works</title><p>" + b"It is up. " * 200


def packed(body: bytes) -> bytes:
    """Return `body` as gzip."""
    return gzip.compress(body)


Says = Callable[[str, bool], Bytes]
"""What an upstream says to a request of a provider's dialect, for a stream or for a whole answer."""


def whole(body: bytes, *, more: Sequence[bytes] = (), length: int | None = None) -> Says:
    """Say `body` to everybody, as what was asked for."""
    return lambda _, is_stream: Bytes(
        (answered(body, kind_of(is_stream=is_stream), *more, length=length),), "listen"
    )


def bent(bend: Callable[[bytes], bytes], *more: bytes, length: int | None = None) -> Says:
    """Say a good answer, its body bent."""

    def says(provider: str, is_stream: bool) -> Bytes:  # noqa: FBT001 - a `Says`
        body = bend(good(provider, is_stream=is_stream))
        return Bytes((answered(body, kind_of(is_stream=is_stream), *more, length=length),), "listen")

    return says


def raw(*pieces: bytes, then: Literal["close", "stay"] = "close") -> Says:
    """Say `pieces` to everybody, and nothing else."""
    return lambda *_: Bytes(pieces, then)


def other(body: bytes, kind: bytes, status: bytes = b"200 OK", *more: bytes) -> Says:
    """Say something of another kind than was asked for."""
    return lambda *_: Bytes((answered(body, kind, *more, status=status),), "listen")


def in_chunks(*chunks: bytes) -> Says:
    """Begin a good answer in chunks, then send those."""
    return lambda _, is_stream: Bytes((chunked(kind_of(is_stream=is_stream), *chunks),))


def in_event(data: bytes) -> Says:
    """Say `data` where an event, or a whole answer, is expected."""
    return lambda _, is_stream: whole(b"data: %b\n\n" % data if is_stream else data)(_, is_stream)


def bytewise(provider: str, is_stream: bool) -> Bytes:  # noqa: FBT001 - a `Says`
    """Say a good answer in chunks of one byte."""
    chunks = (chunk(bytes([one])) for one in good(provider, is_stream=is_stream))
    return Bytes((chunked(kind_of(is_stream=is_stream), *chunks, LAST_CHUNK),), "listen")


def broken(ending: bytes, then: Literal["close", "stay"] = "close") -> Says:
    """Say the beginning of a good answer, with a word in it; then `ending`."""

    def says(provider: str, is_stream: bool) -> Bytes:  # noqa: FBT001 - a `Says`
        body = good(provider, is_stream=is_stream)
        half = body[: body.index(b" world.")]
        if is_stream:
            half = half[: half.rindex(b"\n\n") + 2]
        return Bytes((chunked(kind_of(is_stream=is_stream), chunk(half), ending),), then)

    return says


def chat(*events: bytes) -> Says:
    """Say those events to who asks for a stream, a good answer to others."""
    return lambda _, is_stream: Bytes(
        (answered(b"".join(events), STREAM_KIND) if is_stream else answered(CHAT_WHOLE, WHOLE_KIND),),
        "listen",
    )


SAID = (CHAT_OPENING, *CHAT_PIECES)
NOTHING_USED = CHAT_USAGE.replace(b"7", b"0").replace(b"3", b"0").replace(b"10", b"0")
MEGABYTE = 1_000_000
BOMB = gzip.compress(bytes(100 * MEGABYTE))

SAYS: Mapping[str, Says] = {
    "a good answer": bent(bytes),
    # Before a word was said.
    "a page that says 200": other(HTML, b"text/html"),
    "a page that says 502": other(HTML, b"text/html", b"502 Bad Gateway"),
    "no content": other(b"", b"text/plain", b"204 No Content"),
    "a redirect": other(b"", b"text/plain", b"307 Temporary Redirect", b"location: /elsewhere/v1"),
    "an empty body": whole(b""),
    "not packed as it says": bent(bytes, PACKED),
    "packed as nobody can": bent(bytes, b"content-encoding: snappy"),
    "nothing at all": raw(),
    "half a head": raw(b"HTTP/1.1 200 O"),
    "only an early hint": raw(EARLY_HINT),
    "another protocol": raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    "no HTTP": raw(b"\x00\x01 nonsense\r\n\r\n"),
    "headers without an end": raw(
        b"HTTP/1.1 200 OK\r\n", *(b"x-%d: %b\r\n" % (one, b"y" * 2_000) for one in range(100))
    ),
    "a header without an end": raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * MEGABYTE),
    "a chunk size that overflows": in_chunks(b"fffffffffffffffff1\r\nabc"),
    "a chunk size that is none": in_chunks(b"zz\r\nabc"),
    "a length below nothing": whole(b"ab", length=-1),
    "two lengths": bent(bytes, b"content-length: 3"),
    "a length and chunks": bent(bytes, b"transfer-encoding: chunked"),
    "a length that is too short": bent(bytes, length=30),
    "null": in_event(b"null"),
    "a list": in_event(b"[]"),
    "deep JSON": in_event(b'{"a":' * 100_000),
    "a whole answer for a stream, and a stream for a whole answer": lambda provider, is_stream: bent(bytes)(
        provider, not is_stream
    ),
    "ten megabytes in one event": in_event(b"x" * 10 * MEGABYTE),
    "ten megabytes without an event": whole(b"x" * 10 * MEGABYTE),
    "a little that unpacks to a hundred megabytes": whole(BOMB, more=[PACKED]),
    "silence": raw(then="stay"),
    "a head and silence": lambda _, is_stream: Bytes(
        (b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n\r\n" % kind_of(is_stream=is_stream),), "stay"
    ),
    # Odd, but right.
    "gzip that was not asked for": bent(packed, PACKED),
    "early hints first": lambda provider, is_stream: Bytes(
        (EARLY_HINT, b"HTTP/1.1 100 Continue\r\n\r\n", *bent(bytes)(provider, is_stream).pieces), "listen"
    ),
    "one byte after the other in chunks": bytewise,
    "fields that nobody knows": bent(lambda body: body.replace(b'"role"', b'"new": {"a": [1]}, "role"')),
    "a connection that is closed after it": lambda provider, is_stream: Bytes(
        bent(bytes, b"connection: close")(provider, is_stream).pieces
    ),
    # After a word was said.
    "cut": broken(b""),
    "a clean end in the middle": broken(LAST_CHUNK),
    "a bad chunk size in the middle": broken(b"fffffffffffffffff1\r\n"),
    "ten megabytes in the middle": broken(chunk(b"data: " + b"x" * 10 * MEGABYTE)),
    "silence in the middle": broken(b"", "stay"),
    # How chat completions end.
    "two finish reasons": chat(*SAID, CHAT_STOP, CHAT_STOP, CHAT_USAGE, CHAT_DONE),
    "two reasons that differ": chat(
        *SAID, CHAT_STOP, CHAT_STOP.replace(b"stop", b"length"), CHAT_USAGE, CHAT_DONE
    ),
    "usage twice": chat(*SAID, CHAT_STOP, CHAT_USAGE, CHAT_USAGE, CHAT_DONE),
    "no usage": chat(*SAID, CHAT_STOP, CHAT_DONE),
    "usage of nothing": chat(*SAID, CHAT_STOP, NOTHING_USED, CHAT_DONE),
    "no [DONE]": chat(*SAID, CHAT_STOP, CHAT_USAGE),
    "everything twice": chat(*CHAT_STREAM, *CHAT_STREAM),
    "a megabyte of nothing first": chat(*((b": " + b"-" * 1_000 + b"\n\n",) * 1_000), *CHAT_STREAM),
    "[DONE] in the middle": chat(CHAT_OPENING, CHAT_PIECES[0], CHAT_DONE, *CHAT_STREAM[2:]),
    "usage that is no number": chat(*SAID[:2], CHAT_USAGE.replace(b"7", b'"many"'), CHAT_DONE),
}
"""What can be asked for, by a name that says what is said."""
