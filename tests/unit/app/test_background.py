"""A project opened beside the engine's process, and the process that ships; test_roles.py kills it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from buttress.app.background import served
from buttress.app.declared import read_declared
from buttress.app.layout import run_folder, spool_folder
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import EngineAway
from buttress.processes.status import read_said
from buttress.settings.loading import load_settings
from buttress.tracing.underway import Underway
from tests.projects import ANSWERABLE
from tests.unit.tracing.test_metrics import changed, values
from tests.waiting import until

BACKGROUND = """
import asyncio, sys
from pathlib import Path
from buttress.app.background import run_background
from buttress.settings.loading import load_settings

asyncio.run(run_background(load_settings(Path(sys.argv[1]))))
print([name for name in sys.argv[2:] if name in sys.modules])
"""
HEAVY = ("lancedb", "pyarrow", "onnxruntime", "tokenizers", "numpy")


async def test_an_engine_that_is_away_is_not_replaced_by_one_in_this_process(project: Path) -> None:
    """A call worker that starts before the engine must not load the model for itself, 350 MB of it."""
    async with served(load_settings(project), read_declared(project, "")) as buttress:
        with pytest.raises(EngineAway):
            await buttress.search("docs", ANSWERABLE, scope=Scope("default"))
        answer = await buttress.ask("support", {"question": ANSWERABLE})
    assert (answer.outcome, answer.reason) == ("fallback", "knowledge.engine_away")


@pytest.mark.slow
def test_the_background_process_is_light(project: Path) -> None:
    command = [sys.executable, "-c", BACKGROUND, str(project), *HEAVY]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            _wait_until_ready(project, process)
            process.send_signal(signal.SIGTERM)
            assert process.communicate(timeout=30)[0].strip() == "[]"
        finally:
            process.kill()


def _wait_until_ready(project: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.perf_counter() + 30
    while not ((said := read_said(run_folder(project), "background")) and said.ready):
        assert process.poll() is None
        assert time.perf_counter() < deadline
        time.sleep(0.02)


@pytest.mark.slow
async def test_a_lost_call_is_counted(project: Path) -> None:
    lost = changed(outcome="lost", attempts=[])
    underway = Underway(spool_folder(project), "killed", 1_000)
    underway.begin(lost.trace_id, msgspec.json.encode(lost))
    underway.close()  # as the end of a process does, while it is still under way

    async def it_is_counted() -> bool:
        try:
            found = values((run_folder(project) / "background.metrics").read_bytes())
        except FileNotFoundError:
            return False
        return found.get(("buttress_calls_total", "support", "lost", "background")) == 1

    with _background(project):
        await until(it_is_counted, within_s=50)


OLD_AND_NEW = b"""
    INSERT INTO conversations
    VALUES ('t', 'u', 'old', 2, now() - interval '91 days'), ('t', 'u', 'new', 2, now())
"""


@pytest.mark.slow
async def test_conversations_that_are_too_old_are_deleted(project: Path) -> None:
    async with project_database(load_settings(project), SystemClock()) as database:
        async with database.connection() as connection:
            await connection.execute(OLD_AND_NEW)

        async def is_gone() -> bool:
            async with database.connection() as connection:
                left = await (await connection.execute("SELECT conversation FROM conversations")).fetchall()
            return left == [("new",)]

        with _background(project):
            await until(is_gone, within_s=50)


@contextmanager
def _background(project: Path) -> Iterator[None]:
    command = [sys.executable, "-c", BACKGROUND, str(project)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()
