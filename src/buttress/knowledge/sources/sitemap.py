"""A site as a source: the pages that its sitemap names (https://www.sitemaps.org/protocol.html)."""

import asyncio
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urldefrag, urlsplit

import msgspec

from buttress.knowledge.errors import SourceMissing, Unreadable
from buttress.knowledge.sources.globs import Globs
from buttress.knowledge.sources.names import MAX_CHARACTERS, is_odd, shown
from buttress.knowledge.sources.pages import Pages
from buttress.knowledge.sources.types import Content, Entry, Listing, Skipped
from buttress.knowledge.sources.xml_lists import NotAList, read_items
from buttress.knowledge.types import SitemapSource
from buttress.outbound.addresses import AddressInvalid, parse_address
from buttress.outbound.fetching import FETCH_FAULTS, why_failed

MAX_SITEMAP_BYTES = 64 << 20
MAX_SITEMAPS = 1_000
MAX_DEPTH = 3
"""Sitemaps inside sitemaps."""

_GZIP = b"\x1f\x8b"


class _Named(msgspec.Struct):
    """What the sitemaps name, while they are read."""

    pages: dict[str, None]
    skipped: list[Skipped]
    sitemaps: dict[str, int]


class Sitemap:
    """A `Source`: the pages of one site; `max_pages` of them, or it is an error."""

    def __init__(self, declared: SitemapSource, pages: Pages, max_pages: int) -> None:
        self._declared = declared
        self._pages = pages
        self._max_pages = max_pages
        self._globs = Globs(declared.include, declared.exclude)
        self._host = parse_address(declared.sitemap).origin.host

    async def list(self, known: Mapping[str, str]) -> Listing:
        """See `Source.list`. One sitemap that cannot be read is the whole source: its pages are not gone."""
        root = urldefrag(self._declared.sitemap.strip()).url
        named = _Named({}, [], {root: 0})
        waiting = [root]
        while waiting:
            sitemap = waiting.pop()
            data = await self._get(sitemap)
            waiting += await asyncio.to_thread(self._take, sitemap, data, named)
        listing = await self._pages.look(tuple(named.pages), known)
        skipped = sorted((*listing.skipped, *named.skipped), key=lambda one: one.path)
        return Listing(listing.entries, tuple(skipped))

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """See `Source.read`."""
        return await self._pages.read(entry, max_bytes)

    async def _get(self, sitemap: str) -> bytes:
        try:
            got = await self._pages.get(sitemap, MAX_SITEMAP_BYTES)
        except FETCH_FAULTS as fault:
            raise self._missing(sitemap, why_failed(fault)) from None
        if got.status != 200:
            raise self._missing(sitemap, f"the answer was {got.status}")
        return got.body

    def _take(self, sitemap: str, data: bytes, named: _Named) -> tuple[str, ...]:
        """Add what one sitemap names; return the sitemaps that are new. Blocking."""
        before = len(named.sitemaps)
        try:
            for kind, location in _named_in(_unpacked(data)):
                if url := location.partition("#")[0]:
                    self._add(kind, url, named.sitemaps[sitemap], named)
        except NotAList as error:
            raise Unreadable(f"{sitemap} cannot be read as a sitemap: {error}") from None
        return tuple(named.sitemaps)[before:]

    def _add(self, kind: str, url: str, depth: int, named: _Named) -> None:
        reason = self._odd(url)
        if kind == "sitemap":
            if reason or depth >= MAX_DEPTH:
                named.skipped.append(Skipped(shown(url), reason or f"is more than {MAX_DEPTH} sitemaps deep"))
            else:
                named.sitemaps.setdefault(url, depth + 1)
        elif reason:
            named.skipped.append(Skipped(shown(url), reason))
        elif self._globs.accept(unquote(urlsplit(url).path).removeprefix("/")):
            named.pages[url] = None
        if len(named.pages) + len(named.skipped) > self._max_pages or len(named.sitemaps) > MAX_SITEMAPS:
            raise NotAList(f"it names more than {self._max_pages:,} pages, or {MAX_SITEMAPS:,} sitemaps")

    def _odd(self, url: str) -> str:
        if len(url) > MAX_CHARACTERS:
            return f"has more than {MAX_CHARACTERS:,} characters"
        try:
            host = parse_address(url).origin.host
        except AddressInvalid:
            return "is no address of a page"
        if host != self._host or any(map(is_odd, url)):
            return "is of another site than its sitemap"
        return ""

    def _missing(self, sitemap: str, reason: str) -> SourceMissing:
        return SourceMissing(
            f"the sitemap {sitemap}: {reason}",
            hint="Correct `sitemap` in the knowledge base's file, or wait until the site answers again; "
            "for one of your own networks write `allow_private: true`.",
        )


def _named_in(data: bytes) -> Iterator[tuple[str, str]]:
    """Give what a sitemap names, with its kind: XML, or a text with an address on each line."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"http://", b"https://")):
        yield from ((item.kind, item.parts.get("loc", "")) for item in read_items(data, ("url", "sitemap")))
        return
    for line in data.decode("utf-8-sig", "replace").splitlines():
        yield "url", line.strip()


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacking.decompress(data, MAX_SITEMAP_BYTES)
    except zlib.error as error:
        raise NotAList(f"it is not packed as it should be: {error}") from None
    if not unpacking.eof:
        raise NotAList(f"it unpacks to more than {MAX_SITEMAP_BYTES:,} bytes, or is not whole")
    return unpacked
