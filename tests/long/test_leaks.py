"""The walk of tests/flows/test_leaks.py, ten times as long, with another seed."""

from pathlib import Path

import pytest

from tests.flows.running import say
from tests.leaks.walking import TELLING, seed, walk
from tests.leaks.world import opened_world

QUERIES = 100_000


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_nobody_reads_what_is_not_theirs(tmp_path: Path) -> None:
    async with opened_world(tmp_path / "world") as world:
        await seed(world)
        walked = await walk(world, QUERIES, 2)
    say(f"{walked.readings}, own secrets seen: {walked.seen}")
    assert walked.leaks == []
    assert sum(walked.readings.values()) == QUERIES
    assert walked.seen.keys() >= TELLING, "a reading that shows nobody anything proves nothing"
