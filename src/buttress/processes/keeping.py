"""Keeps one child running: starts it, watches it, starts it again."""

import asyncio
import math
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from buttress.kernel.clock import Clock
from buttress.kernel.signals import signal_name
from buttress.processes.announcing import said_file
from buttress.processes.backoff import restart_delay_s
from buttress.processes.beating import read_beat
from buttress.processes.logs import last_line, open_log, trim_log
from buttress.processes.pulse import LOOK_EVERY_S, Pulse, after_look, is_hung
from buttress.processes.status import read_said
from buttress.processes.types import ChildSpec, ChildStatus, Said, State

STEADY_S = 30.0
"""A child that was ready for this long starts with a clean slate when it ends."""
_POLL_S = 0.03


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What all children of a supervisor share. `log_dir` None: their output goes where the supervisor's goes.

    `lifeline` is the end of a pipe that they get as stdin.
    """

    run_dir: Path
    log_dir: Path | None
    lifeline: int


class Keeper:
    """Keeps the child of `spec` running, from `run` until `stop`; `tell` hears of every change."""

    def __init__(
        self, spec: ChildSpec, around: Surroundings, clock: Clock, tell: Callable[[ChildStatus], None]
    ) -> None:
        self.spec = spec
        self.status = ChildStatus(name=spec.name, state=State.STOPPED, optional=spec.optional)
        self._around = around
        self._clock = clock
        self._tell = tell
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._ended: asyncio.Task[int] | None = None
        self._log_start = 0
        self._pulse = Pulse()

    async def run(self) -> None:
        """Start the child, and again whenever it ends, until `stop`."""
        while not self._stopping.is_set():
            lasted, reason = await self._live()
            if self._stopping.is_set():
                break
            failures = 1 if lasted else self.status.failures + 1
            await self._wait_for_next_start(failures, reason)
        said_file(self._around.run_dir, self.spec.name).unlink(missing_ok=True)
        self._change(state=State.STOPPED, pid=None, next_start_at=None)

    async def stop(self, within_s: float = math.inf) -> None:
        """Stop the child: SIGTERM, and SIGKILL later. It is not started again.

        Later is after `stop_timeout_s` or `within_s`, whichever is shorter; sooner where it falls silent.
        """
        self._stopping.set()
        if self._process:
            await self._end(self._process, within_s)

    def kill(self) -> None:
        """Kill the child and all it has started, at once. It is not started again."""
        self._stopping.set()
        if self._process:
            _kill_group(self._process.pid)

    async def _wait_for_next_start(self, failures: int, reason: str) -> None:
        delay_s = restart_delay_s(failures)
        self._change(
            state=State.WAITING,
            pid=None,
            message=reason,
            last_end=reason,
            failures=failures,
            restarts=self.status.restarts + 1,
            next_start_at=self._clock.now() + timedelta(seconds=delay_s),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stopping.wait()

    async def _live(self) -> tuple[bool, str]:
        """Start the child and wait for its end; say whether it had lasted, and why it ended."""
        try:
            process = await self._start()
        except OSError as error:
            return False, f"could not be started: {error}"
        self._process, self._pulse = process, Pulse()
        async with asyncio.TaskGroup() as group:
            # One wait for all who want to know: asyncio keeps each that is given up until the process ends.
            self._ended = group.create_task(process.wait())
            try:
                return await self._watch(process)
            finally:
                self._process = None
                _kill_group(process.pid)  # what it has started goes with it

    async def _start(self) -> Process:
        said_file(self._around.run_dir, self.spec.name).unlink(missing_ok=True)
        with ExitStack() as resources:
            log = None
            if self._around.log_dir:
                log = resources.enter_context(open_log(self._around.log_dir, self.spec.name))
                self._log_start = log.tell()
            process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                stdin=self._around.lifeline,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.spec.pass_fds,
            )
        self._change(state=State.STARTING, pid=process.pid, started_at=self._clock.now(), next_start_at=None)
        return process

    async def _watch(self, process: Process) -> tuple[bool, str]:
        if self._stopping.is_set():  # it was said while the process was being made
            await self._end(process)
        if not await self._becomes_ready(process):
            if process.returncode is None:
                await self._end(process)
                return False, f"was not ready and said nothing new for {self.spec.ready_timeout_s:g} s"
            return False, self._farewell(process)
        ready_since = self._clock.monotonic()
        reason = await self._listen(process) or self._farewell(process)
        return self._clock.monotonic() - ready_since >= STEADY_S, reason

    async def _listen(self, process: Process) -> str:
        """Hear what a child says of itself after it was ready, until it ends; one that hangs is killed.

        Return why it was killed; empty when it ended by itself.
        """
        last: Said | None = None
        while True:
            said = read_said(self._around.run_dir, self.spec.name)
            if self._pulse.is_silent:
                self._note_silence()
                last = None
            elif said and said.pid == process.pid and said != last:
                last = said
                self._hear(State.READY if said.ready else State.NOT_READY, said.message)
            if await self._ends_within(LOOK_EVERY_S):
                return ""
            if self._stopping.is_set():
                continue  # `stop` looks itself
            self._look()
            if is_hung(self._pulse, self.spec.hang_timeout_s):
                await _kill(process)
                return f"said nothing for {self._pulse.silent_s:g} s: it hung"

    def _look(self) -> None:
        self._pulse = after_look(self._pulse, read_beat(self._around.run_dir, self.spec.name))
        if self._around.log_dir and trim_log(self._around.log_dir, self.spec.name):
            self._log_start = 0

    def _note_silence(self) -> None:
        if self.status.state is not State.SILENT:
            self._hear(State.SILENT, f"has said nothing for {self._pulse.silent_s:g} s")

    async def _becomes_ready(self, process: Process) -> bool:
        """Wait until the child says that it is ready; False when it ends, or says nothing for too long."""
        last: Said | None = None
        deadline = self._clock.monotonic() + self.spec.ready_timeout_s
        while not await self._ends_within(_POLL_S):
            said = read_said(self._around.run_dir, self.spec.name)
            if said and said.pid == process.pid and said != last:
                if said.ready:
                    return True
                last = said
                deadline = self._clock.monotonic() + self.spec.ready_timeout_s
                self._hear(State.NOT_READY, said.message)
            if self._clock.monotonic() >= deadline:
                return False
        return False

    async def _end(self, process: Process, within_s: float = math.inf) -> None:
        self._change(state=State.STOPPING)
        with suppress(ProcessLookupError):
            process.terminate()
        if not await self._ends_in_order(process, min(within_s, self.spec.stop_timeout_s)):
            await _kill(process)

    async def _ends_in_order(self, process: Process, within_s: float) -> bool:
        """Wait for its end; False when it takes longer than `within_s`, or hangs meanwhile."""
        deadline = self._clock.monotonic() + within_s
        while (left_s := deadline - self._clock.monotonic()) > 0 and not self._pulse.is_silent:
            if await self._ends_within(min(left_s, LOOK_EVERY_S)):
                return True
            if self._pulse.last is not None:  # else it was never ready: what it does then may block its loop
                self._look()
        return process.returncode is not None

    async def _ends_within(self, seconds: float) -> bool:
        if self._ended is None:
            return False
        done, _ = await asyncio.wait({self._ended}, timeout=seconds)
        return bool(done)

    def _farewell(self, process: Process) -> str:
        code = process.returncode or 0
        if code < 0:
            return f"was ended by {signal_name(-code)}"  # its last words are about something else
        how = f"exited with code {code}"
        log_dir = self._around.log_dir
        said = last_line(log_dir, self.spec.name, self._log_start) if log_dir else ""
        return f"{how}: {said}" if said else how

    def _hear(self, state: State, message: str) -> None:
        """Take notice of what the child says; one that is being stopped may say what it likes."""
        if not self._stopping.is_set():
            self._change(state=state, message=message)

    def _change(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)
        self._tell(self.status)


async def _kill(process: Process) -> None:
    _kill_group(process.pid)
    await process.wait()


def _kill_group(leader: int) -> None:
    """Kill a child and all it has started: it was made the leader of a group of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
