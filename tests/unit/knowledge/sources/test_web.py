"""Declared pages of the web as a source."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from buttress.knowledge.errors import TooLarge, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.opening import Adapter, SourceParts, open_source
from buttress.knowledge.types import DeclaredSource, UrlSource
from buttress.testing.contracts.source import SourceContract
from tests.unit.knowledge.sources.local import DOCUMENTS, later
from tests.unit.knowledge.sources.servers import Answer, Asked, Pages, ServerHolding, serving

MAX = 1 << 20


def opened(
    declared: DeclaredSource, folder: Path, *, timeout_s: float = 20.0, most: int = 1_000
) -> AbstractAsyncContextManager[Adapter]:
    settings = SourceSettings(delay_s=0, timeout_s=timeout_s, max_documents=most)
    parts = SourceParts(
        project=folder, kept=folder / "kept", clock=later(), max_file_bytes=10_000, settings=settings
    )
    return open_source(declared, parts)


def pages(*urls: str) -> UrlSource:
    return UrlSource(url=urls, readers=("*",), allow_private=True)


class TestContract(SourceContract):
    """What every source promises."""

    @pytest.fixture
    async def holding(self, tmp_path: Path) -> AsyncIterator[ServerHolding]:
        held = Pages(DOCUMENTS)
        async with serving(held) as server:
            declared = pages(*(f"{server.url}/{path}" for path in DOCUMENTS))
            async with opened(declared, tmp_path) as source:
                yield ServerHolding(held.pages, source, f"{server.url}/", server.close)


async def test_what_has_not_changed_is_asked_for_once(tmp_path: Path) -> None:
    """It is read from what came while it was listed; afterwards the site says that it is the same."""
    async with serving(Pages(DOCUMENTS)) as server:
        declared = pages(f"{server.url}/a.md#top")
        async with opened(declared, tmp_path) as source:
            (entry,) = (await source.list({})).entries
            assert entry.path == f"{server.url}/a.md"
            assert (await source.read(entry, MAX)).revision == entry.revision
            assert len(server.asked) == 1
        async with opened(declared, tmp_path) as source:
            listing = await source.list({entry.path: entry.revision})
            assert listing.entries[0].revision == entry.revision
            assert "if-none-match" in server.asked[1].headers
            assert (await source.read(listing.entries[0], MAX)).data == DOCUMENTS["a.md"]
            assert "if-none-match" not in server.asked[2].headers


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    async with serving(Pages(DOCUMENTS)) as server, opened(pages(f"{server.url}/a.md"), tmp_path) as source:
        await source.list({})
        assert _files(tmp_path)
    assert not _files(tmp_path)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_page_that_is_gone_is_not_listed_and_one_out_of_reach_is_named(tmp_path: Path) -> None:
    """The second one stays: nothing is known of it."""
    said = {"/gone": 410, "/missing": 404, "/broken": 503, "/closed": 403, "/empty": 204}

    def answer(asked: Asked) -> Answer:
        return Answer(said.get(asked.target, 200), {}, b"" if asked.target in said else b"x")

    async with serving(answer) as server:
        urls = [f"{server.url}{path}" for path in (*said, "/here")]
        async with opened(pages(*urls, "http://nowhere.invalid/"), tmp_path) as source:
            listing = await source.list({})
    assert [one.path for one in listing.entries] == [f"{server.url}/here"]
    reasons = {one.path.removeprefix(server.url): one.reason for one in listing.skipped}
    assert reasons == {
        "/gone": "is not there: the answer was 410",
        "/missing": "is not there: the answer was 404",
        "/broken": "cannot be read: the answer was 503",
        "/closed": "cannot be read: the answer was 403",
        "/empty": "cannot be read: the answer was 204",
        "http://nowhere.invalid/": "cannot be read: its name is not known",
    }


async def test_own_networks_are_refused_unless_allowed(tmp_path: Path) -> None:
    async with serving(Pages(DOCUMENTS)) as server:
        declared = UrlSource(url=f"{server.url}/a.md", readers=("*",))
        async with opened(declared, tmp_path) as source:
            with pytest.raises(Unreadable, match=r"leads to 127\.0\.0\.1") as caught:
                await source.list({})
        assert server.asked == []
    assert "allow_private" in caught.value.hint


async def test_a_redirect_to_credentials_of_a_cloud_is_refused_even_then(tmp_path: Path) -> None:
    def answer(_: Asked) -> Answer:
        return Answer(302, {"Location": "http://169.254.169.254/latest/meta-data/"})

    async with serving(answer) as server, opened(pages(server.url), tmp_path) as source:
        with pytest.raises(Unreadable, match=r"169\.254\.169\.254"):
            await source.list({})


async def test_a_page_that_is_too_large_is_listed_and_refused_when_read(tmp_path: Path) -> None:
    """So that it is reported as what it is."""

    def answer(asked: Asked) -> Answer:
        return Answer(200, {}, b"x" * (10_001 if asked.target == "/large" else 10_000))

    async with serving(answer) as server:
        async with opened(pages(f"{server.url}/large", f"{server.url}/most"), tmp_path) as source:
            large, most = (await source.list({})).entries
            with pytest.raises(TooLarge, match="has 10,001 bytes"):
                await source.read(large, 10_000)
            assert len((await source.read(most, 10_000)).data) == 10_000
        assert len(server.asked) == 2


async def test_a_page_without_validators_is_known_by_its_bytes(tmp_path: Path) -> None:
    """It is sent again each time, and need not be parsed again."""
    async with (
        serving(lambda _: Answer(200, {}, b"same")) as server,
        opened(pages(server.url), tmp_path) as source,
    ):
        (first,) = (await source.list({})).entries
        (again,) = (await source.list({first.path: first.revision})).entries
    assert first.revision == again.revision != ""
    assert len(server.asked) == 2


async def test_an_answer_that_nobody_asked_for_is_no_page(tmp_path: Path) -> None:
    """That it has not changed, of a page that nobody knew."""
    async with serving(lambda _: Answer(304)) as server, opened(pages(server.url), tmp_path) as source:
        with pytest.raises(Unreadable, match="304"):
            await source.list({})
