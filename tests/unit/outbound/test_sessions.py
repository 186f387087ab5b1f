"""`outbound.sessions`: what goes out, and to whom."""

import pytest

from buttress.outbound.addresses import AddressInvalid
from buttress.outbound.sessions import Sessions
from buttress.testing.contracts.provider import until
from tests.unit.outbound.sites import OK, body_of, outgoing, saying, settings, site

MOVED = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nSet-Cookie: sid=1\r\nContent-Length: 0\r\n\r\n"


async def test_a_request_is_sent_as_it_is() -> None:
    async with site(saying(OK)) as there, Sessions(settings()) as sessions:
        async with sessions.post(outgoing(f"{there.url}/v1/x?y=1", b"hello", Authorization="Bearer k")):
            pass
        visit = there.visits[0]
    head = visit.head.split("\r\n")
    assert head[0] == "POST /v1/x?y=1 HTTP/1.1"
    assert {"Authorization: Bearer k", "User-Agent: buttress", "Content-Length: 5"} <= set(head)
    assert head[1] == f"Host: {there.url.removeprefix('http://')}"
    assert visit.body == b"hello"


async def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    async with site(saying(MOVED)) as there, Sessions(settings()) as sessions:
        for _ in range(2):
            async with sessions.post(outgoing(there.url)) as response:
                assert response.status == 307
        assert len(there.visits) == 2
        assert not any("cookie" in visit.head.lower() for visit in there.visits)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    async with site(saying(OK)) as there, Sessions(settings()) as sessions:
        assert await body_of(sessions, there.url) == b"ok"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "snow \u2603"])
async def test_a_header_cannot_smuggle_another(value: str) -> None:
    async with Sessions(settings()) as sessions:
        with pytest.raises(AddressInvalid):
            sessions.post(outgoing("http://127.0.0.1:9", Evil=value))


async def test_what_is_no_address_is_refused() -> None:
    async with Sessions(settings()) as sessions:
        with pytest.raises(AddressInvalid):
            sessions.post(outgoing("not a url"))


async def test_two_origins_share_no_connection() -> None:
    async with site(saying(OK)) as one, site(saying(OK)) as other, Sessions(settings()) as sessions:
        await body_of(sessions, one.url)
        await body_of(sessions, other.url)
        assert (one.connected, other.connected) == (1, 1)


async def test_an_origin_that_nobody_is_connected_to_is_forgotten() -> None:
    async with site(saying(OK)) as there, Sessions(settings()) as sessions:
        await body_of(sessions, there.url)
        for number in range(20):
            sessions.post(outgoing(f"http://127.0.0.{number + 1}:9"))
        assert sessions.known_origins == 2  # one that is connected, and the newest
        await body_of(sessions, there.url)
        assert there.connected == 1


async def test_closing_closes_all_and_may_be_repeated() -> None:
    sessions = Sessions(settings())
    async with site(saying(OK)) as there:
        await body_of(sessions, there.url)
        sessions.close()
        sessions.close()
        await until(lambda: there.connections == 0)


async def test_closing_breaks_off_what_is_under_way() -> None:
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    async with site(saying(half)) as there, Sessions(settings()) as sessions:
        exchange = sessions.post(outgoing(there.url))
        async with exchange as response:
            await response.some()
            sessions.close()
            await until(lambda: there.connections == 0)


async def test_a_connection_that_was_said_to_be_closed_is_not_kept() -> None:
    async with site(saying(OK)) as there, Sessions(settings()) as sessions:
        for _ in range(2):
            async with sessions.post(outgoing(there.url, Connection="close")) as response:
                await response.whole(10)
        assert there.connected == 2
