"""One child, kept running."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from shutil import rmtree

import pytest

from buttress.processes.identity import process_identity
from buttress.processes.status import read_status
from buttress.processes.supervisor import Supervisor
from buttress.processes.types import ChildSpec, ChildStatus, RoleStatus, State
from tests.waiting import until

Child = Callable[..., ChildSpec]
Running = Callable[[Sequence[ChildSpec]], AbstractAsyncContextManager[Supervisor]]

pytestmark = pytest.mark.slow


def states(heard: list[ChildStatus]) -> list[str]:
    """Return the states that were gone through."""
    return [str(one.state) for one in heard]


async def test_a_child_becomes_ready_and_stops(
    tmp_path: Path, child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Others see its address meanwhile, and nothing afterwards."""
    async with running([child("engine")]) as supervisor:
        await supervisor.wait_until_ready()
        ours, engine = read_status(tmp_path / ".buttress" / "run")
        assert (ours.name, ours.state, ours.pid) == ("supervisor", State.READY, os.getpid())
        assert (engine.name, engine.state, engine.address) == ("engine", State.READY, "http://127.0.0.1:1")
        assert engine.pid == heard[-1].pid
    assert states(heard) == ["starting", "ready", "stopping", "stopped"]
    assert read_status(tmp_path / ".buttress" / "run") == []


async def test_a_child_that_falls_is_started_again_ever_more_slowly(
    tmp_path: Path, child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Why it fell, how often and when it will be back is there to be read."""
    run_dir = tmp_path / ".buttress" / "run"
    async with running([child("engine", "crash")]):
        await until(lambda: states(heard).count("waiting") == 3, 50)
        engine = next(one for one in read_status(run_dir) if one.name == "engine")
        assert engine.state == State.WAITING
        assert engine.message == "exited with code 3: I have fallen"
        assert engine.restarts == 3
        assert engine.next_start_at
    waits = [one for one in heard if one.state == State.WAITING]
    assert [one.failures for one in waits] == [1, 2, 3]
    assert (tmp_path / "started-engine").read_text() == "xxx"


async def test_a_child_that_falls_after_it_was_ready_is_back(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Being ready for a moment does not count as having lasted."""
    async with running([child("engine", "mortal")]):
        await until(lambda: states(heard).count("ready") == 2, 50)
    waits = [one for one in heard if one.state == State.WAITING]
    assert [one.message for one in waits][:1] == ["exited with code 4"]
    assert [one.failures for one in waits][:2] == [1, 2][: len(waits)]


async def test_a_killed_child_is_back_and_the_others_go_on(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """The message says by what it was ended."""
    async with running([child("engine"), child("calls")]) as supervisor:
        await supervisor.wait_until_ready()
        before = {one.name: one.pid for one in supervisor.statuses}
        os.kill(before["engine"] or 0, signal.SIGKILL)
        await until(lambda: supervisor.statuses[0].restarts, 50)
        await until(lambda: supervisor.statuses[0].state == State.READY, 50)
        assert supervisor.statuses[0].pid != before["engine"]
        assert supervisor.statuses[1].pid == before["calls"]
    assert any(one.message == "was ended by SIGKILL" for one in heard)


async def test_nobody_waits_for_an_optional_child(
    tmp_path: Path, child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """It falls again and again; the others are ready, and it is known to be optional."""
    async with running([child("engine"), child("local-model", "crash", optional=True)]) as supervisor:
        await supervisor.wait_until_ready()
        await until(lambda: supervisor.statuses[1].failures == 2, 50)
        assert supervisor.statuses[0].state == State.READY
        role = next(one for one in read_status(tmp_path / ".buttress" / "run") if one.name == "local-model")
        assert role.optional


@pytest.mark.slow
async def test_what_a_child_says_after_it_was_ready_is_heard(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """It is not started again for it."""
    async with running([child("engine", "worried")]) as supervisor:
        await supervisor.wait_until_ready()
        await until(lambda: heard[-1].message == "the files have mistakes", 50)
        assert heard[-1].state == State.READY
        await until(lambda: heard[-1].message == "the database is away", 50)
        assert (heard[-1].state, heard[-1].restarts) == (State.NOT_READY, 0)


async def test_a_child_that_hangs_is_killed_with_all_it_started_and_started_again(
    tmp_path: Path, child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """It said that it is ready, and does nothing any more; those beside it are left in peace.

    One is stopped by SIGSTOP, as by a debugger: silent, and ready again when it goes on; with 0 it is never
    killed for it.
    """
    children = [
        child("calls-1", "hung parent stubborn", hang_timeout_s=1),
        child("calls-2", hang_timeout_s=1),
        child("engine", hang_timeout_s=0),
    ]
    async with running(children) as supervisor:
        await supervisor.wait_until_ready()
        pid = supervisor.statuses[2].pid or 0
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: supervisor.statuses[0].restarts == 1, 50)
        offspring = int((tmp_path / "offspring").read_text())
        assert process_identity(offspring) is None
        await until(lambda: supervisor.statuses[0].state == State.READY, 50)
        hung = role(tmp_path, "calls-1")
        assert hung.last_end == "said nothing for 3 s: it hung"
        assert supervisor.statuses[1].restarts == 0

        await until(lambda: supervisor.statuses[2].state == State.SILENT, 50)
        engine = role(tmp_path, "engine")
        assert (engine.state, engine.message) == (State.SILENT, "has said nothing for 5 s")
        os.kill(pid, signal.SIGCONT)
        await until(lambda: supervisor.statuses[2].state == State.READY, 50)
        assert (supervisor.statuses[2].pid, supervisor.statuses[2].message) == (pid, "")


def role(project: Path, name: str) -> RoleStatus:
    """Return a role as others see it."""
    return next(one for one in read_status(project / ".buttress" / "run") if one.name == name)


async def test_where_nobody_can_beat_nobody_is_taken_for_hung(
    tmp_path: Path, child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Here the folder is gone, with all that the children said in it: they say it again."""
    async with running([child("engine", hang_timeout_s=1), child("calls", "hung", hang_timeout_s=1)]) as us:
        await us.wait_until_ready()
        rmtree(tmp_path / ".buttress" / "run")
        await until((tmp_path / ".buttress" / "run" / "engine.json").exists, 50)
        await asyncio.sleep(4)
        assert [one.restarts for one in us.statuses] == [0, 0]


async def test_looking_after_a_child_leaves_nothing_in_memory(child: Child, running: Running) -> None:
    """It was 2 MB an hour: asyncio keeps every wait for a process that is given up."""

    def given_up() -> int:
        gc.collect()
        return sum(1 for one in gc.get_objects() if isinstance(one, asyncio.Future) and one.cancelled())

    async with running([child("engine", "silent", ready_timeout_s=60)]):
        before = given_up()  # other tests leave some, too
        await asyncio.sleep(1.5)  # fifty looks
        assert given_up() < before + 10


async def test_a_child_that_hangs_does_not_hold_up_the_stop(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Whether it is known as silent by then, or falls silent meanwhile."""
    async with running([child("calls", "hung stubborn", hang_timeout_s=0, stop_timeout_s=60)]) as supervisor:
        await supervisor.wait_until_ready()
        await asyncio.sleep(1.5)  # a look, without which it is not known that it ever beat
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 15
    assert heard[-1].state == State.STOPPED


async def test_a_child_that_never_speaks_is_ended_and_started_again(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """With the time that was waited in the message."""
    async with running([child("engine", "silent", ready_timeout_s=0.5)]):
        await until(lambda: "waiting" in states(heard), 50)
    assert states(heard)[:3] == ["starting", "stopping", "waiting"]
    assert heard[2].message == "was not ready and said nothing new for 0.5 s"


async def test_a_child_that_says_why_it_takes_long_is_left_in_peace(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """Every new word gives it more time."""
    async with running([child("engine", "slow", ready_timeout_s=0.6)]) as supervisor:
        await supervisor.wait_until_ready()
    assert "waiting" not in states(heard)
    assert any(one.state == State.NOT_READY and one.message.startswith("step") for one in heard)


async def test_a_command_that_does_not_exist_is_tried_again(
    tmp_path: Path, running: Running, heard: list[ChildStatus]
) -> None:
    """It may come with the next upgrade."""
    nothing = ChildSpec(name="engine", command=(str(tmp_path / "nothing"),))
    async with running([nothing]):
        await until(lambda: states(heard).count("waiting") == 2, 50)
    assert heard[0].message.startswith("could not be started: ")


async def test_a_child_that_does_not_heed_sigterm_is_killed(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """After its own time."""
    async with running([child("engine", "stubborn", stop_timeout_s=0.3)]) as supervisor:
        await supervisor.wait_until_ready()
        pid = heard[-1].pid or 0
    assert process_identity(pid) is None
    assert states(heard)[-2:] == ["stopping", "stopped"]


@pytest.mark.parametrize("how", ["parent crash", "parent stubborn"])
async def test_what_a_child_has_started_goes_with_it(
    tmp_path: Path, child: Child, running: Running, heard: list[ChildStatus], how: str
) -> None:
    """A model server must not stay behind and hold memory."""
    async with running([child("engine", how, stop_timeout_s=0.2)]):
        await until(lambda: "waiting" in states(heard) or "ready" in states(heard), 50)
    assert process_identity(int((tmp_path / "offspring").read_text())) is None


async def test_stopping_while_waiting_for_the_next_start_takes_no_time(
    child: Child, running: Running, heard: list[ChildStatus]
) -> None:
    """The wait is broken off."""
    async with running([child("engine", "crash")]):
        await until(lambda: states(heard).count("waiting") == 2, 50)
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 0.4


@pytest.fixture(autouse=True)
async def nothing_left_behind(heard: list[ChildStatus]) -> AsyncIterator[None]:
    """Every child that was ever started is gone with its supervisor."""
    yield
    assert not [one.pid for one in heard if one.pid and process_identity(one.pid)]
