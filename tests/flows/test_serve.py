"""`buttress serve` as a user runs it, with everything in it killed in turn."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

import psutil
import pytest

from tests.flows.running import (
    Asker,
    Served,
    buttress,
    command,
    end_all,
    kill,
    processes_of,
    readiness,
    say,
    serve,
    spooled_traces,
    stored_traces,
    until_ready,
)
from tests.projects import copy_example
from tests.waiting import until, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MAX_WORKER_MEMORY_BYTES = 150 << 20
HEAVY = ("lance", "pyarrow", "libarrow", "onnxruntime", "tokenizers", "vl_convert")
"""What a call worker leaves to the engine; parts of the names of their libraries."""


PATIENT = ("--set", "knowledge.engine.stage_timeout_s=30", "--set", "knowledge.engine.call_timeout_s=60")
"""Tests share the machine with others: nothing is skipped for being late."""
NOT_COPIED = ignore_patterns("run", "logs", "spool")
FRESH = ignore_patterns("postgres", "run", "logs", "spool")


@pytest.fixture(scope="module")
def served(ingested_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The example, served for all tests that do not stop it."""
    # Its name must not begin as another one's does: processes are found by it.
    project = copytree(ingested_example, tmp_path_factory.mktemp("serve") / "shared", ignore=NOT_COPIED)
    before = time.perf_counter()
    with serve(project, "--workers", "2", flags=PATIENT) as running:
        say(f"ready after {time.perf_counter() - before:.2f} s")
        yield running


@pytest.fixture
def project(ingested_example: Path, tmp_path: Path) -> Path:
    """A copy of the ingested example, with a database of its own that nobody has made yet."""
    return copytree(ingested_example, tmp_path / "served", ignore=FRESH)


async def test_a_start_answers_at_once_and_everything_in_it_is_light(served: Served) -> None:
    asker = Asker()
    asker.url = served.url
    async with asker.asking(tasks=4):
        await until(lambda: len(asker.answered) >= 40, 60, f"40 answers: {asker.refused}")
    assert set(asker.outcomes) == {"answered"}
    assert asker.refused == []
    for role in ("calls-1", "calls-2"):
        memory = psutil.Process(served.pid_of(role)).memory_info().rss
        say(f"{role}: {memory >> 20} MB")
        assert memory < MAX_WORKER_MEMORY_BYTES
        assert _heavy_libraries(served.pid_of(role)) == []
    if sys.platform == "linux":  # else the names above are not those of the libraries
        assert _heavy_libraries(served.pid_of("engine"))
    assert await readiness(served.url) == {}


def _heavy_libraries(pid: int | None) -> list[str]:
    """Return the files of heavy libraries that a process has mapped; none where the system does not tell."""
    maps = Path(f"/proc/{pid}/maps")
    if sys.platform != "linux":
        return []
    paths = {line.split(maxsplit=5)[-1] for line in maps.read_text().splitlines()}
    return sorted(path for path in paths if any(name in Path(path).name.lower() for name in HEAVY))


def test_no_child_shows_settings_on_its_command_line(served: Served) -> None:
    """Everybody who lists processes would read them; the port, at least, is always handed over."""
    children = [one for one in processes_of(served.project) if one.pid != served.process.pid]
    shown = [one.cmdline() for one in children]
    assert len(shown) >= 4
    assert [part for command in shown for part in command if "server." in part or part == "--set"] == []


async def test_a_spool_that_is_removed_ends_nothing(served: Served) -> None:
    asker = Asker()
    asker.url = served.url
    before = {role: served.pid_of(role) for role in ("calls-1", "calls-2", "background")}
    async with asker.asking():
        for _ in range(3):
            count = len(asker.answered)
            await until(lambda: len(asker.answered) >= count + 5, 30, "it answers")  # noqa: B023
            rmtree(served.project / ".buttress" / "spool", ignore_errors=True)
        count = len(asker.answered)
        await until(lambda: len(asker.answered) >= count + 5, 30, "it answers")
    await until_ready(served.url)
    assert asker.refused == []
    assert set(asker.outcomes) == {"answered"}
    assert {role: served.pid_of(role) for role in before} == before
    # What was sealed when the folder went is lost; what a worker still held is written anew a second later.
    async with asyncio.timeout(30):
        while not {*asker.answered} & {*await stored_traces(served.project)}:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert max((await _shipped(served)).values()) == 1


async def _shipped(served: Served) -> Counter[str]:
    """Return how often each trace is stored, once none waits in the spool any more."""
    await until(lambda: spooled_traces(served.project) == [], 30, "the spool is empty")
    return Counter(await stored_traces(served.project))


async def test_whatever_is_killed_comes_back_while_the_others_go_on(served: Served) -> None:
    asker = Asker()
    asker.url = served.url
    async with asker.asking(pause_s=0.1):
        for role in ("engine", "calls-1", "background", "postgres", "calls-2", "engine"):
            await _kill_and_see_it_return(served, role, asker)
    await until_ready(served.url)
    # What was cut was on its way through a worker when that one was killed.
    assert len(asker.refused) < len(asker.answered) / 2, asker.refused
    stored = await _shipped(served)
    assert [one for one in asker.answered if stored[one] != 1] == []
    assert max(stored.values()) == 1


async def _kill_and_see_it_return(served: Served, role: str, asker: Asker) -> None:
    before, count = served.pid_of(role), len(asker.answered)
    assert kill(before), role
    await until(lambda: len(asker.answered) >= count + 5, 20, f"answers without {role}: {asker.refused[-3:]}")
    await until(lambda: served.pid_of(role) not in (None, before), 20, f"{role} is started again")
    await until_ready(served.url)
    count = asker.outcomes.count("answered")
    await until(
        lambda: asker.outcomes.count("answered") >= count + 3, 20, f"whole answers again after {role}"
    )


async def test_told_to_stop_it_finishes_what_it_answers_and_stops_everything_in_order(project: Path) -> None:
    asker = Asker()
    with serve(project, "--workers", "2") as served:
        asker.url = served.url
        async with asker.asking(tasks=6):
            await until(lambda: len(asker.answered) >= 10, 30, "it answers")
            served.process.terminate()
            assert await asyncio.to_thread(served.process.wait, 20) == 0
        assert processes_of(project) == []
    assert list((project / ".buttress" / "run").glob("*.json")) == []
    assert [one for one in asker.refused if not one.startswith("Client")] == []
    stored = Counter(await stored_traces(project))
    assert [one for one in asker.answered if stored[one] != 1] == []


def test_a_killed_supervisor_leaves_nothing_behind_and_ctrl_c_no_more(project: Path) -> None:
    with serve(project, "--workers", "2") as served:
        served.process.kill()
        wait_until(lambda: not processes_of(project), 15, "nothing is left")
    with serve(project) as again:
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(20) == 0
        assert processes_of(project) == []


@pytest.mark.parametrize("delay_s", [0.3, 0.6, 0.8, 1.0, 1.3, 1.8])
def test_a_start_can_be_ended_at_any_moment(project: Path, delay_s: float) -> None:
    process = subprocess.Popen(
        command(project, "serve", "--port", "0"), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        time.sleep(delay_s)
        process.terminate()
        _, said = process.communicate(timeout=20)
        assert "Traceback" not in said
        # In the first moments, while modules are imported, nobody heeds signals yet.
        assert process.returncode in (0, -signal.SIGTERM), said
        wait_until(lambda: not processes_of(project), 5, "nothing is left")
    finally:
        end_all(project)


@pytest.mark.parametrize("port", ["the same port", "another port"])
def test_a_second_serve_of_a_project_is_refused_in_one_line(served: Served, port: str) -> None:
    number = served.url.rpartition(":")[2] if port == "the same port" else "0"
    second = buttress(served.project, "serve", "--port", number)
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.splitlines()[0] == (
        f"error: this project is being served already, by process {served.process.pid}"
    )
    assert second.stderr.rstrip().endswith("(processes.already_running)")
    assert served.process.poll() is None


def test_two_projects_do_not_share_a_port(served: Served, tmp_path: Path) -> None:
    other = copy_example(tmp_path / "other")
    second = buttress(other, "serve", "--port", served.url.rpartition(":")[2])
    assert second.returncode == 1
    assert "server.port_taken" in second.stderr
    assert processes_of(other) == []


def test_a_project_with_mistakes_is_not_started(project: Path) -> None:
    feature = project / "features" / "support" / "feature.yaml"
    feature.write_text(feature.read_text().replace("ladder: answers", "ladder: nobody"))
    refused = buttress(project, "serve", "--port", "0")
    assert refused.returncode == 2
    assert "feature.yaml:" in refused.stderr
    assert "nobody" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert processes_of(project) == []
    assert not (project / ".buttress" / "run" / "supervisor.json").exists()
