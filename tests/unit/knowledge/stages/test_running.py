"""How a stage is run."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from buttress.kernel.clock import SystemClock
from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.stages.running import Stages
from buttress.testing.clock import ManualClock


async def test_stages_are_timed_in_the_order_they_begin() -> None:
    clock = ManualClock()
    stages = Stages(clock, lambda _: 10)

    async def work(seconds: float) -> list[int]:
        clock.advance(seconds)
        return [1, 2]

    assert await stages.attempt("first", lambda: work(0.25)) == [1, 2]
    with stages.computing("second") as done:
        clock.advance(0.5)
        done([1])
    assert [(one.name, one.duration_ms, one.count) for one in stages.reports] == [
        ("first", 250, 2),
        ("second", 500, 1),
    ]


async def fail() -> list[int]:
    """Fail as an adapter may."""
    raise IndexFailed("the disk is gone")


async def break_down() -> list[int]:
    """Fail by mistake."""
    raise ValueError("shapes (384,) and (383,) not aligned")


@pytest.mark.parametrize(
    ("work", "note"),
    [
        pytest.param(fail, "knowledge.index_failed: the disk is gone", id="it fails"),
        pytest.param(break_down, "broke: ValueError: shapes", id="a mistake in it"),
        pytest.param(asyncio.Event().wait, "took longer than 0.01 s", id="it is late"),
    ],
)
async def test_a_stage_that_gives_nothing_is_skipped_and_said_so(
    work: Callable[[], Awaitable[list[int]]], note: str
) -> None:
    """The next one runs."""
    stages = Stages(SystemClock(), lambda name: 0.01 if name == "bad" else 60)

    async def good() -> list[int]:
        return [1]

    assert await stages.attempt("bad", work) is None
    assert await stages.attempt("good", good) == [1]
    bad, after = stages.reports
    assert bad.skipped
    assert bad.note.startswith(note)
    assert not after.skipped
    assert stages.skipped == f"bad: {bad.note}"


async def test_each_stage_has_its_own_budget() -> None:
    """The one that is late does not shorten the other's."""
    asked: list[str] = []

    def budget_s(name: str) -> float:
        asked.append(name)
        return 60

    stages = Stages(SystemClock(), budget_s)

    async def work() -> list[int]:
        return []

    await stages.attempt("embed", work)
    await stages.attempt("rerank", work)
    assert asked == ["embed", "rerank"]
