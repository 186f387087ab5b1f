"""The beat of a role, and how others read it."""

import asyncio
import time
from pathlib import Path

import pytest

from buttress.kernel.clock import Clock
from buttress.processes.announcing import Announcer
from buttress.processes.beating import beating, read_beat
from tests.waiting import until


async def test_it_beats_at_once_and_again_and_again_until_the_end() -> None:
    """Not after it."""
    beats: list[int] = []

    async def five_times() -> bool:
        return len(beats) >= 5

    with beating(lambda: beats.append(1), every_s=0.01):
        assert len(beats) == 1
        await until(five_times)
    count = len(beats)
    await asyncio.sleep(0.03)
    assert len(beats) == count


async def test_a_loop_that_stands_still_does_not_beat() -> None:
    """That is what it is for."""
    beats: list[int] = []
    with beating(lambda: beats.append(1), every_s=0.001):
        time.sleep(0.05)  # noqa: ASYNC251 - a loop that is blocked is what this is about
        assert len(beats) == 1


async def test_a_beat_that_fails_is_not_the_last() -> None:
    """The loop reports it."""
    failed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 2:
            raise RuntimeError("once")

    async def three_times() -> bool:
        return len(beats) >= 3

    with beating(beat, every_s=0.001):
        await until(three_times)
    assert len(failed) == 1


def test_every_beat_can_be_told_from_the_one_before(tmp_path: Path, clock: Clock) -> None:
    """As long as there is something to beat with."""
    announcer = Announcer(tmp_path, "engine", clock)
    assert read_beat(tmp_path, "engine") is None
    announcer.say(ready=True)
    first = read_beat(tmp_path, "engine")
    assert first == read_beat(tmp_path, "engine")
    deadline = time.perf_counter() + 10  # file systems count in ticks of some milliseconds
    while read_beat(tmp_path, "engine") == first:
        assert time.perf_counter() < deadline
        announcer.beat()
    announcer.withdraw()
    assert read_beat(tmp_path, "engine") is None


@pytest.mark.parametrize("there", [True, False], ids=["a file in its place", "nothing in its place"])
def test_a_folder_that_is_none_has_no_beats(tmp_path: Path, *, there: bool) -> None:
    """Nothing follows from it."""
    run_dir = tmp_path / "run"
    if there:
        run_dir.write_text("")
    assert read_beat(run_dir, "engine") is None
