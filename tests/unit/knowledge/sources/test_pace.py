"""How fast a site is asked."""

import asyncio

import pytest

from buttress.knowledge.sources.pace import GIVEN_UP_AFTER, Pace, PoliteFetcher
from buttress.outbound.faults import Unreachable
from buttress.outbound.fetching import Fetcher, Get
from buttress.outbound.networks import may_be_own
from tests.unit.knowledge.sources.servers import Answer, serving


async def test_no_more_turns_than_may_be_at_once() -> None:
    pace, running, most = Pace(3, 0.0), 0, 0

    async def ask() -> None:
        nonlocal running, most
        async with pace.turn("a.example"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(ask())
    assert most == 3


async def test_two_turns_of_a_site_do_not_begin_together() -> None:
    """Those of another site do not wait for them."""
    pace, began = Pace(10, 0.02), list[float]()
    loop = asyncio.get_running_loop()

    async def ask() -> None:
        async with pace.turn("a.example"):
            began.append(loop.time())

    start = loop.time()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ask())
    async with pace.turn("b.example"):
        pass
    assert began[-1] - start >= 0.05


async def test_a_turn_is_given_back_when_it_fails() -> None:
    pace = Pace(1, 0.0)
    for _ in range(3):
        try:
            async with pace.turn("a.example"):
                raise KeyError  # noqa: TRY301 - the failure is the matter
        except KeyError:
            pass


def get(url: str) -> Get:
    return Get(url=url, max_bytes=100, timeout_s=20)


def polite() -> PoliteFetcher:
    return PoliteFetcher(Fetcher(may_be_own), Pace(4, 0.0))


async def test_a_site_that_does_not_answer_is_not_asked_for_ever() -> None:
    """Other sites are."""
    fetcher = polite()
    for _ in range(GIVEN_UP_AFTER):
        with pytest.raises(Unreachable, match="Connect"):
            await fetcher.get(get("http://127.0.0.2:9/"))
    with pytest.raises(Unreachable, match="8 times in a row"):
        await fetcher.get(get("http://127.0.0.2:9/"))
    async with serving(lambda _: Answer()) as server:
        assert (await fetcher.get(get(server.url))).status == 200


async def test_a_site_that_is_busy_is_left_in_peace_and_one_that_answers_is_not() -> None:
    said = iter([*[503] * (GIVEN_UP_AFTER - 1), 404, *[429] * GIVEN_UP_AFTER])
    async with serving(lambda _: Answer(next(said))) as server:
        fetcher = polite()
        for _ in range(2 * GIVEN_UP_AFTER):
            await fetcher.get(get(server.url))
        with pytest.raises(Unreachable):
            await fetcher.get(get(server.url))
        assert len(server.asked) == 2 * GIVEN_UP_AFTER
