"""`outbound.connection` against a site that says exactly these bytes."""

import asyncio

import pytest

from buttress.outbound.connection import MAX_HEAD_BYTES
from buttress.outbound.faults import BrokenOff, NotHttp
from buttress.outbound.sessions import Sessions
from buttress.testing.contracts.provider import until
from tests.unit.outbound.sites import OK, Visit, body_of, outgoing, saying, settings, site


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        pytest.param([OK], b"ok", id="with a length"),
        pytest.param(
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"2\r\nok\r\n",
                b"1\r\n!\r\n0\r\n\r\n",
            ],
            b"ok!",
            id="in chunks",
        ),
        pytest.param([OK[at : at + 1] for at in range(len(OK))], b"ok", id="byte by byte"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", OK], b"ok", id="after an interim answer"),
        pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], b"", id="without a body"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"],
            b"ok",
            id="with a trailer",
        ),
    ],
)
async def test_an_answer_is_read_and_the_connection_kept(pieces: list[bytes], body: bytes) -> None:
    async with site(saying(*pieces)) as there, _sessions() as sessions:
        assert [await body_of(sessions, there.url) for _ in range(3)] == [body] * 3
        assert there.connected == 1


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\n\r\n", b"all of it")
        visit.writer.close()

    async with site(answer) as there, _sessions() as sessions:
        assert await body_of(sessions, there.url) == b"all of it"
        assert await body_of(sessions, there.url) == b"all of it"
        assert there.connected == 2


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="before a word"),
        pytest.param(b"HTTP/1.1 200", id="in the head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", id="in a body with a length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", id="in chunks"),
    ],
)
async def test_a_connection_that_breaks_is_a_fault_never_an_end(said: bytes) -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(said)
        visit.writer.close()

    async with site(answer) as there, _sessions() as sessions:
        with pytest.raises(BrokenOff):
            await body_of(sessions, there.url)
        await until(lambda: sessions.open_connections == 0)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.7\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", id="a length that is no number"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="a chunk without a size"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (MAX_HEAD_BYTES + 9), id="a head without an end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok",
            id="packed in a way not asked for",
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            id="another protocol from here on",
        ),
    ],
)
async def test_what_is_no_http_is_a_fault_and_the_connection_closed(said: bytes) -> None:
    async with site(saying(said)) as there, _sessions() as sessions:
        with pytest.raises(NotHttp):
            await body_of(sessions, there.url)
        await until(lambda: sessions.open_connections == 0 and there.connections == 0)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", id="it says so"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", id="an old version"),
        pytest.param(OK + OK, id="more than was asked for"),
    ],
)
async def test_some_connections_are_not_kept(said: bytes) -> None:
    async with site(saying(said)) as there, _sessions() as sessions:
        assert await body_of(sessions, there.url) == b"ok"
        await until(lambda: sessions.open_connections == 0)
        assert await body_of(sessions, there.url) == b"ok"
        assert there.connected == 2


async def test_leaving_in_the_middle_closes_at_once() -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        await visit.until_gone()

    async with site(answer) as there, _sessions() as sessions:
        async with sessions.post(outgoing(there.url)) as response:
            assert await response.some() == b"half"
        assert sessions.open_connections == 0 or await _is_soon_empty(sessions)


async def test_leaving_before_the_last_of_the_end_keeps_the_connection() -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n")
        await asyncio.sleep(0.01)
        await visit.say(b"0\r\n\r\n")

    async with site(answer) as there, _sessions() as sessions:
        for _ in range(2):
            exchange = sessions.post(outgoing(there.url))
            async with exchange as response:
                assert await response.some() == b"all"
                exchange.want_no_more()
            await asyncio.sleep(0.03)
        assert there.connected == 1


async def test_an_end_that_does_not_come_is_not_waited_for() -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n")
        await visit.until_gone()

    async with site(answer) as there, _sessions() as sessions:
        exchange = sessions.post(outgoing(there.url))
        async with exchange as response:
            await response.some()
            exchange.want_no_more()
        await until(lambda: sessions.open_connections == 0)


async def test_nobody_asked_but_it_speaks() -> None:
    async def answer(visit: Visit) -> None:
        await visit.say(OK)
        await asyncio.sleep(0.01)
        await visit.say(OK)

    async with site(answer) as there, _sessions() as sessions:
        assert await body_of(sessions, there.url) == b"ok"
        await until(lambda: sessions.open_connections == 0)


async def test_who_is_cancelled_leaves_no_connection() -> None:
    async def answer(visit: Visit) -> None:
        await visit.until_gone()

    async with site(answer) as there, _sessions() as sessions:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(body_of(sessions, there.url))
            await until(lambda: bool(there.visits))
            task.cancel()
        await until(lambda: sessions.open_connections == 0 and there.connections == 0)


async def _is_soon_empty(sessions: Sessions) -> bool:
    await until(lambda: sessions.open_connections == 0)
    return True


def _sessions() -> Sessions:
    return Sessions(settings())


async def test_a_kept_connection_that_went_stale_is_replaced_once() -> None:
    """An upstream that closes idle connections does so in the very moment we ask, now and then."""

    async def answer(visit: Visit) -> None:
        if there.connected == 1 and len(there.visits) == 2:
            visit.writer.transport.abort()
        else:
            await visit.say(OK)

    async with site(answer) as there, _sessions() as sessions:
        assert [await body_of(sessions, there.url) for _ in range(3)] == [b"ok"] * 3
        assert (there.connected, len(there.visits)) == (2, 4)


async def test_a_new_connection_that_breaks_is_not_asked_again() -> None:
    async def answer(visit: Visit) -> None:
        visit.writer.transport.abort()

    async with site(answer) as there, _sessions() as sessions:
        with pytest.raises(BrokenOff):
            await body_of(sessions, there.url)
        assert len(there.visits) == 1


async def test_a_kept_connection_that_breaks_within_its_answer_is_not_asked_again() -> None:
    async def answer(visit: Visit) -> None:
        if len(there.visits) == 1:
            await visit.say(OK)
        else:
            await visit.say(b"HTTP/1.1 200")
            visit.writer.close()

    async with site(answer) as there, _sessions() as sessions:
        assert await body_of(sessions, there.url) == b"ok"
        with pytest.raises(BrokenOff):
            await body_of(sessions, there.url)
        assert len(there.visits) == 2
