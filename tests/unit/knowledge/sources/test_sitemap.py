"""A site by its sitemap as a source."""

import gzip
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import SourceMissing, Unreadable
from buttress.knowledge.types import SitemapSource
from buttress.testing.contracts.source import SourceContract
from tests.unit.knowledge.sources.local import DOCUMENTS
from tests.unit.knowledge.sources.servers import Answer, Asked, Pages, Server, ServerHolding, serving
from tests.unit.knowledge.sources.test_web import opened

MAX = 1 << 20
SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def site(server: Server, include: tuple[str, ...] = ("**",), exclude: tuple[str, ...] = ()) -> SitemapSource:
    return SitemapSource(
        sitemap=f"{server.url}/sitemap.xml",
        include=include,
        exclude=exclude,
        readers=("*",),
        allow_private=True,
    )


def urls(*locations: str) -> bytes:
    rows = "".join(f"<url><loc>\n {one} </loc><lastmod>2026-01-01</lastmod></url>" for one in locations)
    return f"<?xml version='1.0'?><urlset xmlns='{SPACE}'>{rows}</urlset>".encode()


def index(*locations: str) -> bytes:
    rows = "".join(f"<sitemap><loc>{one}</loc></sitemap>" for one in locations)
    return f"<sitemapindex xmlns='{SPACE}'>{rows}</sitemapindex>".encode()


class Site:
    """Pages, and a sitemap that names them all; or what `other` says of a path, where `{}` is the site."""

    def __init__(self, pages: Mapping[str, bytes], **other: bytes) -> None:
        self.pages = Pages(pages)
        self._other = other

    def __call__(self, asked: Asked) -> Answer:
        """Answer a request."""
        own = f"http://{asked.headers['host']}"
        name = asked.target.removeprefix("/").partition(".")[0]
        if name in self._other:
            return Answer(200, {}, self._other[name].replace(b"{}", own.encode()))
        if asked.target == "/sitemap.xml":
            return Answer(200, {}, urls(*(f"{own}/{path}" for path in self.pages.pages)))
        return self.pages(asked)


class TestContract(SourceContract):
    """What every source promises."""

    @pytest.fixture
    async def holding(self, tmp_path: Path) -> AsyncIterator[ServerHolding]:
        held = Site(DOCUMENTS)
        async with serving(held) as server, opened(site(server), tmp_path) as source:
            yield ServerHolding(held.pages.pages, source, f"{server.url}/", server.close)


async def paths(tmp_path: Path, held: Site, include: tuple[str, ...] = ("**",), most: int = 99) -> list[str]:
    """Return which pages are found, without the site."""
    async with serving(held) as server, opened(site(server, include), tmp_path, most=most) as source:
        return [one.path.removeprefix(server.url) for one in (await source.list({})).entries]


async def refusal(tmp_path: Path, held: Site, most: int = 99) -> ButtressError:
    """Return why the source is out of reach."""
    with pytest.raises((SourceMissing, Unreadable)) as caught:
        await paths(tmp_path, held, most=most)
    assert "\n" not in caught.value.message
    return caught.value


async def test_globs_are_for_the_paths_of_pages(tmp_path: Path) -> None:
    held = Site({"docs/a": b"a", "docs/b/c": b"c", "blog/x": b"x", "docs/ü": b"u"})
    assert await paths(tmp_path, held, ("docs/*",)) == ["/docs/a", "/docs/ü"]


async def test_sitemaps_may_name_sitemaps(tmp_path: Path) -> None:
    """One names itself, and a page is named twice, once with a place in it."""
    inner = urls("{}/a.md", "{}/a.md#there", "{}/b/c.txt")
    held = Site(DOCUMENTS, sitemap=index("{}/inner.xml", "{}/sitemap.xml", "{}/inner.xml"), inner=inner)
    assert await paths(tmp_path, held) == ["/a.md", "/b/c.txt"]


async def test_a_sitemap_may_be_packed(tmp_path: Path) -> None:
    """As a file: nothing in the answer's head says so."""

    def answer(asked: Asked) -> Answer:
        named = urls(f"http://{asked.headers['host']}/a.md")
        return Answer(200, {}, gzip.compress(named) if "sitemap" in asked.target else b"x")

    async with serving(answer) as server, opened(site(server), tmp_path) as source:
        assert len((await source.list({})).entries) == 1


async def test_a_sitemap_may_be_a_text(tmp_path: Path) -> None:
    """With an address on each line."""
    held = Site(DOCUMENTS, sitemap=b"\xef\xbb\xbf{}/a.md\r\n\r\n  {}/b/c.txt#x\nfile:///etc/passwd\n")
    async with serving(held) as server, opened(site(server), tmp_path) as source:
        listing = await source.list({})
    assert [one.path.removeprefix(server.url) for one in listing.entries] == ["/a.md", "/b/c.txt"]
    assert [one.path for one in listing.skipped] == ["file:///etc/passwd"]


async def test_pages_of_other_sites_are_not_asked(tmp_path: Path) -> None:
    async with serving(lambda _: Answer(200, {}, b"secret")) as other:
        foreign = other.url.replace("127.0.0.1", "127.0.0.2")
        long = f"{foreign}/{'b/' * 2_048}"
        odd = ("file:///etc/passwd", "http://me:word@127.0.0.1/", "http://[x#y", "", long)
        named = urls("{}/a.md", f"{foreign}/x", *odd)
        held = Site(DOCUMENTS, sitemap=named)
        async with serving(held) as server, opened(site(server), tmp_path) as source:
            listing = await source.list({})
        assert [one.path for one in listing.entries] == [f"{server.url}/a.md"]
        assert {one.path: one.reason for one in listing.skipped} == {
            f"{foreign}/x": "is of another site than its sitemap",
            "file:///etc/passwd": "is no address of a page",
            "http://me:word@127.0.0.1/": "is no address of a page",
            "http://[x": "is no address of a page",
            long[:300]: "has more than 4,096 characters",
        }
        assert other.asked == []


async def test_a_page_of_the_sitemap_that_is_away_is_named(tmp_path: Path) -> None:
    held = Site(DOCUMENTS, sitemap=urls("{}/a.md", "{}/nothing.md"))
    async with serving(held) as server, opened(site(server), tmp_path) as source:
        (one,) = (await source.list({})).skipped
    assert one.reason == "is not there: the answer was 404"


@pytest.mark.parametrize(
    ("sitemap", "reason"),
    [
        pytest.param(b"<html>", "cannot be read as a sitemap", id="no XML"),
        pytest.param(b"", "no element found", id="nothing"),
        pytest.param(
            b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><urlset><url><loc>&x;</loc></url></urlset>",
            "declares a document type",
            id="it would read a file",
        ),
        pytest.param(
            b"<!DOCTYPE a [<!ENTITY x 'xx'><!ENTITY y '&x;&x;'>]><urlset><url><loc>&y;</loc></url></urlset>",
            "declares a document type",
            id="it would unfold",
        ),
        pytest.param(gzip.compress(b"x" * 70_000_000, 1), "unpacks to more than", id="a bomb"),
        pytest.param(gzip.compress(urls("{}/a.md"))[:-9], "is not whole", id="half of an archive"),
        pytest.param(b"\x1f\x8bnot packed", "not packed as it should be", id="no archive"),
        pytest.param(b"<a>" * 100_000, "nested more than 100 deep", id="very deep"),
        pytest.param(b"<url><loc>" + b"x" * 100_000, "a text of more than", id="a very long address"),
        pytest.param(b"<?xml version='1.0' encoding='no-such'?><a/>", "encoding", id="no encoding"),
    ],
)
async def test_what_is_no_sitemap_is_one_clear_line(tmp_path: Path, sitemap: bytes, reason: str) -> None:
    """And the source is out of reach, not empty."""
    assert reason in (await refusal(tmp_path, Site(DOCUMENTS, sitemap=sitemap))).message


async def test_more_pages_than_may_be_are_an_error_not_some(tmp_path: Path) -> None:
    """Those that are left out would count as gone."""
    held = Site({f"{n}.md": b"x" for n in range(11)})
    assert "more than 10 pages" in (await refusal(tmp_path, held, most=10)).message


async def test_sitemaps_without_end_end(tmp_path: Path) -> None:
    """Each names two more."""

    def answer(asked: Asked) -> Answer:
        own = f"http://{asked.headers['host']}{asked.target}"
        return Answer(200, {}, index(f"{own}a", f"{own}b"))

    async with serving(answer) as server, opened(site(server), tmp_path) as source:
        listing = await source.list({})
    assert listing.entries == ()
    assert {one.reason for one in listing.skipped} == {"is more than 3 sitemaps deep"}
    assert len(server.asked) == 15


@pytest.mark.parametrize("status", [404, 500])
async def test_a_sitemap_that_does_not_come_is_the_whole_source(tmp_path: Path, status: int) -> None:
    """Also one inside another: its pages are not gone."""
    held = Site(DOCUMENTS, sitemap=index("{}/other"))

    def answer(asked: Asked) -> Answer:
        return held(asked) if asked.target == "/sitemap.xml" else Answer(status)

    async with serving(answer) as server, opened(site(server), tmp_path) as source:
        with pytest.raises(SourceMissing, match=f"/other: the answer was {status}"):
            await source.list({})
