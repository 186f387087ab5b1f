"""Another embedding model: built beside the one that is searched, and taken in one step."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.embedder import OnnxEmbedder, SharedEmbedder
from buttress.knowledge.embedding.generations import (
    Generation,
    active_generation,
    generation_of,
    open_generation,
    tell_generation,
)
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.errors import EmbedderChanged, IndexFailed
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.ports import Embedder
from buttress.knowledge.search_types import Query
from buttress.knowledge.settings import EmbedderSettings
from buttress.knowledge.syncing.auditing import audit
from buttress.knowledge.syncing.ingest import ingest, plan_sync
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.prospect import IngestParts
from buttress.knowledge.types import ParsedDocument
from buttress.storage.database import Database
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.reranking.tiny import write_cross_encoder
from tests.unit.knowledge.syncing.test_ingest import BASE, Garden, parse

PROGRAM = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.knowledge.index.tables import open_index
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.syncing.test_ingest import Garden

async def main(server, project, version):
    async with open_database(StorageSettings(pool_size=4), server, SystemClock()) as database:
        await open_index(project / "index")
        print("ready", flush=True)
        garden = Garden(project, database, HashedWords(version=version))
        await garden.ingest(commit_documents=3, lock_timeout_s=10)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""
OLD = Generation(fingerprint="f" * 64, dimensions=3, folder="", max_tokens=512)
ALL = Scope("default")


@pytest.fixture
def garden(tmp_path: Path, database: Database) -> Garden:
    """Return a garden of six plants."""
    one = Garden(tmp_path, database)
    one.write(**{f"plant{number}": f"Plant number {number} likes sun." for number in range(6)})
    return one


def engine_of(garden: Garden, embedder: Embedder, *former: Embedder) -> LocalEngine:
    """Return an engine whose settings name the model `embedder`; the models `former` can be had, too."""

    async def loaded() -> Embedder:
        return embedder

    def opened(knowledge: str, generation: Generation) -> Embedder:
        for one in former:
            if one.fingerprint == generation.fingerprint:
                return one
        return open_generation(knowledge, generation, EmbedderSettings(threads=1))

    parts = EngineParts(
        index_folder=garden.project / "index",
        knowledge={"garden": BASE},
        embedder=loaded,
        clock=SystemClock(),
        open_model=opened,
    )
    return LocalEngine(parts)


async def found_by(engine: LocalEngine, text: str = "plant sun") -> set[str]:
    """Return the documents that are found."""
    found = await engine.search(Query(knowledge="garden", text=text, scope=ALL, limit=50))
    assert not any(one.skipped for one in found.stages)
    return {one.document for one in found.passages}


async def tables(garden: Garden) -> int:
    """Return how many tables there are."""
    return len(await (await open_index(garden.project / "index")).tables("garden"))


def test_what_is_searched_stands_beside_the_index(tmp_path: Path) -> None:
    assert active_generation(tmp_path, "garden") is None
    tell_generation(tmp_path / "index", "garden", OLD)
    assert active_generation(tmp_path / "index", "garden") == OLD
    assert active_generation(tmp_path / "index", "other") is None
    for broken in (b"{half", b'{"folder": "\xff"}'):
        (tmp_path / "index" / "garden.generation").write_bytes(broken)
        assert active_generation(tmp_path / "index", "garden") is None
    for _ in range(2):
        tell_generation(tmp_path / "index", "garden", None)
    (tmp_path / "file").touch()
    with pytest.raises(IndexFailed, match=r"garden\.generation"):
        tell_generation(tmp_path / "file", "garden", OLD)


@pytest.mark.parametrize("folder", ["nowhere", ""])
def test_a_model_that_is_gone_or_another_one_is_said(folder: str) -> None:
    gone = msgspec.structs.replace(OLD, folder=folder)
    with pytest.raises(EmbedderChanged, match="garden") as changed:
        open_generation("garden", gone, EmbedderSettings(threads=1))
    assert changed.value.hint == "Ingest it anew: buttress sync garden"


async def test_the_old_one_is_found_whole_while_the_new_one_is_built(garden: Garden) -> None:
    """By its own model; and from the end on the new one, by its."""
    old, new = garden.embedder, HashedWords(version="2")
    await garden.ingest()
    everything = await found_by(engine_of(garden, old))
    searching, seen = engine_of(garden, new, old), list[set[str]]()
    garden.embedder = new

    async def changed(documents: Collection[DocumentId]) -> None:
        """Look after each commit of the build."""
        assert documents
        seen.append(await found_by(searching))

    plan = await plan_sync(BASE, garden.parts())
    assert (plan.rebuild, len(plan.again), plan.changed) == (True, 6, ())
    report = await ingest(BASE, msgspec.structs.replace(garden.parts(commit_documents=2), changed=changed))
    assert report.rebuilt
    assert report.embedded == report.chunks == 6
    assert seen == [everything] * 3
    assert await tables(garden) == 1
    assert await found_by(searching) == everything
    assert (
        await found_by(engine_of(garden, old, new)) == everything
    )  # of a process with the settings of before
    again = await garden.ingest()
    assert (again.rebuilt, again.unchanged, again.embedded) == (False, 6, 0)


class _KilledError(ButtressError):
    """As of a process that ended."""

    code = "test.killed"
    hint = ""


async def test_a_build_that_was_killed_is_gone_on_with(garden: Garden) -> None:
    """What was built is not built again; until the end the old one is searched."""
    old, new = garden.embedder, HashedWords(version="2")
    await garden.ingest()
    everything = await found_by(engine_of(garden, old))
    garden.embedder = new

    async def killed(_: Collection[DocumentId]) -> None:
        raise _KilledError("killed")

    for left in (4, 2):
        with pytest.raises(_KilledError):
            await ingest(BASE, msgspec.structs.replace(garden.parts(commit_documents=2), changed=killed))
        assert len((await plan_sync(BASE, garden.parts())).again) == left
        assert await tables(garden) == 2
        assert await found_by(engine_of(garden, new, old)) == everything
    before = len(new.embedded)
    assert (await garden.ingest()).rebuilt
    assert len(new.embedded) - before == 2
    assert await found_by(engine_of(garden, new)) == everything


async def test_whoever_thinks_better_of_it_pays_nothing(garden: Garden) -> None:
    """The settings name the old model again before the new one was whole."""
    old = garden.embedder
    await garden.ingest()
    garden.embedder = HashedWords(version="2")

    async def killed(_: Collection[DocumentId]) -> None:
        raise _KilledError("killed")

    with pytest.raises(_KilledError):
        await ingest(BASE, msgspec.structs.replace(garden.parts(commit_documents=2), changed=killed))
    garden.embedder, before = old, len(old.embedded)
    report = await garden.ingest()
    assert (report.documents, report.rebuilt, len(old.embedded)) == (6, False, before)
    assert await tables(garden) == 1
    assert len(await found_by(engine_of(garden, old))) == 6


async def test_what_is_gone_is_gone_at_once_and_what_is_out_of_reach_is_waited_for(garden: Garden) -> None:
    """A document that cannot be read or parsed just now is found by the old model until it can."""
    old, new = garden.embedder, HashedWords(version="2")
    await garden.ingest()
    (garden.docs / "plant0.md").unlink()
    text = (garden.docs / "plant1.md").read_text()
    garden.write(plant1="CRASH")
    garden.embedder, seen = new, list[set[str]]()

    async def parse_and_look(data: bytes, path: str) -> ParsedDocument:
        seen.append(await found_by(engine_of(garden, new, old)))
        return await parse(data, path)

    report = await ingest(BASE, msgspec.structs.replace(garden.parts(), parse=parse_and_look))
    left = {f"plant{number}.md" for number in range(1, 6)}
    assert seen == [left] * 5
    assert (report.rebuilt, report.waits_for, report.documents) == (False, 1, 5)
    assert await found_by(engine_of(garden, new, old)) == left
    (garden.docs / "plant1.md").write_text(text)
    report = await garden.ingest()
    assert (report.rebuilt, report.waits_for, report.embedded) == (True, 0, 1)
    assert await found_by(engine_of(garden, new)) == left


async def test_where_nothing_is_left_of_the_old_one_the_new_one_is_searched_at_once(garden: Garden) -> None:
    """As where the index was removed, or the database was restored from a backup."""
    await garden.ingest()
    shutil.rmtree(garden.project / "index")
    garden.embedder = new = HashedWords(version="2")
    seen = list[int]()

    async def changed(_: Collection[DocumentId]) -> None:
        seen.append(len(await found_by(engine_of(garden, new))))

    await ingest(BASE, msgspec.structs.replace(garden.parts(commit_documents=2), changed=changed))
    assert seen == [2, 4, 6]


async def test_a_search_under_way_survives_the_switch(garden: Garden) -> None:
    """The rows that it has opened are removed; it looks again."""
    old, new = garden.embedder, HashedWords(version="2")
    await garden.ingest()
    engine = engine_of(garden, new, old)
    everything = await found_by(engine)
    garden.embedder, is_over = new, asyncio.Event()

    async def search_on() -> int:
        count = 0
        while not is_over.is_set():
            assert await found_by(engine) == everything
            count += 1
        return count

    async with asyncio.TaskGroup() as group:
        searching = [group.create_task(search_on()) for _ in range(3)]
        for version in ("2", "3", "4"):
            garden.embedder = HashedWords(version=version)
            # Known to the engine before it is searched with: as a folder of the settings is.
            engine._parts = msgspec.structs.replace(  # noqa: SLF001 - one engine through several settings
                engine._parts,  # noqa: SLF001
                open_model=lambda _, wanted: next(
                    one
                    for one in (old, *(HashedWords(version=each) for each in "234"))
                    if one.fingerprint == wanted.fingerprint
                ),
            )
            assert (await garden.ingest()).rebuilt
        is_over.set()
    assert all(one.result() for one in searching)


async def test_a_file_that_was_not_written_is_written_by_the_next_sync(garden: Garden) -> None:
    """As of a sync that was killed right behind its switch."""
    await garden.ingest()
    tell_generation(garden.project / "index", "garden", OLD)
    await garden.ingest()
    told = active_generation(garden.project / "index", "garden")
    assert (
        told
        == await Ledger(garden.database, "garden").generation()
        == generation_of(garden.embedder, EmbedderSettings())
    )


@pytest.mark.slow
async def test_with_real_models(garden: Garden, embedder: OnnxEmbedder, tmp_path: Path) -> None:
    """From the packaged one to another one of other dimensions, in a folder; its folder is then removed."""
    folder = write_cross_encoder(tmp_path / "tiny", outputs=3)
    settings = EmbedderSettings(folder=str(folder), threads=1)
    tiny = SharedEmbedder(settings)

    async def packaged() -> Embedder:
        return embedder

    before: IngestParts = msgspec.structs.replace(garden.parts(), embedder=packaged)
    await ingest(BASE, before)
    after = msgspec.structs.replace(
        before, embedder=tiny, fingerprint=tiny.fingerprint, model=settings, parse=_crashing
    )
    engine = engine_of(garden, await tiny())
    assert (await ingest(BASE, after)).waits_for == 6
    assert len(await found_by(engine)) == 6
    assert (await ingest(BASE, msgspec.structs.replace(after, parse=parse))).rebuilt
    assert len(await found_by(engine)) == 6
    told = active_generation(garden.project / "index", "garden")
    assert told is not None
    assert (told.folder, told.dimensions) == (str(folder), 3)
    assert len(await found_by(engine_of(garden, embedder))) == 6  # its settings are those of before
    (folder / "model.onnx").unlink()
    with pytest.raises(EmbedderChanged, match="tiny"):
        await found_by(engine_of(garden, embedder))
    tiny.close()


async def _crashing(data: bytes, path: str) -> ParsedDocument:
    return await parse(data + b"CRASH", path)


@pytest.mark.long
async def test_killed_at_any_moment_everything_is_found_by_one_model_or_the_other(
    garden: Garden, shared_server: tuple[Path, object]
) -> None:
    """Again and again another model, each build killed: no document is ever missing, in part or twice."""
    chance, models = SeededChance(7), {version: HashedWords(version=version) for version in "123456"}
    garden.write(**{f"more{number}": f"Plant number {number} likes rain." for number in range(60)})
    await garden.ingest()
    everything = await found_by(engine_of(garden, garden.embedder), "plant likes sun and rain")
    assert len(everything) == 50  # as many as are asked for
    rebuilt = 0
    for version in "2345":
        for _ in range(4):
            await asyncio.to_thread(
                killed_sync, shared_server[0], garden.project, version, 0.6 * chance.fraction()
            )
            engine = engine_of(garden, models["6"], *models.values())
            assert len(await found_by(engine, "plant likes sun and rain")) == 50
            check = await audit(BASE, msgspec.structs.replace(garden.parts(lock_timeout_s=10)))
            assert [one for one in check.findings if one.where != "table"] == []
        garden.embedder = models[version]
        rebuilt += (await garden.ingest(lock_timeout_s=10)).rebuilt
        assert await tables(garden) == 1
        assert (await audit(BASE, garden.parts())).findings == ()
    assert rebuilt


def killed_sync(server: Path, project: Path, version: str, after_s: float) -> None:
    """Sync with a model in a process of its own, and kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(server), str(project), version],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    process.kill()
    process.communicate()
