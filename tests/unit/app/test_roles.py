"""What the processes of `serve` do: real ones, told to stop, and killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.engine import engine_runs
from buttress.app.layout import engine_address, run_folder, spool_folder
from buttress.app.roles import announced, stop_asked
from buttress.gateway.errors import FeatureUnknown
from buttress.knowledge.errors import EngineAway
from buttress.processes.beating import read_beat
from buttress.processes.status import read_said
from buttress.settings.loading import load_settings
from tests.projects import ANSWERABLE
from tests.waiting import until, wait_until

Start = Callable[[str], subprocess.Popen[bytes]]
DEADLINE_S = 40


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Start a role of the project in a process of its own, and wait until it is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(role: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "buttress",
            "--project",
            str(project),
            "serve",
            "--role",
            role,
            "--name",
            role,
        ]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        started.append(process)

        def is_ready() -> bool:
            said = read_said(run_folder(project), role)
            return said is not None and said.ready and said.pid == process.pid

        wait_until(is_ready, DEADLINE_S)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


async def ask(project: Path) -> str:
    """Return the outcome of a question that the documents answer."""
    async with Buttress.open(project) as buttress:
        return (await buttress.ask("support", {"question": ANSWERABLE})).outcome


@pytest.mark.slow
def test_an_engine_searches_for_others_until_it_is_told_to_stop(project: Path, start: Start) -> None:
    engine = start("engine")
    assert engine_runs(project)
    assert asyncio.run(ask(project)) == "answered"
    with pytest.raises(FeatureUnknown):  # not a group of errors, though a group listens to the engine
        asyncio.run(ask_for(project, "nope"))
    engine.send_signal(signal.SIGTERM)
    output, _ = engine.communicate(timeout=DEADLINE_S)
    assert (engine.returncode, b"Traceback" in output) == (0, False)
    assert read_said(run_folder(project), "engine") is None
    assert not engine_runs(project)


async def ask_for(project: Path, feature: str) -> None:
    """Ask a feature."""
    async with Buttress.open(project) as buttress:
        await buttress.ask(feature, {"question": ANSWERABLE})


@pytest.mark.slow
def test_an_engine_that_was_killed_is_not_waited_for(project: Path, start: Start) -> None:
    engine = start("engine")
    engine.kill()
    engine.wait()
    assert engine_address(project).exists()  # nobody was left to remove it
    assert not engine_runs(project)
    assert asyncio.run(ask(project)) == "answered"


@pytest.mark.slow
def test_the_background_ships_what_others_left(project: Path, start: Start) -> None:
    asyncio.run(ask(project))
    assert list(spool_folder(project).glob("*.sealed"))
    background = start("background")
    wait_until(lambda: not list(spool_folder(project).glob("*.sealed")), DEADLINE_S)
    background.send_signal(signal.SIGTERM)
    output, _ = background.communicate(timeout=DEADLINE_S)
    assert (background.returncode, b"Traceback" in output) == (0, False)
    assert read_said(run_folder(project), "background") is None


async def test_a_role_that_fails_leaves_its_reason(tmp_path: Path) -> None:
    with pytest.raises(EngineAway), announced(load_settings(tmp_path, environment={}), "calls-1"):
        raise EngineAway("the engine is gone")
    said = read_said(run_folder(tmp_path), "calls-1")
    assert said is not None
    assert (said.ready, said.message) == (False, "the engine is gone (knowledge.engine_away)")


async def test_a_role_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    with announced(load_settings(tmp_path, environment={}), "calls-1") as announcer:
        announcer.say(ready=True)
        assert read_said(run_folder(tmp_path), "calls-1")
    assert read_said(run_folder(tmp_path), "calls-1") is None


async def test_a_role_beats_while_its_event_loop_runs(tmp_path: Path) -> None:
    with announced(load_settings(tmp_path, environment={}), "calls-1") as announcer:
        announcer.say(ready=True)
        before = read_beat(run_folder(tmp_path), "calls-1")

        async def it_beats() -> bool:
            return read_beat(run_folder(tmp_path), "calls-1") not in (None, before)

        await until(it_beats)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_to_stop(number: signal.Signals) -> None:
    asked = stop_asked()
    assert not asked.is_set()
    os.kill(os.getpid(), number)
    async with asyncio.timeout(5):
        await asked.wait()
