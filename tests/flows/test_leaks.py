"""A walk over every way to read, with ten thousand questions for what is somebody else's: nothing leaks."""

from pathlib import Path

import pytest

from tests.flows.running import say
from tests.leaks.readings import READINGS
from tests.leaks.walking import TELLING, seed, walk
from tests.leaks.world import opened_world

QUERIES = 10_000


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_nobody_reads_what_is_not_theirs(tmp_path: Path) -> None:
    async with opened_world(tmp_path / "world") as world:
        await seed(world)
        walked = await walk(world, QUERIES, 1)
    say(f"{walked.readings}, own secrets seen: {walked.seen}")
    assert walked.leaks == []
    assert sum(walked.readings.values()) == QUERIES
    assert walked.seen.keys() >= TELLING, "a reading that shows nobody anything proves nothing"
    assert set(walked.readings) == {one.__name__ for one in READINGS}
