"""Taking documents in while things happen beside it; test_ingest.py walks the rest."""

from pathlib import Path

import msgspec
import pytest

from buttress.knowledge.errors import SourceMissing
from buttress.knowledge.syncing.ingest import ingest
from buttress.knowledge.types import FolderSource, KnowledgeBase, ParsedDocument
from buttress.storage.database import Database
from tests.unit.knowledge.syncing.test_ingest import BASE, Garden, parse


@pytest.fixture
def garden(tmp_path: Path, database: Database) -> Garden:
    """Return a garden of twenty plants, and a wiki beside it."""
    one = Garden(tmp_path, database)
    one.write(**{f"plant{number}": "It grows." for number in range(20)})
    (tmp_path / "wiki").mkdir()
    (tmp_path / "wiki" / "oak.md").write_text("# Oak\n\nOaks are old.\n")
    return one


def base_of(*folders: str) -> KnowledgeBase:
    """Return a knowledge base of these folders."""
    sources = tuple(FolderSource(folder=one, readers=("*",)) for one in folders)
    return msgspec.structs.replace(BASE, sources=sources)


async def losing(garden: Garden, base: KnowledgeBase) -> tuple[str, ...]:
    """Sync, and lose the documents' folder with the first that is parsed; return what was left out."""
    away = garden.project / "away"

    async def parse_and_lose(data: bytes, path: str) -> ParsedDocument:
        if garden.docs.exists():
            garden.docs.rename(away)
        return await parse(data, path)

    report = await ingest(base, msgspec.structs.replace(garden.parts(), parse=parse_and_lose))
    away.rename(garden.docs)
    return tuple(one.path for one in report.skipped)


async def test_of_two_sources_one_that_vanishes_in_the_middle_is_named_once(garden: Garden) -> None:
    """What was taken in of it stays, the other one is synced to the end."""
    base = base_of("docs", "wiki")
    await garden.ingest(base)
    garden.write(**{f"plant{number}": "It withers." for number in range(20)})
    (garden.project / "wiki" / "oak.md").write_text("# Oak\n\nOaks are very old.\n")
    assert await losing(garden, base) == ("docs",)
    assert len(await garden.search("it grows or withers", base=base)) >= 20
    rows, ledger = await garden.stored()
    assert len(rows) == len(ledger) == 21
    again = await garden.ingest(base)
    assert (again.documents, again.skipped) == (21, ())


async def test_the_only_source_that_vanishes_in_the_middle_is_an_error(garden: Garden) -> None:
    await garden.ingest(base_of("docs"))
    garden.write(**{f"plant{number}": "It withers." for number in range(20)})
    with pytest.raises(SourceMissing, match="docs"):
        await losing(garden, base_of("docs"))
    assert len((await garden.stored())[1]) == 20
