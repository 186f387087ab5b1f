"""`outbound.pool`: bounds, order and age of connections."""

import asyncio
import socket
from contextlib import closing

import pytest
from msgspec.structs import replace

from buttress.outbound.faults import NoneFree, Unreachable
from buttress.outbound.sessions import Sessions
from buttress.testing.contracts.provider import until
from tests.unit.outbound.sites import OK, Visit, body_of, outgoing, saying, settings, site


async def test_no_more_connections_than_allowed_and_everybody_is_served() -> None:
    most = 0

    async def answer(visit: Visit) -> None:
        nonlocal most
        most = max(most, there.connections)
        await asyncio.sleep(0.002)
        await visit.say(OK)

    async with site(answer) as there, Sessions(settings(connections=3)) as sessions:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(body_of(sessions, there.url)) for _ in range(40)]
        assert {task.result() for task in tasks} == {b"ok"}
    assert (most, there.connected) == (3, 3)


async def test_who_waits_longest_is_served_first() -> None:
    order: list[bytes] = []

    async def answer(visit: Visit) -> None:
        order.append(visit.body)
        await asyncio.sleep(0.002)
        await visit.say(OK)

    async with (
        site(answer) as there,
        Sessions(settings(connections=1)) as sessions,
        asyncio.TaskGroup() as group,
    ):
        for at in range(10):
            group.create_task(body_of(sessions, there.url, b"%d" % at))
            await asyncio.sleep(0)
    assert order == [b"%d" % at for at in range(10)]


async def test_who_leaves_the_line_takes_nobodys_place() -> None:
    release = asyncio.Event()

    async def answer(visit: Visit) -> None:
        await release.wait()
        await visit.say(OK)

    async with site(answer) as there, Sessions(settings(connections=1)) as sessions:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(body_of(sessions, there.url))
            await until(lambda: len(there.visits) == 1)
            gone = group.create_task(body_of(sessions, there.url))
            last = group.create_task(body_of(sessions, there.url))
            await asyncio.sleep(0)
            gone.cancel()
            release.set()
        assert (first.result(), last.result()) == (b"ok", b"ok")


async def test_a_line_that_is_too_long_says_nothing_of_the_upstream_and_nothing_may_have_worked() -> None:
    async def answer(visit: Visit) -> None:
        await visit.until_gone()

    async with (
        site(answer) as there,
        Sessions(settings(connections=1)) as sessions,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(body_of(sessions, there.url))
        await until(lambda: len(there.visits) == 1)
        hasty = replace(outgoing(there.url), connect_timeout_s=0.02)
        with pytest.raises(NoneFree):
            async with sessions.post(hasty):
                pass
        first.cancel()
    assert len(there.visits) == 1


async def test_an_idle_connection_is_closed_when_its_time_is_over() -> None:
    async with site(saying(OK)) as there, Sessions(settings(keep_alive_s=0.02)) as sessions:
        await body_of(sessions, there.url)
        assert sessions.open_connections == 1
        await until(lambda: sessions.open_connections == 0 and there.connections == 0)


async def test_nothing_is_kept_where_nothing_is_to_be_kept() -> None:
    async with site(saying(OK)) as there, Sessions(settings(keep_alive_s=0)) as sessions:
        for _ in range(2):
            await body_of(sessions, there.url)
        assert there.connected == 2
        await until(lambda: sessions.open_connections == 0)


async def test_a_connection_closed_by_the_other_side_is_not_used_again() -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(OK)
        visit.writer.close()

    async with site(answer) as there, Sessions(settings()) as sessions:
        for _ in range(3):
            assert await body_of(sessions, there.url) == b"ok"
            await until(lambda: sessions.open_connections == 0)


async def test_nobody_listens() -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        async with Sessions(settings()) as sessions:
            with pytest.raises(Unreachable):
                await body_of(sessions, f"http://127.0.0.1:{bound.getsockname()[1]}")
            assert sessions.open_connections == 0


async def test_a_place_that_a_failed_connection_had_is_free_again() -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with Sessions(settings(connections=1)) as sessions:
            asked = [body_of(sessions, url) for _ in range(5)]
            failures = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(failure, Unreachable) for failure in failures)
