"""Documents between two steps."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.syncing.backlog import Backlog


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 12), st.integers(1, 12), st.integers(1, 5))
def test_everything_comes_out_once_and_in_order(
    weights: list[int], most: int, weight: int, count: int
) -> None:
    """Whatever the bounds are, and whether the taker is patient or not; nobody waits for ever."""

    async def run(*, patient: bool) -> list[list[int]]:
        backlog = Backlog[int](lambda one: one, most)
        taken: list[list[int]] = []

        async def put() -> None:
            for one in weights:
                await backlog.put(one)
            await backlog.close()

        async def take() -> None:
            while items := await backlog.take(weight, count, patient=patient):
                taken.append(items)

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(put())
            group.create_task(take())
        return taken

    for patient in (False, True):
        taken = asyncio.run(run(patient=patient))
        assert [one for items in taken for one in items] == weights
        assert all(len(items) <= count for items in taken)
        assert all(sum(items[:-1]) < weight for items in taken)


async def test_the_faster_step_waits() -> None:
    backlog = Backlog[int](lambda one: one, 10)
    await backlog.put(100)
    async with asyncio.TaskGroup() as group:
        second = group.create_task(backlog.put(1))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not second.done()
        assert await backlog.take(1, 1) == [100]


async def test_a_patient_taker_waits_for_a_full_group() -> None:
    backlog = Backlog[int](lambda one: one, 100)
    async with asyncio.TaskGroup() as group:
        group_of_two = group.create_task(backlog.take(1_000, 2, patient=True))
        await backlog.put(1)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not group_of_two.done()
        await backlog.put(2)
    assert group_of_two.result() == [1, 2]


async def test_two_takers_share_and_both_hear_the_end() -> None:
    backlog = Backlog[int](lambda one: one, 100)
    async with asyncio.TaskGroup() as group:
        takers = [group.create_task(backlog.take(1, 1)) for _ in range(2)]
        await backlog.put(7)
        await backlog.close()
    assert sorted(taker.result() for taker in takers) == [[], [7]]
