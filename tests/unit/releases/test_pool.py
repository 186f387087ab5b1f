"""Python functions in processes of their own: late, dead, noisy, at once."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from buttress.releases.frames import Failed
from buttress.releases.pool import MAX_MODULES, FunctionPool, Module, Unloadable
from buttress.releases.prints import MAX_PRINTED_BYTES
from buttress.releases.settings import ReleaseSettings
from tests.waiting import until

pytestmark = pytest.mark.slow  # processes of their own, or a server: seconds, all together


WORKER = "buttress.releases.worker"
PATIENT_S = 50.0

SOURCE = b'''
import os, pathlib, re, sys, threading, time


def echo(values):
    return values["q"]

def pid(values):
    return str(os.getpid())

def meet(values):
    """Wait for another one that is here as well."""
    pathlib.Path(values["here"]).touch()
    while not pathlib.Path(values["there"]).exists():
        time.sleep(0.005)
    return "met"

def loop(values):
    while True:
        pass

def hold(values):
    re.match("(a+)+b", "a" * 60)

def leave(values):
    os._exit(3)

def crash(values):
    os.kill(os.getpid(), 9)

def close(values):
    os.closerange(3, 100)
    time.sleep(100)

def scribble(values):
    for number in range(3, 100):
        try:
            os.write(number, b"\\xff" * 100)
        except OSError:
            pass

def flood(values):
    while True:
        os.write(1, b"noise" * 1000)

def forget(values):
    os.environ.clear()
    os.chdir("/")
    sys.stdout = None
    return "done"
'''
RULES = Module("rules", "rules.py", SOURCE)


def children() -> list[psutil.Process]:
    """Return this process's living processes of functions."""
    return [child for child in psutil.Process().children() if WORKER in command_of(child)]


def command_of(process: psutil.Process) -> str:
    """Return the command line of a process; of one that has ended meanwhile nothing."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def lives(process: psutil.Process) -> bool:
    """Say whether any thread of a process runs: its first one may have ended before the others."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


async def until_gone(processes: list[psutil.Process]) -> None:
    """Wait for processes to end."""

    async def are_gone() -> bool:
        return not any(map(lives, processes))

    await until(are_gone, within_s=30)


@asynccontextmanager
async def pool_of(
    processes: int = 1, deadline_s: float = PATIENT_S, load_deadline_s: float = PATIENT_S
) -> AsyncIterator[FunctionPool]:
    """A pool that is closed at the end, with nothing left behind."""
    pool = FunctionPool(
        ReleaseSettings(
            function_processes=processes, function_deadline_s=deadline_s, load_deadline_s=load_deadline_s
        )
    )
    try:
        yield pool
    finally:
        await pool.aclose()
    assert children() == []


async def test_a_process_is_started_when_it_is_needed_and_serves_many() -> None:
    async with pool_of(processes=4) as pool:
        assert children() == []
        pids = {await pool.call(RULES, "pid", {}) for _ in range(5)}
        assert pids == {str(child.pid) for child in children()}
        assert len(pids) == 1


async def test_a_process_that_has_loaded_many_files_begins_anew() -> None:
    async with pool_of(processes=1) as pool:
        edited = [
            Module(name=f"edited_{number}", path="rules.py", source=SOURCE)
            for number in range(MAX_MODULES + 1)
        ]
        pids = [await pool.call(module, "pid", {}) for module in edited]
        assert len(set(pids[:MAX_MODULES])) == 1
        assert pids[-1] not in pids[:MAX_MODULES]
        assert pids[-1] == str(children()[0].pid)


async def test_two_run_at_once(tmp_path: Path) -> None:
    """Each waits for the other."""
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    async with pool_of(processes=2) as pool:
        calls = [
            pool.call(RULES, "meet", {"here": here, "there": there})
            for here, there in ((one, other), (other, one))
        ]
        assert await asyncio.gather(*calls) == ["met", "met"]


async def test_many_calls_at_once_each_get_their_own_answer() -> None:
    async with pool_of(processes=2) as pool:
        calls = [pool.call(RULES, "echo", {"q": str(number)}) for number in range(100)]
        assert await asyncio.gather(*calls) == [str(number) for number in range(100)]
        assert len(children()) <= 2


@pytest.mark.parametrize("function", ["loop", "hold", "flood"])
async def test_a_late_function_is_stopped_and_the_next_call_served(
    function: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also one that holds the interpreter's lock, and one that prints all the time."""
    async with pool_of(deadline_s=0.3) as pool:
        assert await pool.call(RULES, function, {}) == Failed("it took longer than 0.3 s")
        await until_gone(children())
    assert len(capfd.readouterr().err) < 2 * MAX_PRINTED_BYTES
    async with pool_of() as pool:
        assert await pool.call(RULES, "echo", {"q": "on"}) == "on"


@pytest.mark.slow
async def test_a_function_that_holds_the_lock_stalls_nobody_else() -> None:
    """The loop goes on while one hangs, and so does the other process."""
    async with pool_of(processes=2, deadline_s=3) as pool:
        await asyncio.gather(pool.call(RULES, "echo", {"q": ""}), pool.call(RULES, "echo", {"q": ""}))
        async with asyncio.TaskGroup() as group:
            late = group.create_task(pool.call(RULES, "hold", {}))
            for number in range(5):
                assert await pool.call(RULES, "echo", {"q": str(number)}) == str(number)
            assert not late.done()
        assert late.result() == Failed("it took longer than 3 s")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        pytest.param("leave", "its process ended with code 3", id="it exits"),
        pytest.param("crash", "its process ended by SIGKILL", id="it is killed"),
        pytest.param("close", "its process ended by SIGKILL", id="it closes its pipes"),
        pytest.param("scribble", "it wrote into its process's own pipe", id="it writes what is no reply"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
async def test_a_function_that_takes_its_process_along_costs_its_own_answer(
    function: str, reason: str
) -> None:
    async with pool_of() as pool:
        assert await pool.call(RULES, function, {}) == Failed(reason)
        assert await pool.call(RULES, "echo", {"q": "on"}) == "on"


async def test_what_a_function_does_to_its_process_stays_there() -> None:
    async with pool_of() as pool:
        before = Path.cwd()
        assert await pool.call(RULES, "forget", {}) == "done"
        assert Path.cwd() == before
        assert await pool.call(RULES, "echo", {"q": "on"}) == "on"


async def test_a_process_killed_while_idle_costs_nothing() -> None:
    async with pool_of() as pool:
        await pool.call(RULES, "echo", {"q": "one"})
        idle = children()
        idle[0].kill()
        await until_gone(idle)
        assert await pool.call(RULES, "echo", {"q": "two"}) == "two"


async def test_a_caller_that_is_cancelled_takes_its_process_along() -> None:
    """The answer nobody waits for is not given to the next who asks, and no place is lost."""
    async with pool_of() as pool:
        await pool.call(RULES, "echo", {"q": "one"})
        busy = children()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await pool.call(RULES, "loop", {})
        await until_gone(busy)
        assert await pool.call(RULES, "echo", {"q": "mine"}) == "mine"


async def test_a_call_does_not_wait_for_ever_for_a_process() -> None:
    """The first has its process longer than the second waits: it was started and loaded, too."""
    async with pool_of(deadline_s=0.3) as pool:
        first, second = await asyncio.gather(*(pool.call(RULES, "loop", {}) for _ in range(2)))
        assert first == Failed("it took longer than 0.3 s")
        assert second == Failed("all 1 processes were busy for 0.3 s")


@pytest.mark.parametrize(
    ("source", "load_deadline_s", "reason", "is_final"),
    [
        pytest.param(b"1 / 0", PATIENT_S, "ZeroDivisionError: division by zero", True, id="an error"),
        pytest.param(
            b"import os; os._exit(4)", PATIENT_S, "its process ended with code 4", False, id="an exit"
        ),
        pytest.param(
            b"import os; os.kill(os.getpid(), 36)",
            PATIENT_S,
            "its process ended by signal 36",
            False,
            id="a signal without a name",
        ),
        pytest.param(b"while True: pass", 0.3, "it took longer than 0.3 s", False, id="it hangs"),
    ],
)
async def test_a_file_that_does_not_load(
    source: bytes, load_deadline_s: float, reason: str, *, is_final: bool
) -> None:
    async with pool_of(load_deadline_s=load_deadline_s) as pool:
        found = await pool.call(Module("m", "m.py", source), "f", {})
        assert found == Unloadable(reason, is_final=is_final)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX: kill -9, alarms")
@pytest.mark.parametrize("function", ["echo", "hold"])
async def test_no_process_outlives_a_parent_that_was_killed(tmp_path: Path, function: str) -> None:
    """Idle: its input ends. In the middle of a call: an alarm of its own, even inside a library."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, pathlib, sys\n"
        "from buttress.releases.pool import FunctionPool, Module\n"
        "from buttress.releases.settings import ReleaseSettings\n"
        "async def main():\n"
        "    pool = FunctionPool(ReleaseSettings(function_deadline_s=3, load_deadline_s=50))\n"
        f"    rules = Module('rules', 'rules.py', {SOURCE!r})\n"
        "    await pool.call(rules, 'echo', {'q': ''})\n"
        "    print('ready', flush=True)\n"
        f"    await pool.call(rules, {function!r}, {{'q': ''}})\n"
        "    await asyncio.sleep(100)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        await asyncio.to_thread(parent.stdout.readline)
        left = [one for one in psutil.Process(parent.pid).children() if WORKER in command_of(one)]
        assert len(left) == 1
        parent.send_signal(signal.SIGKILL)
    await until_gone(left)
