"""Parsing in processes of their own: whatever a file does, it happens to one parser, and to one file."""

import asyncio
import sys
from types import TracebackType
from typing import Self

from buttress.kernel.errors import ButtressError
from buttress.kernel.signals import signal_name
from buttress.knowledge.ending import to_its_end
from buttress.knowledge.errors import ParserCrashed, ParserOutOfMemory, ParseTimeout, TooLarge
from buttress.knowledge.parsing.frames import (
    LENGTH_BYTES,
    Failed,
    Message,
    ParseRequest,
    Paused,
    Reply,
    error_of,
    read_message,
    to_frame,
)
from buttress.knowledge.settings import ParserSettings
from buttress.knowledge.types import ParsedDocument

_PIPE_BYTES = 1 << 20
_END_S = 2.0
_OUT_OF_MEMORY = frozenset({"SIGABRT", "SIGTRAP", "SIGKILL"})


class ParserPool:
    """Up to `settings.parsers` processes, each started when it is first needed, and again after it has ended.

    An async context manager; leaving it ends the processes. Any number of tasks may call `parse` at once.
    """

    def __init__(self, settings: ParserSettings) -> None:
        self._settings = settings
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        self._children = [_Child(settings.parser_memory_bytes) for _ in range(settings.parsers)]
        for child in self._children:
            self._idle.put_nowait(child)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_its_end(self._end_all())

    async def parse(self, data: bytes, path: str) -> ParsedDocument:
        """Return the document in `data`; see `dispatch.parse_bytes`.

        Raises:
            ParseTimeout: it took longer than `parse_timeout_s`, the time of OCR not counted, or OCR took
                longer over a page than it said; its parser was stopped.
            ParserCrashed: its parser ended without an answer.
            ButtressError: another one of `errors.PARSE_ERRORS`.
        """
        limits, timeout_s = self._settings.limits, self._settings.parse_timeout_s
        if len(data) > limits.max_file_bytes:
            raise TooLarge(f"{path} has {len(data):,} bytes; the limit is {limits.max_file_bytes:,}")
        request = ParseRequest(
            path=path, data=data, limits=limits, timeout_s=timeout_s, ocr=self._settings.ocr
        )
        child = await self._idle.get()
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                reply = await child.ask(request, deadline)
        except TimeoutError:
            raise ParseTimeout(f"{path} was not parsed within {timeout_s:g} s") from None
        finally:
            await child.end_if_busy()
            self._idle.put_nowait(child)
        if isinstance(reply, Failed):
            raise error_of(reply)
        return reply.document

    async def _end_all(self) -> None:
        for child in self._children:
            await child.end()


class _Child:
    """One parser process, or the place for one. Used by one task at a time."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._is_busy = False

    async def ask(self, request: ParseRequest, deadline: asyncio.Timeout) -> Reply:
        """Send a request and return its reply; `deadline` is moved where the parser pauses.

        A file is blamed only for the end of a process that was started for it: another may have died while
        nobody asked anything of it, or of what an earlier file left behind.

        Raises:
            ParserCrashed: the process ended before it replied.
            ParserOutOfMemory: it was ended by the system.
        """
        self._is_busy = True
        is_used = self._process is not None
        process = self._process = self._process or await self._start()
        try:
            reply = await _exchange(process, to_frame(request), deadline)
        except (ConnectionError, asyncio.IncompleteReadError):
            code = await process.wait()
            self._process = None
            if is_used:
                return await self.ask(request, deadline)
            raise _ended(request.path, code) from None
        self._is_busy = False
        return reply

    async def end_if_busy(self) -> None:
        """End a process that owes a reply nobody waits for; a healthy one goes on."""
        if self._is_busy:
            await self.end()

    async def end(self) -> None:
        """End the process: it is given a moment only when it is idle.

        It is forgotten when it is gone, not before: who is cancelled while waiting leaves it to the next one.
        """
        process = self._process
        if process is None:
            return
        if not self._is_busy and process.stdin is not None:
            process.stdin.close()
        elif process.returncode is None:
            process.kill()
        try:
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        self._process, self._is_busy = None, False

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a file in the working folder must not be taken for a library's module
            "-m",
            "buttress.knowledge.parsing.worker",
            str(self._memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_PIPE_BYTES,
        )


async def _exchange(process: asyncio.subprocess.Process, frame: bytes, deadline: asyncio.Timeout) -> Reply:
    """Write a frame, and return the reply that comes back, after as many pauses as it takes."""
    if process.stdin is None or process.stdout is None:
        raise ConnectionError("a process without pipes")
    process.stdin.write(frame)
    await process.stdin.drain()
    left_s = 0.0
    while isinstance(message := await _message(process.stdout), Paused):
        now = asyncio.get_running_loop().time()
        rest_s = (deadline.when() or now) - now
        left_s = rest_s if message.for_s else min(left_s, rest_s)
        deadline.reschedule(now + left_s + message.for_s)
    return message


async def _message(stream: asyncio.StreamReader) -> Message:
    length = await stream.readexactly(LENGTH_BYTES)
    return read_message(await stream.readexactly(int.from_bytes(length, "big")))


def _ended(path: str, code: int) -> ButtressError:
    """Say how a process ended. A library refused memory aborts; the system kills what takes too much."""
    if code >= 0:
        return ParserCrashed(f"the parser ended with code {code} while parsing {path}")
    name = signal_name(-code)
    if name in _OUT_OF_MEMORY:
        return ParserOutOfMemory(
            f"the parser was ended by {name}, out of memory it seems, while parsing {path}"
        )
    return ParserCrashed(f"the parser was ended by {name} while parsing {path}")
