"""Pages of the web: which have changed, and what they hold.

To know whether a page has changed it has to be asked for, and if it has, it comes at once. So what came is
put aside in a folder until it is read; whatever is not there any more is asked for again.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import TooLarge, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.pace import Pace, PoliteFetcher
from buttress.knowledge.sources.types import Content, Entry, Listing, Skipped
from buttress.knowledge.sources.validators import conditions, revision_of
from buttress.outbound.faults import TooMuch
from buttress.outbound.fetching import FETCH_FAULTS, Fetcher, Get, Got, why_failed

_AWAY = "cannot be read"
"""How the reason of a page begins of which nothing is known: its earlier version stays."""

MAX_SPOOLED_BYTES = 2 << 30
"""What is put aside at most for one source; pages beyond it are asked for a second time."""

_GONE = frozenset({404, 410})
_OK, _UNCHANGED = 200, 304


class _Aside(msgspec.Struct, frozen=True):
    """What came of a page while it was listed: where its bytes are, or why there are none."""

    path: Path
    digest: str
    revision: str


class Pages:
    """Asks for pages; puts them aside in a folder in `kept`. `max_bytes` is the largest that is wanted."""

    def __init__(self, fetcher: Fetcher, settings: SourceSettings, kept: Path, max_bytes: int) -> None:
        self._fetcher = PoliteFetcher(fetcher, Pace(settings.requests_at_once, settings.delay_s))
        self._settings = settings
        self._kept = kept
        self._spool: Path | None = None
        self._max_bytes = max_bytes
        self._aside: dict[str, _Aside | ButtressError] = {}
        self._spooled_bytes = 0

    async def get(self, url: str, max_bytes: int, headers: Mapping[str, str] | None = None) -> Got:
        """Return what `url` answers, when it is its turn; raises `outbound.fetching.FETCH_FAULTS`."""
        wanted = Get(url=url, max_bytes=max_bytes, timeout_s=self._settings.timeout_s, headers=headers or {})
        return await self._fetcher.get(wanted)

    async def look(self, urls: Sequence[str], known: Mapping[str, str]) -> Listing:
        """Return which of `urls` there are, in order; the `known` ones are asked for only if they changed.

        Raises:
            Unreadable: not one of them can be reached: the site is away, not empty. Or nothing can be put
                aside.
        """
        spool = await asyncio.to_thread(self._made)
        found: dict[str, Entry | Skipped] = {}
        work = iter(urls)
        self._spooled_bytes = 0

        async def look(work: Iterator[str]) -> None:
            for url in work:
                found[url] = await self._look(url, known.get(url, ""), spool)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.requests_at_once):
                group.create_task(look(work))
        results = [found[url] for url in sorted(found)]
        if results and all(isinstance(one, Skipped) and one.reason.startswith(_AWAY) for one in results):
            raise _all_away(results[0])
        return Listing(
            tuple(one for one in results if isinstance(one, Entry)),
            tuple(one for one in results if isinstance(one, Skipped)),
        )

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """Return the page that was listed, or as it is now; see `Source.read`."""
        aside = self._aside.get(entry.path)
        if isinstance(aside, _Aside):
            data = await asyncio.to_thread(_take, aside.path, max_bytes)
            if data is not None:
                if len(data) > max_bytes:
                    raise TooLarge(f"{entry.path} has more than {max_bytes:,} bytes")
                return Content(data, aside.digest, aside.revision)
        elif aside is not None:
            raise aside
        return await self._read(entry.path, max_bytes)

    async def close(self) -> None:
        """Remove what was put aside."""
        self._aside.clear()
        if self._spool is not None:
            await asyncio.to_thread(shutil.rmtree, self._spool, ignore_errors=True)

    def _made(self) -> Path:
        if self._spool is None:
            try:
                self._kept.mkdir(parents=True, exist_ok=True)
                self._spool = Path(mkdtemp(prefix="pages-", dir=self._kept))
            except OSError as error:
                raise Unreadable(f"{self._kept} cannot be written: {error.strerror or error}") from None
        return self._spool

    async def _look(self, url: str, revision: str, spool: Path) -> Entry | Skipped:
        self._aside.pop(url, None)
        try:
            got = await self.get(url, self._max_bytes, conditions(revision))
        except TooMuch as fault:
            self._aside[url] = TooLarge(f"{url}: {why_failed(fault)}")
            return Entry(path=url)
        except FETCH_FAULTS as fault:
            return Skipped(url, f"{_AWAY}: {why_failed(fault)}")
        if got.status == _UNCHANGED and revision:
            return Entry(path=url, revision=revision)
        if got.status in _GONE:
            return Skipped(url, f"is not there: the answer was {got.status}")
        if got.status != _OK:
            return Skipped(url, f"{_AWAY}: the answer was {got.status}")
        return await asyncio.to_thread(self._put_aside, spool, url, got)

    def _put_aside(self, spool: Path, url: str, got: Got) -> Entry | Skipped:
        digest = hashlib.sha256(got.body).hexdigest()
        path = spool / hashlib.sha256(url.encode()).hexdigest()
        entry = Entry(path=url, revision=revision_of(digest, got.headers), size_bytes=len(got.body))
        if self._spooled_bytes + len(got.body) > MAX_SPOOLED_BYTES:
            return entry
        try:
            spool.mkdir(exist_ok=True)
            path.write_bytes(got.body)
        except OSError as error:
            return Skipped(url, f"{_AWAY}: {path.parent}: {error.strerror or error}")
        self._aside[url] = _Aside(path, digest, entry.revision)
        self._spooled_bytes += len(got.body)
        return entry

    async def _read(self, url: str, max_bytes: int) -> Content:
        try:
            got = await self.get(url, max_bytes)
        except TooMuch as fault:
            raise TooLarge(f"{url}: {why_failed(fault)}") from None
        except FETCH_FAULTS as fault:
            raise Unreadable(f"{url} cannot be read: {why_failed(fault)}") from None
        if got.status != _OK:
            raise Unreadable(f"{url} cannot be read: the answer was {got.status}")
        digest = hashlib.sha256(got.body).hexdigest()
        return Content(got.body, digest, revision_of(digest, got.headers))


def _all_away(first: Entry | Skipped) -> Unreadable:
    reason = first.reason.removeprefix(f"{_AWAY}: ") if isinstance(first, Skipped) else ""
    return Unreadable(
        f"no page can be read; the first, {first.path}: {reason}",
        hint="Wait until the site answers again; for one of your own networks write `allow_private: true`.",
    )


def _take(path: Path, max_bytes: int) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(max_bytes + 1)
    except OSError:
        return None
