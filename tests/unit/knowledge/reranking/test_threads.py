"""Threads of their own: a few documents at a time, in turns, and no more once a call is left."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from buttress.knowledge.reranking.threads import Threads
from tests.waiting import until


@pytest.fixture
def threads() -> Iterator[Threads]:
    with closing(Threads(2)) as threads:
        yield threads


class Gated:
    """Work that waits for its gate; what began is in `begun`."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun: list[str] = []

    async def is_full(self) -> bool:
        """Say whether both threads are at work on it."""
        return len(self.begun) == 2

    def __call__(self, text: str) -> int:
        self.begun.append(text[:1])
        self.gate.wait(20)
        return len(text)


async def test_results_come_in_the_order_of_the_texts(threads: Threads) -> None:
    texts = ["x" * (at * 911 % 5_003) for at in range(40)]
    assert await threads.each(len, texts) == [len(one) for one in texts]
    assert await threads.each(len, []) == []


async def test_the_first_failure_is_raised_as_it_is(threads: Threads) -> None:
    def fail(text: str) -> None:
        raise KeyError(text[:1])

    with pytest.raises(KeyError, match="x"):
        await threads.each(fail, ["x" * 4_000] * 9)


async def test_a_call_that_is_left_ends_with_what_it_has_begun(threads: Threads) -> None:
    work = Gated()
    async with asyncio.TaskGroup() as group:
        call = group.create_task(threads.each(work, ["x" * 4_000] * 100))
        await until(work.is_full)
        call.cancel()
    work.gate.set()
    assert await threads.run(lambda: "the next one") == "the next one"
    assert len(work.begun) == 2


async def test_calls_take_turns(threads: Threads) -> None:
    """A short one does not wait until a hundred documents of another are scored."""
    long, short = Gated(), Gated()
    short.gate.set()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(threads.each(long, ["l" * 4_000] * 100))
        await until(long.is_full)
        second = group.create_task(threads.each(short, ["s"]))
        await asyncio.sleep(0)
        long.gate.set()
        assert await second == [1]
        begun_before = len(long.begun)
    assert first.result() == [4_000] * 100
    assert begun_before < 100
