"""One session per origin, over real HTTP."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from buttress.outbound.sessions import Outgoing, Sessions
from buttress.outbound.settings import OutboundSettings


class Site:
    """A server that redirects, sets cookies, and keeps the headers it is sent."""

    def __init__(self) -> None:
        self.url = ""
        self.headers: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        return web.Response(
            status=307, headers={"Location": "/elsewhere", "Set-Cookie": "sid=1; Path=/"}, text="moved"
        )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    app.router.add_post("/{tail:.*}", site.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    async with Sessions(OutboundSettings()) as sessions:
        yield sessions


def outgoing(url: str) -> Outgoing:
    return Outgoing(url=url, body=b"{}", headers={"X-Test": "1"}, connect_timeout_s=2)


async def test_an_origin_has_one_session(sessions: Sessions) -> None:
    assert sessions.of("http://a.example/v1") is sessions.of("http://a.example/v2?x=1")
    assert sessions.of("http://a.example/v1") is sessions.of("http://a.example:80/")


@pytest.mark.parametrize("other", ["https://a.example", "http://a.example:81", "http://b.example"])
async def test_two_origins_share_nothing(sessions: Sessions, other: str) -> None:
    assert sessions.of("http://a.example") is not sessions.of(other)


async def test_no_redirect_is_followed_and_no_cookie_kept(site: Site, sessions: Sessions) -> None:
    for _ in range(2):
        async with sessions.post(outgoing(f"{site.url}/a")) as response:
            assert response.status == 307
            await response.read()
    assert len(site.headers) == 2
    assert all("Cookie" not in headers for headers in site.headers)
    assert {headers["User-Agent"] for headers in site.headers} == {"buttress"}
    assert {headers["X-Test"] for headers in site.headers} == {"1"}


async def test_a_proxy_of_the_environment_is_not_used(
    site: Site, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    async with sessions.post(outgoing(f"{site.url}/a")) as response:
        assert response.status == 307


@pytest.mark.parametrize("url", ["", "/relative", "not a url", "http://[::1"])
async def test_what_is_no_address_is_refused(sessions: Sessions, url: str) -> None:
    with pytest.raises(aiohttp.InvalidURL):
        sessions.of(url)


async def test_a_password_in_an_address_is_not_shown(sessions: Sessions) -> None:
    with pytest.raises(aiohttp.InvalidURL) as raised:
        sessions.of("http://user:pass@[::1")
    assert "pass@" not in str(raised.value)


async def test_closing_closes_all_and_may_be_repeated() -> None:
    sessions = Sessions(OutboundSettings())
    opened = [sessions.of(f"http://{name}.example") for name in "abc"]
    await sessions.aclose()
    await sessions.aclose()
    assert all(session.closed for session in opened)


async def test_a_session_closed_by_somebody_is_opened_again() -> None:
    async with Sessions(OutboundSettings()) as sessions:
        first = sessions.of("http://a.example")
        await first.close()
        assert not sessions.of("http://a.example").closed
