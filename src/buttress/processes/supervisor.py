"""The supervisor: starts all children of a project in order, watches them, and stops them in order."""

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from buttress.kernel.clock import Clock
from buttress.processes.announcing import read_json, replace_file, said_file
from buttress.processes.errors import RunFolderUnusable, SupervisorRunning
from buttress.processes.identity import is_alive, process_identity
from buttress.processes.keeping import Keeper, Surroundings
from buttress.processes.types import SUPERVISOR, ChildSpec, ChildStatus, Said, Supervised
from buttress.storage.filelocks import try_lock
from buttress.storage.folder import KEPT

_log = logging.getLogger(__name__)

_REST_S = 1.0
"""What each later stage of a stop has at least, where the ones before it took all they could."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Looks after the `children` of the project at `project_dir`; `report` hears of every change of one.

    Their output goes to `.buttress/logs/NAME.log`, with `foreground_logs` to where ours goes.

    Raises:
        ValueError: two children have the same name.
    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        project_dir: Path,
        clock: Clock,
        *,
        report: Callable[[ChildStatus], None],
        foreground_logs: bool = False,
    ) -> None:
        if len({child.name for child in children}) < len(children):
            raise ValueError("two children have the same name")
        home = project_dir.resolve() / KEPT
        self._children = children
        self._run_dir = home / "run"
        self._log_dir = None if foreground_logs else home / "logs"
        self._clock = clock
        self._report = report
        self._stop_asked = asyncio.Event()
        self._all_ready = asyncio.Event()
        self._keepers: list[Keeper] = []
        self._started_at: datetime = clock.now()

    def stop(self) -> None:
        """Ask for the end: children are stopped in order. Asked a second time, they are killed."""
        if self._stop_asked.is_set():
            for keeper in self._keepers:
                keeper.kill()
        self._stop_asked.set()

    async def wait_until_ready(self) -> None:
        """Wait until every child but the optional ones is ready, all at the same time."""
        await self._all_ready.wait()

    @property
    def statuses(self) -> tuple[ChildStatus, ...]:
        """How the children are, in the order they were given."""
        return tuple(keeper.status for keeper in self._keepers)

    async def run(self) -> None:
        """Run the children until `stop`, or SIGTERM, SIGINT or SIGHUP; then stop them in order.

        Stopped in order, too, when this is cancelled. To be run once, in the main thread.

        Raises:
            SupervisorRunning: the project has a supervisor; the message holds its pid.
            RunFolderUnusable: `.buttress/run` cannot be written.
        """
        with the_only_one(self._run_dir), lifeline() as stdin:
            around = Surroundings(run_dir=self._run_dir, log_dir=self._log_dir, lifeline=stdin)
            self._keepers = [Keeper(one, around, self._clock, self._tell) for one in self._children]
            self._write()
            async with self._on_signals(), asyncio.TaskGroup() as group:
                for keeper in self._keepers:
                    group.create_task(keeper.run(), name=keeper.spec.name)
                    await asyncio.sleep(0)
                try:
                    await self._stop_asked.wait()
                finally:
                    self._stop_asked.set()
                    await self._stop_in_order()
            said_file(self._run_dir, SUPERVISOR).unlink(missing_ok=True)

    async def _stop_in_order(self) -> None:
        """Stop all within the longest `stop_timeout_s` of them: who comes first leaves the others a rest."""
        in_order = sorted(self._keepers, key=_stop_order)
        stages = [list(together) for _, together in itertools.groupby(in_order, key=_stop_order)]
        total_s = max((keeper.spec.stop_timeout_s for keeper in self._keepers), default=0.0)
        deadline = self._clock.monotonic() + total_s
        for behind, together in zip(reversed(range(len(stages))), stages, strict=True):
            left_s = deadline - self._clock.monotonic() - behind * min(_REST_S, total_s / 10)
            async with asyncio.TaskGroup() as group:
                for keeper in together:
                    group.create_task(keeper.stop(left_s))

    @asynccontextmanager
    async def _on_signals(self) -> AsyncIterator[None]:
        """Stop on signals; one that we were told to ignore (`nohup`) stays ignored."""
        loop = asyncio.get_running_loop()
        heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        for number in heeded:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in heeded:
                loop.remove_signal_handler(number)

    def _tell(self, status: ChildStatus) -> None:
        try:
            self._write()
        except RunFolderUnusable as error:  # a full disk is no reason to take the house down
            _log.warning("%s", error.message)
        if not any(one.is_awaited for one in self.statuses):
            self._all_ready.set()
        self._report(status)

    def _write(self) -> None:
        supervised = Supervised(
            pid=os.getpid(),
            process=process_identity(os.getpid()) or "",
            started_at=self._started_at,
            children=self.statuses,
        )
        replace_file(said_file(self._run_dir, SUPERVISOR), msgspec.json.encode(supervised))


def _stop_order(keeper: Keeper) -> int:
    return keeper.spec.stop_order


@contextmanager
def the_only_one(run_dir: Path) -> Iterator[None]:
    """Be the only supervisor for the block.

    Raises:
        SupervisorRunning: there is one; the message holds its pid.
        RunFolderUnusable: the folder cannot be written.
    """
    path = run_dir / "supervisor.lock"
    try:
        run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = try_lock(path)
    except OSError as error:
        raise RunFolderUnusable(f"{run_dir} cannot be written: {error.strerror or error}") from error
    if lock is None:
        pid = path.read_text().strip()
        raise SupervisorRunning(f"this project is being served already, by process {pid or 'unknown'}")
    with lock:
        os.ftruncate(lock.descriptor, 0)
        os.write(lock.descriptor, f"{os.getpid()}\n".encode())
        for path in run_dir.glob("*.json"):
            left = read_json(path, Said)
            if not (left and is_alive(left.pid, left.process)):
                path.unlink(missing_ok=True)
        yield


@contextmanager
def lifeline() -> Iterator[int]:
    """Make the pipe whose end tells the children that we are gone; yield what they get as stdin."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)
