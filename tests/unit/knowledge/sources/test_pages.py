"""Pages that are put aside between being listed and being read; `test_web` has the rest."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from buttress.knowledge.errors import TooLarge, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.pages import Pages
from buttress.knowledge.sources.types import Entry
from buttress.outbound.fetching import Fetcher
from buttress.outbound.networks import may_be_own
from tests.unit.knowledge.sources.servers import Answer, Server, serving

MAX = 1_000


@asynccontextmanager
async def pages(spool: Path) -> AsyncIterator[Pages]:
    opened = Pages(Fetcher(may_be_own), SourceSettings(delay_s=0), spool, MAX)
    try:
        yield opened
    finally:
        await opened.close()


async def asked_twice(server: Server, source: Pages) -> bytes:
    """Return what is read of a page after it was asked for again."""
    content = await source.read(Entry(path=server.url), MAX)
    assert len(server.asked) == 2
    return content.data


async def test_what_was_put_aside_and_is_gone_is_asked_for_again(tmp_path: Path) -> None:
    async with serving(lambda _: Answer(body=b"x")) as server, pages(tmp_path / "spool") as source:
        await source.look([server.url], {})
        shutil.rmtree(tmp_path / "spool")
        assert await asked_twice(server, source) == b"x"


async def test_a_page_that_was_not_listed_is_asked_for(tmp_path: Path) -> None:
    async with serving(lambda _: Answer(body=b"x" * 11)) as server, pages(tmp_path / "spool") as source:
        assert (await source.read(Entry(path=server.url), 11)).data == b"x" * 11
        with pytest.raises(TooLarge, match="has 11 bytes; the limit is 10"):
            await source.read(Entry(path=server.url), 10)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """And nothing else than the page is away: its earlier version stays."""
    (tmp_path / "file").touch()
    async with serving(lambda _: Answer(body=b"x")) as server, pages(tmp_path / "file" / "x") as source:
        with pytest.raises(Unreadable, match="Not a directory"):
            await source.look([server.url], {})


async def test_a_page_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    async with serving(lambda _: Answer(500)) as server, pages(tmp_path / "spool") as source:
        with pytest.raises(Unreadable, match="the answer was 500"):
            await source.read(Entry(path=server.url), MAX)
        await server.close()
        with pytest.raises(Unreadable, match="was refused"):
            await source.read(Entry(path=server.url), MAX)
