"""`models.concurrency`."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.concurrency import Gate, Limit, lowered, raised
from buttress.models.errors import ModelBusy
from buttress.models.settings import ConcurrencySettings

SETTINGS = ConcurrencySettings(start=4, most=10, lower_to=0.5, lower_every_s=1.0)


def test_a_whole_round_of_calls_that_go_well_gives_one_more() -> None:
    limit = Limit(4)
    for _ in range(4):
        limit = raised(limit, running=4, settings=SETTINGS)
    assert 4.8 < limit.size <= 5


def test_a_limit_that_is_not_used_says_nothing() -> None:
    assert raised(Limit(8), running=3, settings=SETTINGS) == Limit(8)


def test_an_overload_halves_it_once_for_all_who_ran_then() -> None:
    limit = lowered(lowered(Limit(8), 10.0, SETTINGS), 10.9, SETTINGS)
    assert limit.size == 4
    assert lowered(limit, 11.0, SETTINGS).size == 2


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=200))
def test_it_stays_within_one_and_the_most(overloads: list[float | None]) -> None:
    limit, now = Limit(4), 0.0
    for overload in overloads:
        if overload is None:
            limit = raised(limit, running=100, settings=SETTINGS)
        else:
            now += overload
            limit = lowered(limit, now, SETTINGS)
        assert 1 <= limit.size <= SETTINGS.most


async def test_no_more_than_the_limit_run_and_all_get_their_turn() -> None:
    gate, most = Gate("m", Limit(3), queue_length=100), 0

    async def call() -> None:
        nonlocal most
        await gate.enter()
        most = max(most, gate.running)
        await asyncio.sleep(0)
        gate.leave()

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(call())
    assert (most, gate.running, gate.waiting) == (3, 0, 0)


async def test_a_line_that_is_full_is_refused_at_once() -> None:
    gate = Gate("m", Limit(1), queue_length=1)
    await gate.enter()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(gate.enter())
        await asyncio.sleep(0)
        with pytest.raises(ModelBusy):
            await gate.enter()
        gate.leave()
    assert waiting.done()
    assert gate.running == 1


async def test_who_leaves_the_line_takes_nobodys_place() -> None:
    gate = Gate("m", Limit(1), queue_length=5)
    await gate.enter()
    async with asyncio.TaskGroup() as group:
        gone, last = group.create_task(gate.enter()), group.create_task(gate.enter())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        gate.leave()
    assert last.done()
    assert (gate.running, gate.waiting) == (1, 0)


async def test_who_is_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    gate = Gate("m", Limit(1), queue_length=5)
    await gate.enter()
    async with asyncio.TaskGroup() as group:
        gone, last = group.create_task(gate.enter()), group.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.leave()
        gone.cancel()
    assert (last.done(), last.cancelled(), gate.running) == (True, False, 1)


async def test_a_raised_limit_lets_in_who_waits() -> None:
    gate = Gate("m", Limit(1), queue_length=5)
    await gate.enter()
    async with asyncio.TaskGroup() as group:
        group.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.limit = Limit(2)
        gate.admit_next()
    assert gate.running == 2
