"""A parser's own process: requests on standard input, replies on standard output, one at a time.

Started by `pool` as `python -m buttress.knowledge.parsing.worker MEMORY_BYTES`. It ends when its input does.
An error nobody foresaw ends it, too: its parent says which file that was, and starts another.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import ParserOutOfMemory
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.parsing.frames import (
    LENGTH_BYTES,
    Message,
    Parsed,
    ParseRequest,
    Paused,
    Reply,
    failure,
    read_request,
    to_frame,
)
from buttress.knowledge.parsing.ocr import open_ocr

if sys.platform != "win32":
    import resource

_GRACE_S = 5.0
"""The parent stops a late parser first; the alarm is for when there is no parent any more."""


def main() -> None:
    """Serve until standard input ends. What libraries print goes to standard error, not into the replies."""
    limit_memory(int(sys.argv[1]))
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while (body := _read_frame(sys.stdin.buffer)) is not None:
        _send(replies, _answer(read_request(body), replies))


def limit_memory(size_bytes: int) -> None:
    """Bound this process's address space, and leave no core behind; where the system cannot, do nothing."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(request: ParseRequest, replies: BinaryIO) -> Reply:
    _set_alarm(request.timeout_s + _GRACE_S)
    try:
        ocr = open_ocr(request.ocr, partial(_paused, replies))
        return Parsed(parse_bytes(request.data, request.path, request.limits, ocr))
    except ButtressError as error:
        return failure(error)
    except MemoryError:
        return failure(ParserOutOfMemory(f"{request.path} needs more memory than its parser may take"))
    finally:
        _set_alarm(0)


def _send(replies: BinaryIO, message: Message) -> None:
    replies.write(to_frame(message))
    replies.flush()


@contextmanager
def _paused(replies: BinaryIO, for_s: float) -> Iterator[None]:
    """Have the document's own time stand still for so long in the block, here and at the parent's."""
    left_s = _set_alarm(0)
    _set_alarm(left_s + for_s)
    _send(replies, Paused(for_s))
    try:
        yield
    finally:
        _set_alarm(min(left_s, _set_alarm(0)))
        _send(replies, Paused(0))


def _set_alarm(seconds: float) -> float:
    """Have the system end this process after so long, even inside a library; 0 takes it back.

    Return how many seconds were left.
    """
    if sys.platform == "win32":
        return 0.0
    return signal.setitimer(signal.ITIMER_REAL, seconds)[0]


def _read_frame(stream: BinaryIO) -> bytes | None:
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    return stream.read(int.from_bytes(length, "big"))


if __name__ == "__main__":
    main()
