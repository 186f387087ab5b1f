"""Under which names a server may be asked."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.server.errors import HostRefused, NoHttp
from buttress.server.hosts import Headers, require_asked, require_host
from buttress.server.page.errors import CrossSite
from tests.unit.server.serving import send_raw, serving

LOOPBACK, ELSEWHERE = "127.0.0.1", "10.0.0.5"


def host(*values: bytes) -> Headers:
    """Return headers with a `Host` of each value."""
    return [(b"accept", b"*/*"), *((b"host", value) for value in values)]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"localhost", id="the name of this machine for itself"),
        pytest.param(b"localhost:8700", id="with a port"),
        pytest.param(b"localhost:", id="with an empty port"),
        pytest.param(b"LocalHost:80", id="upper case"),
        pytest.param(b"localhost.:8700", id="a dot at the end"),
        pytest.param(b"127.0.0.1:8700", id="IPv4"),
        pytest.param(b"127.1.2.3", id="another address of its own"),
        pytest.param(b"[::1]:8700", id="IPv6"),
        pytest.param(b"[::1]", id="IPv6 without a port"),
        pytest.param(b"[0:0:0:0:0:0:0:1]", id="IPv6, written out"),
        pytest.param(b"[::ffff:127.0.0.1]", id="IPv4 written as IPv6"),
        pytest.param(b"Bot.Example.org.:443", id="a name that is allowed"),
    ],
)
@pytest.mark.parametrize("reached_at", [LOOPBACK, "::1", "::ffff:127.0.0.1", ELSEWHERE, "fe80::1%eth0"])
def test_this_machine_and_names_that_are_allowed_may_be_asked(value: bytes, reached_at: str) -> None:
    require_host(host(value), "1.1", reached_at, ("bot.example.ORG",))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"evil.example:8700", id="a name that leads here"),
        pytest.param(b"localhost.evil.example", id="a name that begins well"),
        pytest.param(b"evil-localhost", id="a name that ends well"),
        pytest.param(b"127.0.0.1.evil.example", id="a name that begins like an address"),
        pytest.param(b"localhost..", id="two dots"),
        pytest.param(b"2130706433", id="an address as one number"),
        pytest.param(b"0x7f.1", id="an address in figures of C"),
        pytest.param("löcalhost".encode(), id="a letter that is no ASCII"),
        pytest.param(b"0.0.0.0", id="any address"),
        pytest.param(b"10.0.0.5", id="an address of another network"),
        pytest.param(b"[fe80::1]", id="the same, IPv6"),
    ],
)
def test_another_host_is_refused_where_only_this_machine_asks(value: bytes) -> None:
    for allowed in ((), ("bot.example.org",)):
        with pytest.raises(HostRefused):
            require_host(host(value), "1.1", LOOPBACK, allowed)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param([b"localhost", b"localhost"], id="two"),
        pytest.param([b"localhost", b"evil.example"], id="two of which one is right"),
        pytest.param([b""], id="an empty one"),
        pytest.param([b"localhost evil.example"], id="two in one"),
        pytest.param([b"localhost, localhost"], id="a list"),
        pytest.param([b"localhost:port"], id="a port that is no number"),
        pytest.param([b"::1"], id="IPv6 without brackets"),
        pytest.param([b"[::1"], id="half a bracket"),
        pytest.param([b"user@localhost"], id="a user"),
        pytest.param([b"x" * 256], id="one longer than names are"),
        pytest.param([b"[" + b"0" * 60_000 + b"::1]"], id="an endless address"),
        pytest.param([b"http://localhost"], id="a whole address"),
    ],
)
def test_what_is_no_host_is_no_http(values: list[bytes]) -> None:
    for reached_at in (LOOPBACK, ELSEWHERE):
        with pytest.raises(NoHttp):
            require_host(host(*values), "1.1", reached_at, ())


@pytest.mark.parametrize("reached_at", [LOOPBACK, ELSEWHERE])
def test_http_1_0_needs_no_host(reached_at: str) -> None:
    require_host(host(), "1.0", reached_at, ("bot.example.org",))
    with pytest.raises(HostRefused):
        require_host(host(b"evil.example"), "1.0", LOOPBACK, ())


def test_from_other_machines_any_name_is_taken_until_names_are_allowed() -> None:
    require_host(host(b"any.example"), "1.1", ELSEWHERE, ())
    with pytest.raises(HostRefused, match=r"any\.example"):
        require_host(host(b"any.example"), "1.1", ELSEWHERE, ("bot.example.org",))


def test_from_other_machines_addresses_are_always_taken() -> None:
    for value in (b"10.0.0.5:8700", b"[fe80::1]:8700", b"192.0.2.7"):
        require_host(host(value), "1.1", ELSEWHERE, ("bot.example.org",))


@given(st.binary(max_size=40) | st.from_regex(rb"(\[?[0-9a-f:.%]+\]?|localhost[.:0-9]*)"))
def test_any_value_is_taken_or_refused(value: bytes) -> None:
    with suppress(HostRefused, NoHttp):
        require_host(host(value), "1.1", LOOPBACK, ())


async def refused(address: tuple[str, int], path: str, head: bytes = b"host: evil.example\r\n") -> bytes:
    """Return what is said to a GET with that `head`."""
    request = b"GET %b HTTP/1.1\r\n%bconnection: close\r\n\r\n" % (path.encode(), head)
    return await send_raw(address, request)


async def test_each_door_refuses_a_host_in_its_own_shape(project: Path) -> None:
    async with serving(project) as server:
        said = {
            path: await refused(server.address, path)
            for path in ("/", "/metrics", "/v1/features/chat", "/v1/chat/completions", "/v1/messages")
        }
    for path, answer in said.items():
        assert answer.startswith(b"HTTP/1.1 421 "), path
        assert b'"code":"server.host_refused"' in answer, path
        assert b"server.allowed_hosts" in answer, path
    assert b'"retryable":false' in said["/v1/features/chat"]
    assert b'"type":"invalid_request_error","param":null' in said["/v1/chat/completions"]
    assert b'{"type":"error","error":{"type":"invalid_request_error"' in said["/v1/messages"]


async def test_health_is_said_to_who_asks_by_address_name_or_http_1_0(project: Path) -> None:
    async with serving(project, allowed_hosts='["bot.example.org"]') as server:
        for head in (b"host: 127.0.0.1\r\n", b"host: LOCALHOST:1\r\n", b"host: bot.example.org\r\n"):
            assert (await refused(server.address, "/healthz", head)).startswith(b"HTTP/1.1 200 ")
        said = await send_raw(server.address, b"GET /readyz HTTP/1.0\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")
        missing = await refused(server.address, "/healthz", b"")
        assert missing.startswith(b"HTTP/1.1 400 ")
        assert b"server.no_http" in missing
        twice = await refused(server.address, "/healthz", b"host: localhost\r\nHost: localhost\r\n")
        assert twice.startswith(b"HTTP/1.1 400 ")


JSON, TEXT = (b"content-type", b"Application/JSON; charset=utf-8"), (b"content-type", b"text/plain")
ELSEWHERE_SITE, OWN_SITE = (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-site", b"same-origin")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("POST", [TEXT], id="a program, which says nothing of sites"),
        pytest.param("POST", [], id="a program that says nothing at all"),
        pytest.param("POST", [TEXT, OWN_SITE], id="a page of ours"),
        pytest.param("POST", [TEXT, (b"sec-fetch-site", b"none")], id="the user"),
        pytest.param("POST", [JSON, ELSEWHERE_SITE], id="a page elsewhere that was allowed to send JSON"),
        pytest.param("GET", [ELSEWHERE_SITE], id="a link to the page"),
    ],
)
def test_who_may_ask_is_answered(method: str, headers: Headers) -> None:
    require_asked(headers, method)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([TEXT, ELSEWHERE_SITE], id="plain text"),
        pytest.param([ELSEWHERE_SITE], id="of no kind"),
        pytest.param([TEXT, (b"sec-fetch-site", b"same-site")], id="another port of this machine"),
        pytest.param([(b"content-type", b"text/plain;application/json"), ELSEWHERE_SITE], id="a ruse"),
    ],
)
def test_a_page_elsewhere_cannot_spend_its_visitors_money(headers: Headers) -> None:
    with pytest.raises(CrossSite):
        require_asked(headers, "POST")


async def test_a_form_of_another_site_is_refused_at_every_door(project: Path) -> None:
    head = {"content-type": "text/plain", "sec-fetch-site": "cross-site"}
    async with serving(project) as server:
        for path in ("/v1/features/chat", "/v1/chat/completions", "/v1/messages", "/v1/embeddings"):
            async with server.session.post(f"{server.url}{path}", data=b"{}", headers=head) as response:
                assert response.status == 403, path
                assert "server.cross_site" in await response.text(), path
