"""Python functions in processes of their own: whatever one does, it happens to one answer.

A thread would be cheaper, but cannot be stopped, and shares the interpreter's lock, the standard output and
the environment with every other answer of the process.
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.signals import signal_name
from buttress.releases.frames import (
    LENGTH_BYTES,
    MAX_REPLY_BYTES,
    Answered,
    Call,
    Failed,
    Load,
    Request,
    read_reply,
    to_frame,
)
from buttress.releases.settings import ReleaseSettings

_END_S = 2.0

MAX_MODULES = 64
"""Files that a process keeps loaded; then it begins anew: each edit of a rule makes another file."""


class Module(msgspec.Struct, frozen=True):
    """A file of functions as it was compiled; `name` is one that only this file has."""

    name: str
    path: str
    source: bytes


class Unloadable(msgspec.Struct, frozen=True):
    """Why a module was not loaded. `is_final`: the file itself raised it, the next try would fail as well.

    Else its process ended or was late: the file may do that, or the machine.
    """

    reason: str
    is_final: bool = True


class FunctionPool:
    """Up to `settings.function_processes` processes, started when needed, and again after they have ended.

    Any number of tasks may call at once; `aclose` ends the processes.
    """

    def __init__(self, settings: ReleaseSettings) -> None:
        self._settings = settings
        self._children = [_Child(settings) for _ in range(settings.function_processes)]
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        for child in self._children:
            self._idle.put_nowait(child)

    async def call(
        self, module: Module, function: str, values: Mapping[str, object]
    ) -> str | Failed | Unloadable | None:
        """Return the function's answer to `values`, None when it has none, or why it failed; never raises.

        A process must be free within `function_deadline_s`; then the function has as long for its answer. One
        that is late is stopped, and so is one whose caller is cancelled.
        """
        deadline_s = self._settings.function_deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                child = await self._idle.get()
        except TimeoutError:
            return Failed(f"all {len(self._children)} processes were busy for {deadline_s:g} s")
        try:
            return await child.call(module, function, values)
        finally:  # without waiting: a second cancellation must not cost the child's place
            child.stop_if_busy()
            self._idle.put_nowait(child)

    async def aclose(self) -> None:
        """End all processes."""
        for child in self._children:
            await child.end()


class _Child:
    """One process, or the place for one. Used by one task at a time."""

    def __init__(self, settings: ReleaseSettings) -> None:
        self._settings = settings
        self._process: Process | None = None
        self._modules: set[str] = set()
        self._is_busy = False
        self._stopped: list[Process] = []

    async def call(
        self, module: Module, function: str, values: Mapping[str, object]
    ) -> str | Failed | Unloadable | None:
        """See `FunctionPool.call`."""
        try:
            if module.name not in self._modules and len(self._modules) >= MAX_MODULES:
                await self.end()
            process = await self._running()
        except OSError as error:
            return Failed(f"no process can be started for it: {error.strerror or type(error).__name__}")
        if module.name not in self._modules:
            loaded = await self._ask(process, _load(module, self._settings.load_deadline_s))
            if isinstance(loaded, Failed):
                return Unloadable(loaded.reason, is_final=not self._is_busy)  # busy: it never replied
            self._modules.add(module.name)
        within_s = self._settings.function_deadline_s
        call = Call(module=module.name, function=function, values=dict(values), within_s=within_s)
        answer = await self._ask(process, call)
        return answer.text if isinstance(answer, Answered) else answer

    def stop_if_busy(self) -> None:
        """Stop a process that owes a reply nobody waits for; a healthy one goes on."""
        if self._is_busy and self._process is not None:
            _kill(self._process)
            self._leave()

    async def end(self) -> None:
        """End the process, and wait until it and those that were stopped are gone."""
        self.stop_if_busy()
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._leave()
        for process in self._stopped:
            await _end_of(process)
        self._stopped.clear()

    async def _running(self) -> Process:
        """Return the process; a new one when there is none, or it died while nobody asked anything of it."""
        if self._process is not None and not _has_ended(self._process):
            return self._process
        self._leave()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a file in the working folder must not be taken for a library's module
            "-m",
            "buttress.releases.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self._process

    def _leave(self) -> None:
        self._stopped = [one for one in self._stopped if one.returncode is None]
        if self._process is not None:
            self._stopped.append(self._process)
        self._process, self._is_busy = None, False
        self._modules.clear()

    async def _ask(self, process: Process, request: Request) -> Answered | Failed:
        """Return the reply to a request. What is not one leaves the process busy: it will be stopped."""
        self._is_busy = True
        try:
            async with asyncio.timeout(request.within_s):
                reply = read_reply(await _exchange(process, to_frame(request)))
        except TimeoutError:
            return Failed(f"it took longer than {request.within_s:g} s")
        except (ConnectionError, asyncio.IncompleteReadError):
            return Failed(f"its process ended {_said(await _end_of(process))}")
        except UNDECODABLE:
            return Failed("it wrote into its process's own pipe")
        self._is_busy = False
        return reply


def _load(module: Module, within_s: float) -> Load:
    return Load(module=module.name, path=module.path, source=module.source, within_s=within_s)


async def _exchange(process: Process, frame: bytes) -> bytes:
    """Write a frame, and return the body of the one that comes back."""
    if process.stdin is None or process.stdout is None:
        raise ConnectionError("a process without pipes")
    process.stdin.write(frame)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
    if length > MAX_REPLY_BYTES:
        raise msgspec.DecodeError(f"a reply of {length:,} bytes")
    return await process.stdout.readexactly(length)


def _has_ended(process: Process) -> bool:
    """Say whether a process is dead, also when the event loop has not heard of it yet."""
    if process.returncode is not None or sys.platform == "win32":
        return process.returncode is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # somebody else was told
        return True


async def _end_of(process: Process) -> int:
    """Return how a process ended; one that goes on without its pipes is killed."""
    try:
        async with asyncio.timeout(_END_S):
            return await process.wait()
    except TimeoutError:
        _kill(process)
        return await process.wait()


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


def _said(code: int) -> str:
    return f"with code {code}" if code >= 0 else f"by {signal_name(-code)}"
