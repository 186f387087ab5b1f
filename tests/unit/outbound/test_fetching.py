"""`outbound.fetching`: a GET to an address from outside, at sites that do what they like."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from buttress.outbound.faults import Barred, BrokenOff, NotHttp, TookTooLong, TooMuch, Unreachable
from buttress.outbound.fetching import FETCH_FAULTS, Fetcher, Get, Got, why_failed
from buttress.outbound.networks import may_be_own
from tests.unit.outbound.certificates import certificate_for
from tests.unit.outbound.sites import Answer, Visit, saying, site

OWN = Fetcher(may_be_own)
MAX = 100_000


def get(
    url: str, *, timeout_s: float = 20.0, redirects: int = 5, headers: Mapping[str, str] | None = None
) -> Get:
    return Get(url=url, max_bytes=MAX, timeout_s=timeout_s, max_redirects=redirects, headers=headers or {})


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def moved(location: str) -> Answer:
    return saying(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location.encode())


def by_path(**answers: Answer) -> Answer:
    """Answer each path, by its first name."""

    async def answer(visit: Visit) -> None:
        await answers[visit.head.split("/", 2)[1].partition(" ")[0] or "root"](visit)

    return answer


async def test_a_page_is_returned_as_it_is() -> None:
    async with site(saying(ok(b"hello", b'ETag: W/"1"', b"Content-Type: text/html"))) as there:
        got = await OWN.get(get(f"{there.url}/a b?c=d#e", headers={"If-None-Match": 'W/"0"'}))
        (visit,) = there.visits
    assert (got.status, got.body, got.headers["etag"]) == (200, b"hello", 'W/"1"')
    assert visit.head.startswith("GET /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:")
    assert 'If-None-Match: W/"0"\r\n' in visit.head
    assert "Cookie" not in visit.head


@pytest.mark.parametrize("status", [304, 404, 500])
async def test_every_status_is_an_answer(status: int) -> None:
    async with site(saying(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)) as there:
        assert (await OWN.get(get(there.url))).status == status


class TestRedirects:
    """Each is another address from outside."""

    async def test_one_is_followed_and_headers_stay_with_their_site(self) -> None:
        async with site(saying(ok(b"there"))) as other, site(moved(f"{other.url}/x")) as first:
            got = await OWN.get(get(first.url, headers={"Authorization": "secret"}))
            assert "secret" in first.visits[0].head
            assert "secret" not in other.visits[0].head
        assert got == Got(url=f"{other.url}/x", status=200, headers=got.headers, body=b"there")

    async def test_a_relative_one_keeps_headers(self) -> None:
        async with site(by_path(root=moved("page"), page=saying(ok(b"there")))) as there:
            assert (await OWN.get(get(there.url, headers={"X": "y"}))).body == b"there"
            assert "X: y\r\n" in there.visits[1].head

    async def test_a_circle_ends(self) -> None:
        async with site(moved("/again")) as there:
            with pytest.raises(NotHttp, match="more than 5 times"):
                await OWN.get(get(there.url))
            assert len(there.visits) == 6

    async def test_none_is_followed_where_none_may_be(self) -> None:
        async with site(moved("/again")) as there:
            assert (await OWN.get(get(there.url, redirects=0))).status == 302
            assert len(there.visits) == 1

    @pytest.mark.parametrize(
        "target",
        [
            pytest.param("http://169.254.169.254/latest/meta-data/", id="a cloud's credentials"),
            pytest.param("http://[::ffff:a9fe:a9fe]/", id="the same, as version 6"),
            pytest.param("http://2852039166/", id="the same, as a number"),
            pytest.param("file:///etc/passwd", id="a file"),
            pytest.param("ftp://a.example/", id="another protocol"),
            pytest.param("http://me:word@127.0.0.1/", id="with a password"),
            pytest.param("http://[nowhere/", id="half of brackets"),
        ],
    )
    async def test_what_nobody_may_ask_is_not_asked(self, target: str) -> None:
        async with site(moved(target)) as there:
            with pytest.raises(Barred):
                await OWN.get(get(there.url))

    async def test_one_from_the_internet_to_an_own_network_is_refused(self) -> None:
        """As if the first site were of the internet; the second one has another address."""
        async with site(saying(ok(b"secret"))) as inner:
            private = inner.url.replace("127.0.0.1", "127.0.0.2")
            async with site(moved(f"{private}/keys")) as outer:
                with pytest.raises(Barred, match=r"127\.0\.0\.2"):
                    await Fetcher(lambda address: address == "127.0.0.1").get(get(outer.url))
            assert inner.connected == 0


class TestNames:
    """A name is looked up once, and judged by all it leads to."""

    async def test_own_networks_are_refused_unless_allowed(self) -> None:
        async with site(saying(ok(b"x"))) as there:
            with pytest.raises(Barred, match=r"127\.0\.0\.1"):
                await Fetcher().get(get(there.url))
            assert there.connected == 0

    async def test_what_a_name_leads_to_later_does_not_count(self) -> None:
        """The connection goes to the address that was looked at, and says the name."""
        answers = [["127.0.0.1"], ["169.254.169.254"]]

        async def changing(_: str, __: int) -> list[str]:
            return answers.pop(0)

        async with site(saying(ok(b"x"))) as there:
            url = there.url.replace("127.0.0.1", "changing.example")
            assert (await Fetcher(may_be_own, changing).get(get(url))).body == b"x"
            assert "Host: changing.example:" in there.visits[0].head
        assert answers == [["169.254.169.254"]]

    async def test_one_bad_address_among_good_ones_is_enough(self) -> None:
        async def both(_: str, __: int) -> list[str]:
            return ["127.0.0.1", "169.254.169.254"]

        with pytest.raises(Barred):
            await Fetcher(may_be_own, both).get(get("http://both.example/"))

    async def test_the_next_address_is_tried_when_one_does_not_answer(self) -> None:
        async def both(_: str, __: int) -> list[str]:
            return ["127.0.0.9", "127.0.0.1"]

        async with site(saying(ok(b"x"))) as there:
            url = there.url.replace("127.0.0.1", "both.example")
            assert (await Fetcher(may_be_own, both).get(get(url))).body == b"x"

    @pytest.mark.parametrize(
        "url", ["http://nowhere.invalid/", "http://127.0.0.1:9/", f"http://{'a' * 70}.b/"]
    )
    async def test_one_that_leads_nowhere_is_unreachable(self, url: str) -> None:
        with pytest.raises(FETCH_FAULTS) as caught:
            await OWN.get(get(url))
        assert why_failed(caught.value)


async def _endless(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await visit.say(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


async def _dripping(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        await visit.say(b"x")
        await asyncio.sleep(0.02)


async def _silent(visit: Visit) -> None:
    await visit.until_gone()


async def _half(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    visit.writer.close()


def _packed(body: bytes) -> Answer:
    return saying(ok(gzip.compress(body), b"Content-Encoding: gzip"))


class TestBounds:
    """Nothing is held up by what is long, endless or slow."""

    @pytest.mark.parametrize(
        ("answer", "fault", "reason"),
        [
            pytest.param(
                saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nx"),
                TooMuch,
                "it has 10,737,418,240 bytes; the limit is 100,000",
                id="ten gigabytes, and it says so",
            ),
            pytest.param(_endless, TooMuch, "it has more than 100,000 bytes", id="endless"),
            pytest.param(_packed(b"x" * 10_000_000), TooMuch, "it has more than", id="much in a little"),
            pytest.param(_packed(b"x" * 60_000_000), NotHttp, "is not HTTP", id="a bomb"),
            pytest.param(_half, BrokenOff, "broke off before the end", id="half of it"),
            pytest.param(saying(b"\x16\x03\x01 what\r\n\r\n"), NotHttp, "is not HTTP", id="no HTTP"),
            pytest.param(
                saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 90_000), NotHttp, "a head", id="a long head"
            ),
        ],
    )
    async def test_what_is_too_much_or_broken_is_one_fault(
        self, answer: Answer, fault: type[Exception], reason: str
    ) -> None:
        async with site(answer) as there:
            with pytest.raises(fault) as caught:
                await OWN.get(get(there.url))
        assert reason in why_failed(caught.value)

    @pytest.mark.parametrize("answer", [_dripping, _silent])
    async def test_what_is_slow_ends_in_time(self, answer: Answer) -> None:
        async with site(answer) as there:
            with pytest.raises(TookTooLong, match=r"0\.3 s"):
                await OWN.get(get(there.url, timeout_s=0.3))

    async def test_what_is_packed_is_unpacked(self) -> None:
        async with site(_packed(b"x" * 50_000)) as there:
            assert (await OWN.get(get(there.url))).body == b"x" * 50_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `inside.example`, with its key, in one file."""
    return certificate_for("inside.example", tmp_path_factory.mktemp("certificate"))


@asynccontextmanager
async def sealed_site(certificate: Path, answer: bytes) -> AsyncIterator[tuple[Fetcher, int]]:
    """Have a site behind TLS that says `answer`; give its port, and who takes every name for it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def here(_: str, __: int) -> list[str]:
        return ["127.0.0.1"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        trusting = partial(ssl.create_default_context, cafile=str(certificate))
        yield Fetcher(may_be_own, here, trusting), server.sockets[0].getsockname()[1]


class TestEncryption:
    """The certificate has to be the name's, though the connection goes to an address."""

    async def test_the_one_whose_name_is_asked_is_believed(self, certificate: Path) -> None:
        async with sealed_site(certificate, ok(b"sealed")) as (fetcher, port):
            assert (await fetcher.get(get(f"https://inside.example:{port}/"))).body == b"sealed"

    async def test_another_is_not(self, certificate: Path) -> None:
        async with sealed_site(certificate, ok(b"sealed")) as (fetcher, port):
            with pytest.raises(Unreachable) as caught:
                await fetcher.get(get(f"https://other.example:{port}/"))
        assert "certificate" in why_failed(caught.value)

    async def test_an_encrypted_page_does_not_lead_to_an_open_one(self, certificate: Path) -> None:
        said = b"HTTP/1.1 301 X\r\nLocation: http://inside.example/\r\nContent-Length: 0\r\n\r\n"
        async with sealed_site(certificate, said) as (fetcher, port):
            with pytest.raises(Barred, match="from https to http"):
                await fetcher.get(get(f"https://inside.example:{port}/"))
