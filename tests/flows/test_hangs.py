"""`buttress serve` while one of its processes hangs: stopped by SIGSTOP, none of its code runs any more."""

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path
from shutil import copytree, ignore_patterns

import aiohttp
import pytest

from tests.flows.running import (
    Asker,
    Served,
    buttress,
    processes_of,
    readiness,
    say,
    serve,
    spooled_traces,
    stored_traces,
    until_ready,
)
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HANG = ("--set", "processes.hang_timeout_s=7", "--set", "knowledge.engine.call_timeout_s=2")
"""Seen as silent after 5 s, killed 2 s later."""


@pytest.fixture
def project(ingested_example: Path, tmp_path: Path) -> Path:
    """A copy of the ingested example."""
    return copytree(ingested_example, tmp_path / "served", ignore=ignore_patterns("run", "logs", "spool"))


def stand_still(pid: int | None) -> int:
    """Let nothing of a process run any more; return its pid."""
    assert pid
    os.kill(pid, signal.SIGSTOP)
    return pid


async def test_a_call_worker_and_an_engine_that_hang_are_replaced_while_the_others_answer(
    project: Path,
) -> None:
    asker = Asker()
    with serve(project, "--workers", "2", flags=HANG) as served:
        asker.url = served.url
        await until_ready(served.url)
        async with asker.asking(tasks=6, pause_s=0.3):
            await until(lambda: len(asker.answered) >= 10, 60, f"answers: {asker.refused}")
            hung = stand_still(served.pid_of("calls-1"))
            await _none_is_asked_in_vain_for_ever(asker)
            await until(lambda: served.pid_of("calls-1") not in (None, hung), 60, "it is replaced")
        await until_ready(served.url)
        said = project.with_name(f"{project.name} says").read_text()
        assert "calls-1: silent: has said nothing for 5 s" in said
        assert "calls-1: waiting: said nothing for 7 s: it hung" in said
        doctor = buttress(project, "doctor").stdout
        assert "started again 1x, lastly: said nothing for 7 s: it hung" in doctor
        await _an_engine_that_hangs_is_said_and_replaced(served)
    say(f"{len(asker.answered)} answers, {len(asker.refused)} cut")
    stored = Counter(await stored_traces(project))
    assert spooled_traces(project) == []
    assert [one for one in asker.answered if stored[one] != 1] == []
    assert max(stored.values()) == 1


async def _none_is_asked_in_vain_for_ever(asker: Asker) -> None:
    """See answers come while a worker hangs: what the other one is asked, it answers."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        answered = 0
        async with asyncio.timeout(30):
            while answered < 3:
                try:
                    async with session.get(
                        f"{asker.url}/healthz", headers={"connection": "close"}
                    ) as response:
                        answered += response.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    continue


async def _an_engine_that_hangs_is_said_and_replaced(served: Served) -> None:
    hung = stand_still(served.pid_of("engine"))
    begun = time.perf_counter()
    assert await _reason(served.url) == "knowledge.engine_timeout"
    assert time.perf_counter() - begun < 8
    assert await _waiting(served.url) == {"engine": "has said nothing for 5 s"}
    await until(lambda: served.pid_of("engine") not in (None, hung), 60, "it is replaced")
    await until_ready(served.url)
    assert await _reason(served.url) == ""


async def test_an_engine_that_goes_on_is_ready_by_itself_and_who_hangs_does_not_hold_up_the_stop(
    project: Path,
) -> None:
    with serve(project, "--workers", "2") as served:
        await until_ready(served.url)
        engine = stand_still(served.pid_of("engine"))
        await _waiting(served.url)
        os.kill(engine, signal.SIGCONT)
        await until_ready(served.url)
        assert served.pid_of("engine") == engine
        assert await _reason(served.url) == ""

        stand_still(served.pid_of("calls-1"))
        stand_still(engine)
        begun = time.perf_counter()
        served.process.terminate()
        assert await asyncio.to_thread(served.process.wait, 60) == 0
        took_s = time.perf_counter() - begun
        say(f"stopped within {took_s:.1f} s")
        assert took_s < 25
        assert processes_of(project) == []


async def _waiting(url: str) -> dict[str, str]:
    """Return what `/readyz` waits for, once there is something."""
    async with asyncio.timeout(30):
        while not (waiting := await readiness(url)):  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(0.05)
    return waiting


async def _reason(url: str) -> str:
    """Return why a question got the fallback; empty when it was answered."""
    body = {"input": {"question": "Where is data stored?"}}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/features/support", json=body) as response,
    ):
        answer = await response.json()
    return str(answer["reason"])
