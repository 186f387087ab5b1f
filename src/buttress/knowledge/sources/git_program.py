"""The git program, as a child that is told nothing but what it needs.

No shell, no prompt, no hook, no submodule; nobody's configuration or credentials but what is handed in; only
the one way of transport that was declared. What it says is bounded, and so is its time: then it and its
children are killed.
"""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

if sys.platform == "linux":
    import resource

from buttress.knowledge.ending import to_its_end
from buttress.knowledge.errors import TooLarge, Unreadable

MAX_OUTPUT_BYTES = 1 << 28
MAX_SAID_BYTES = 1 << 16
_SETTINGS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "credential.helper=",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "http.followRedirects=false",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=60",
    "protocol.version=2",
    "transfer.bundleURI=false",
)


SSH = "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=20"
"""Asks nobody, and ends by itself where the other side has gone."""


class GitFailed(Exception):
    """The program ended with an error; the message is its own last line."""


class GitCall(msgspec.Struct, frozen=True, kw_only=True):
    """What every call has: the bare repository, the transport that is allowed, more settings, and limits.

    `settings` are handed over in the environment, where no list of processes shows them. `max_file_bytes` is
    the largest file that it may write, where the system can limit that.
    """

    repository: Path
    transport: str
    timeout_s: float
    max_file_bytes: int
    settings: Mapping[str, str] = {}
    ssh_command: str = SSH


async def run_git(call: GitCall, *arguments: str) -> bytes:
    """Return what git says to `arguments`.

    Raises:
        GitFailed: it ended with an error, says too much, takes too long, or is not installed.
    """
    async with _started(call, arguments) as process:
        try:
            async with asyncio.timeout(call.timeout_s):
                said, complaint = await _all_of(process)
                code = await process.wait()
        except TimeoutError:
            raise GitFailed(f"git took longer than {call.timeout_s:g} s") from None
    if code != 0:
        raise GitFailed(_last_line(complaint) or f"git ended with {code}")
    return said


class BlobReader:
    """Reads blobs, one after another, from one `git cat-file --batch`, which is started when it is needed."""

    def __init__(self, call: GitCall) -> None:
        self._call = call
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._left: list[Process] = []

    async def read(self, blob: str, name: str, max_bytes: int) -> bytes:
        """Return the blob of that id; `name` is for messages.

        Raises:
            Unreadable: there is none, or git ended or did not answer.
            TooLarge: it has more than `max_bytes` bytes; it is not read then.
        """
        async with self._turn:
            is_whole = False
            try:
                async with asyncio.timeout(self._call.timeout_s):
                    data = await self._ask(blob, name, max_bytes)
                is_whole = True
            except TimeoutError:
                raise Unreadable(f"{name} cannot be read: git took too long") from None
            except (OSError, ValueError, asyncio.IncompleteReadError, GitFailed):
                raise Unreadable(f"{name} cannot be read: git ended") from None
            finally:
                if not is_whole:  # what it still has to say would be taken for the next answer
                    self._leave()
        if data is None:
            raise Unreadable(f"{name} cannot be read: it is not in the repository's copy")
        return data

    async def close(self) -> None:
        """End the program, and wait until it is gone."""
        self._leave()
        await to_its_end(self._gone())

    async def _gone(self) -> None:
        for process in self._left:
            await process.wait()
        self._left.clear()

    async def _ask(self, blob: str, name: str, max_bytes: int) -> bytes | None:
        process = await self._running()
        assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        assert process.stdout is not None  # noqa: S101 - the same
        process.stdin.write(f"{blob}\n".encode())
        await process.stdin.drain()
        head = (await process.stdout.readline()).split()
        if head[1:] == [b"missing"]:
            return None
        _, kind, size = head
        if kind != b"blob":
            raise ValueError(kind)
        if int(size) > max_bytes:
            raise TooLarge(f"{name} has {int(size):,} bytes; the limit is {max_bytes:,}")
        return (await process.stdout.readexactly(int(size) + 1))[:-1]

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._leave()
            self._process = await _start(self._call, ("cat-file", "--batch"), stdin=PIPE, stderr=DEVNULL)
        return self._process

    def _leave(self) -> None:
        if self._process is not None:
            _kill(self._process)
            self._left.append(self._process)
        self._process = None


@asynccontextmanager
async def _started(call: GitCall, arguments: Sequence[str]) -> AsyncIterator[Process]:
    """Have the program for the block; afterwards it and all that it started are gone."""
    process = await _start(call, arguments, stdin=DEVNULL, stderr=PIPE)
    try:
        yield process
    finally:
        _kill(process)
        await process.wait()


async def _start(call: GitCall, arguments: Sequence[str], *, stdin: int, stderr: int) -> Process:
    program = shutil.which("git")
    if program is None:
        raise GitFailed("the program `git` is not installed")
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    process = await asyncio.create_subprocess_exec(
        program,
        *settings,
        f"--git-dir={call.repository}",
        *arguments,
        stdin=stdin,
        stdout=PIPE,
        stderr=stderr,
        cwd=call.repository,
        env=_environment(call, program),
        start_new_session=True,
    )
    _limit(process, call.max_file_bytes)
    return process


def _limit(process: Process, max_file_bytes: int) -> None:
    """Bound the files it writes, and with it what it starts: what is fetched is one file, however large."""
    if sys.platform == "linux":
        with suppress(ProcessLookupError):  # it has ended already
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))


def _environment(call: GitCall, program: str) -> dict[str, str]:
    handed = {
        f"GIT_CONFIG_{part}_{index}": text
        for index, pair in enumerate(call.settings.items())
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        "PATH": os.pathsep.join((str(Path(program).parent), os.defpath)),
        "HOME": str(call.repository),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": call.transport,
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_SSH_COMMAND": call.ssh_command,
        "GIT_CONFIG_COUNT": str(len(call.settings)),
        **handed,
    }


async def _all_of(process: Process) -> tuple[bytes, bytes]:
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    assert process.stderr is not None  # noqa: S101 - the same
    try:
        async with asyncio.TaskGroup() as group:
            said = group.create_task(_bounded(process.stdout, MAX_OUTPUT_BYTES))
            complaint = group.create_task(_bounded(process.stderr, MAX_SAID_BYTES))
    except ExceptionGroup:
        raise GitFailed("git says more than it may") from None
    return said.result(), complaint.result()


async def _bounded(stream: asyncio.StreamReader, max_bytes: int) -> bytes:
    pieces, size = [], 0
    while piece := await stream.read(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise ValueError(size)
    return b"".join(pieces)


def _kill(process: Process) -> None:
    """Kill it with what it started: a helper would go on with the network."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)


def _last_line(complaint: bytes) -> str:
    lines = [line.strip() for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("fatal:", "error:"))]
    line = (named or lines or [""])[0].removeprefix("fatal:").removeprefix("error:").strip()
    return "".join(character if character.isprintable() else "?" for character in line)[:300]
