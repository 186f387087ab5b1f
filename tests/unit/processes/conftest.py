"""Real children, and a supervisor that runs beside the test."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from buttress.kernel.clock import Clock, SystemClock
from buttress.processes.supervisor import Supervisor
from buttress.processes.types import ChildSpec, ChildStatus

CHILD = """
import signal, subprocess, sys, time
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.processes.announcing import Announcer
from buttress.processes.lifeline import exit_when_parent_dies

exit_when_parent_dies()
project, name, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
announcer = Announcer(project / ".buttress" / "run", name, SystemClock())

def end(*_):
    with (project / "ended").open("a") as ended:
        ended.write(name + "\\n")
    announcer.withdraw()
    sys.exit(0)

signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in how else end)
with (project / ("started-" + name)).open("a") as started:
    started.write("x")
if "parent" in how:
    offspring = subprocess.Popen(["sleep", "60"])
    (project / "offspring").write_text(str(offspring.pid))
if "crash" in how:
    print("I have fallen", flush=True)
    sys.exit(3)
if "slow" in how:
    for step in range(8):
        announcer.say(ready=False, message=f"step {step}")
        time.sleep(0.1)
if "silent" not in how:
    announcer.say(ready=True, address="http://127.0.0.1:1")
if "worried" in how:
    time.sleep(0.2)
    announcer.say(ready=True, message="the files have mistakes")
    time.sleep(1.5)
    announcer.say(ready=False, message="the database is away")
if "mortal" in how:
    time.sleep(0.2)
    sys.exit(4)
while True:
    time.sleep(60 if "hung" in how else 0.1)
    announcer.beat()
"""

Child = Callable[..., ChildSpec]
Running = Callable[[Sequence[ChildSpec]], AbstractAsyncContextManager[Supervisor]]


@pytest.fixture
def clock() -> Clock:
    """The machine's clock: these tests are about real processes."""
    return SystemClock()


@pytest.fixture
def child_of() -> Callable[..., ChildSpec]:
    """Make a child of a project that behaves as told."""

    def make(project: Path, name: str, how: str = "", **asked: float) -> ChildSpec:
        command = (sys.executable, "-c", CHILD, str(project), name, how)
        spec = ChildSpec(name=name, command=command, stop_timeout_s=5, ready_timeout_s=10)
        return ChildSpec(**{field: getattr(spec, field) for field in spec.__struct_fields__} | asked)

    return make


@pytest.fixture
def child(child_of: Callable[..., ChildSpec], tmp_path: Path) -> Child:
    """Make a child of the test's project that behaves as told."""
    return partial(child_of, tmp_path)


@pytest.fixture
def heard() -> list[ChildStatus]:
    """All that the supervisor reported, in order."""
    return []


@pytest.fixture
def running(tmp_path: Path, clock: Clock, heard: list[ChildStatus]) -> Running:
    """Run a supervisor for a block; it is stopped at the end."""

    @asynccontextmanager
    async def run(children: Sequence[ChildSpec]) -> AsyncIterator[Supervisor]:
        supervisor = Supervisor(children, tmp_path, clock, report=heard.append)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(supervisor.run())
            try:
                yield supervisor
            finally:
                supervisor.stop()

    return run
