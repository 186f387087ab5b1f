"""Knowledge bases that were taken out of the project."""

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.knowledge.errors import IngestRunning, NotIngested, SourceEmptied
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.syncing.forgetting import forget_undeclared
from buttress.knowledge.syncing.ledger import Ledger, knowledge_in
from buttress.knowledge.syncing.types import IngestReport
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.database import Database
from tests.unit.knowledge.syncing.test_ingest import BASE, Garden

OLD = msgspec.structs.replace(BASE, name="old")

PROGRAM = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.knowledge.syncing.forgetting import forget_undeclared
from buttress.knowledge.index.tables import open_index
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
from tests.unit.knowledge.syncing.test_ingest import Garden

async def main(server, project):
    async with open_database(StorageSettings(pool_size=4), server, SystemClock()) as database:
        await open_index(project / "index")
        print("ready", flush=True)
        await forget_undeclared(["garden"], Garden(project, database).parts())

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.fixture
async def garden(tmp_path: Path, database: Database) -> Garden:
    """Return a project of which two knowledge bases were ingested."""
    one = Garden(tmp_path, database)
    one.write(roses="Roses want sun.", moss="Moss wants shade.")
    await one.ingest()
    await one.ingest(OLD)
    return one


async def forget(garden: Garden, *declared: str, allow_empty: bool = False) -> list[IngestReport]:
    """Forget what is not declared."""
    return await forget_undeclared(declared, msgspec.structs.replace(garden.parts(), allow_empty=allow_empty))


async def present(garden: Garden) -> tuple[set[str], set[str]]:
    """Return the knowledge bases of the index, and those of the ledger."""
    index = await open_index(garden.project / "index")
    return await index.knowledge(), await knowledge_in(garden.database)


async def test_what_is_not_declared_is_gone_and_the_rest_untouched(garden: Garden) -> None:
    """From index and ledger; the second time there is nothing to do."""
    before = await garden.stored()
    (report,) = await forget(garden, "garden")
    assert (report.knowledge, report.forgotten, report.removed) == ("old", True, 2)
    assert await present(garden) == ({"garden"}, {"garden"})
    assert await garden.stored() == before
    index = await open_index(garden.project / "index")
    with pytest.raises(NotIngested):
        await index.table("old", garden.embedder.fingerprint, garden.embedder.dimensions)
    assert await forget(garden, "garden") == []


async def test_what_is_left_in_one_of_the_two_is_found(garden: Garden) -> None:
    """Of an ingest that was killed between them, or of an index that was removed by hand."""
    shutil.rmtree(garden.project / "index")
    assert [one.removed for one in await forget(garden, "garden")] == [2]
    await garden.ingest(OLD)
    async with Ledger(garden.database, "old").changing() as change:
        await change.remove_all()
    assert [one.knowledge for one in await forget(garden, "garden")] == ["old"]
    assert await present(garden) == (set(), {"garden"})


async def test_a_table_that_was_removed_in_part_is_removed(garden: Garden) -> None:
    """Whoever removed it was killed."""
    for part in ("_versions", "data"):
        await garden.ingest(OLD)
        (folder,) = (garden.project / "index").glob("old.*.lance")
        shutil.rmtree(folder / part)
        await forget(garden, "garden")
        assert await present(garden) == ({"garden"}, {"garden"})


async def test_a_project_that_declares_nothing_any_more_is_asked_about(garden: Garden) -> None:
    """Its folder may only be away."""
    with pytest.raises(SourceEmptied, match="`garden`, `old`"):
        await forget(garden)
    assert (await present(garden))[0] == {"garden", "old"}
    assert len(await forget(garden, allow_empty=True)) == 2
    assert await forget(garden) == []


async def test_one_that_is_being_ingested_is_left_alone(garden: Garden) -> None:
    """By an older process that still knows it."""
    async with garden.database.advisory_lock("knowledge:old"):
        with pytest.raises(IngestRunning, match="old"):
            await forget(garden, "garden")
    assert (await present(garden))[0] == {"garden", "old"}


async def test_one_that_comes_back_is_ingested_anew(garden: Garden) -> None:
    """With nothing of what was there before."""
    await forget(garden, "garden")
    base: KnowledgeBase = msgspec.structs.replace(OLD, tenant="other")
    assert (await garden.ingest(base)).added == 2


@pytest.mark.long
async def test_killed_at_any_moment_the_next_one_finishes(
    garden: Garden, shared_server: tuple[Path, object]
) -> None:
    """And never harms another knowledge base."""
    chance, before = SeededChance(7), await garden.stored()
    for _ in range(10):
        await garden.ingest(OLD)
        await asyncio.to_thread(killed_forgetting, shared_server[0], garden.project, 0.05 * chance.fraction())
        await forget(garden, "garden")
        assert await present(garden) == ({"garden"}, {"garden"})
        assert await garden.stored() == before


def killed_forgetting(server: Path, project: Path, after_s: float) -> None:
    """Forget in a process of its own, and kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(server), str(project)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    process.kill()
    process.communicate()
