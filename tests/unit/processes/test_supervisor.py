"""All children of a project: in order, and never longer than their supervisor."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.clock import Clock
from buttress.processes.errors import RunFolderUnusable, SupervisorRunning
from buttress.processes.identity import process_identity
from buttress.processes.status import read_status
from buttress.processes.supervisor import Supervisor
from buttress.processes.types import ChildSpec, ChildStatus, State
from tests.waiting import wait_until

Child = Callable[..., ChildSpec]
ChildOf = Callable[..., ChildSpec]
Running = Callable[[Sequence[ChildSpec]], AbstractAsyncContextManager[Supervisor]]

pytestmark = pytest.mark.slow

SUPERVISE = """
import asyncio, sys
from pathlib import Path
import msgspec
from buttress.kernel.clock import SystemClock
from buttress.processes.supervisor import Supervisor
from buttress.processes.types import ChildSpec

async def main():
    children = msgspec.json.decode(sys.argv[2], type=list[ChildSpec])
    await Supervisor(children, Path(sys.argv[1]), SystemClock(), report=lambda status: None).run()

if len(sys.argv) > 3:
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
Supervise = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """Start a supervisor in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(children: Sequence[ChildSpec], *more: str, project: Path = tmp_path) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-c",
            SUPERVISE,
            str(project),
            msgspec.json.encode(children).decode(),
            *more,
        ]
        started.append(subprocess.Popen(command))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def pids(project: Path) -> list[int]:
    """Return the pids of the children that are ready."""
    found = read_status(project / ".buttress" / "run")
    return [one.pid or 0 for one in found if one.name != "supervisor" and one.state == State.READY]


@pytest.mark.parametrize(
    ("how", "limit_s"),
    [pytest.param("", 1.0, id="gentle children"), pytest.param("stubborn", 1.0, id="stubborn children")],
)
def test_children_are_gone_within_a_second_of_a_killed_supervisor(
    tmp_path: Path, child: Child, supervise: Supervise, how: str, limit_s: float
) -> None:
    """And the next supervisor starts as if nothing had been."""
    children = [child("engine", how), child("calls-1", how), child("background", how)]
    first = supervise(children)
    wait_until(lambda: len(pids(tmp_path)) == 3)
    before = pids(tmp_path)
    begun = time.perf_counter()
    first.kill()
    wait_until(lambda: not any(process_identity(pid) for pid in before))
    assert time.perf_counter() - begun < limit_s
    first.wait()
    assert {one.state for one in read_status(tmp_path / ".buttress" / "run")} == {State.DEAD}
    second = supervise(children)
    wait_until(lambda: len(pids(tmp_path)) == 3)
    assert not set(before) & set(pids(tmp_path))
    second.kill()
    wait_until(lambda: not pids(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("loop", [[], ["uvloop"]], ids=["asyncio", "uvloop"])
def test_a_signal_stops_the_children_in_order(
    tmp_path: Path, child: Child, supervise: Supervise, number: int, loop: list[str]
) -> None:
    """Who takes calls goes first, what they need goes last, wherever they stand in the list."""
    children = [
        child("engine", stop_order=2),
        child("calls", stop_order=0),
        child("background", stop_order=1),
    ]
    supervisor = supervise(children, *loop)
    wait_until(lambda: len(pids(tmp_path)) == 3)
    supervisor.send_signal(number)
    assert supervisor.wait(timeout=10) == 0
    assert (tmp_path / "ended").read_text().split() == ["calls", "background", "engine"]
    assert read_status(tmp_path / ".buttress" / "run") == []


def test_a_second_signal_ends_it_at_once(tmp_path: Path, child: Child, supervise: Supervise) -> None:
    """Somebody pressed Ctrl-C twice."""
    supervisor = supervise([child("engine", "stubborn", stop_timeout_s=60)])
    wait_until(lambda: len(pids(tmp_path)) == 1)
    supervisor.send_signal(signal.SIGINT)
    run_dir = tmp_path / ".buttress" / "run"
    wait_until(lambda: State.STOPPING in [one.state for one in read_status(run_dir)])
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=5) == 0


def test_whoever_was_suspended_kills_nobody_when_it_wakes(
    tmp_path: Path, child_of: ChildOf, supervise: Supervise
) -> None:
    """Longer than a child may be silent; all of them as when a laptop is closed, the children waking last."""
    asleep: list[list[int]] = []
    before: dict[Path, list[int]] = {}
    for who in ("the supervisor", "all of them"):
        project = tmp_path / who
        project.mkdir()
        children = [child_of(project, name, hang_timeout_s=4) for name in ("engine", "calls")]
        supervisor = supervise(children, project=project)
        wait_until(lambda: len(pids(project)) == 2)  # noqa: B023
        before[project] = pids(project)
        asleep.append([supervisor.pid, *(before[project] if who == "all of them" else [])])
    time.sleep(1.5)
    _suspend(asleep, 5)
    time.sleep(2)
    assert {project: pids(project) for project in before} == before


def _suspend(asleep: Sequence[Sequence[int]], seconds: float) -> None:
    """Let processes stand still; each group is woken one after the other."""
    for pid in itertools.chain(*asleep):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for together in itertools.zip_longest(*asleep):
        for pid in together:
            if pid:
                os.kill(pid, signal.SIGCONT)
        time.sleep(0.5)


def test_all_children_end_within_the_time_of_one(tmp_path: Path, child: Child, supervise: Supervise) -> None:
    """Those stopped first leave the others a rest, in which a gentle one ends as it should."""
    children = [
        child("calls", "stubborn", stop_order=0, stop_timeout_s=6),
        child("background", "stubborn", stop_order=1, stop_timeout_s=6),
        child("engine", stop_order=2, stop_timeout_s=6),
    ]
    supervisor = supervise(children)
    wait_until(lambda: len(pids(tmp_path)) == 3)
    begun = time.perf_counter()
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=20) == 0
    assert 4.7 < time.perf_counter() - begun < 10
    assert (tmp_path / "ended").read_text().split() == ["engine"]


async def test_a_project_has_one_supervisor(
    tmp_path: Path, child: Child, running: Running, clock: Clock
) -> None:
    """The second one hears the pid of the first, which goes on."""
    async with running([child("engine")]) as supervisor:
        await supervisor.wait_until_ready()
        other = Supervisor([child("engine")], tmp_path, clock, report=lambda _: None)
        with pytest.raises(SupervisorRunning, match=f"process {os.getpid()}$"):
            await other.run()
        assert supervisor.statuses[0].state == State.READY


async def test_a_cancelled_supervisor_stops_its_children_in_order(
    tmp_path: Path, child: Child, clock: Clock, heard: list[ChildStatus]
) -> None:
    """As a library may do it."""
    children = [child("one", stop_order=1), child("two", stop_order=0)]
    supervisor = Supervisor(children, tmp_path, clock, report=heard.append)

    async def cancel_when_ready() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(supervisor.run())
            await supervisor.wait_until_ready()
            task.cancel()

    await cancel_when_ready()
    assert (tmp_path / "ended").read_text().split() == ["two", "one"]


async def test_children_are_stopped_while_they_are_still_starting(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Nothing that begins late is left behind."""
    async with running([child("engine", "silent"), child("calls", "silent")]):
        await asyncio.sleep(0)
    assert {one.name for one in heard if one.state == State.STOPPED} == {"engine", "calls"}
    assert not [one.pid for one in heard if one.pid and process_identity(one.pid)]


async def test_without_children_there_is_nothing_to_do_but_wait(running: Running) -> None:
    """Until the stop."""
    async with running([]) as supervisor:
        await asyncio.sleep(0)
        assert supervisor.statuses == ()


def test_two_children_of_one_name_are_refused(tmp_path: Path, child: Child, clock: Clock) -> None:
    """They would speak with one voice."""
    with pytest.raises(ValueError, match="same name"):
        Supervisor([child("a"), child("a")], tmp_path, clock, report=lambda _: None)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, clock: Clock) -> None:
    """Before anything is started."""
    (tmp_path / ".buttress").write_text("")
    with pytest.raises(RunFolderUnusable, match=r"\.buttress/run cannot be written"):
        await Supervisor([], tmp_path, clock, report=lambda _: None).run()


def test_output_goes_where_ours_goes_when_asked(tmp_path: Path, child: Child) -> None:
    """`--foreground-logs`; else it is in a file."""
    code = SUPERVISE.replace("report=lambda status: None", "report=stop_soon, foreground_logs=True")
    code = code.replace(
        "async def main():",
        "def stop_soon(status):\n    if status.state == 'waiting':\n        import os, signal\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n\nasync def main():",
    )
    children = msgspec.json.encode([child("engine", "crash")]).decode()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), children], capture_output=True, check=True, timeout=20
    )
    assert done.stdout == b"I have fallen\n"
    assert not (tmp_path / ".buttress" / "logs").exists()
