"""Taking documents in: what is found is what the sources hold."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import (
    ChunksTooLong,
    EmbedderChanged,
    IngestRunning,
    NotIngested,
    ParserCrashed,
    SourceEmptied,
    SourceMissing,
)
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.parsing.dispatch import parse_bytes
from buttress.knowledge.parsing.pool import ParserPool
from buttress.knowledge.ports import Embedder
from buttress.knowledge.search import Searcher
from buttress.knowledge.search_types import Query
from buttress.knowledge.settings import EngineSettings, IngestSettings, ParseLimits, ParserSettings
from buttress.knowledge.syncing.ingest import Watchers, ingest, plan_sync
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.prospect import IngestParts, sole_writer
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.knowledge.syncing.taking_in import CHANNEL
from buttress.knowledge.syncing.types import IngestReport, Move, Progress, SyncPlan
from buttress.knowledge.types import ChunkSettings, FolderSource, KnowledgeBase, ParsedDocument, UrlSource
from buttress.storage.database import Database
from buttress.storage.errors import LockLost, StorageUnavailable
from buttress.testing.clock import ManualClock
from buttress.testing.embedding import HashedWords, SlowWords
from tests.unit.knowledge.sources.servers import Pages, serving
from tests.waiting import until

BASE = KnowledgeBase(
    name="garden", sources=(FolderSource(folder="docs", readers=("*",)),), chunks=ChunkSettings(max_tokens=40)
)
Rows = dict[str, set[tuple[str, str]]]

PROGRAM = """
import asyncio, sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.database import open_database
from buttress.storage.settings import StorageSettings
from tests.unit.knowledge.syncing.test_ingest import BASE, Garden

async def main(server, project):
    async with open_database(StorageSettings(pool_size=4), server, SystemClock()) as database:
        print("ready", flush=True)
        await Garden(project, database).ingest(commit_documents=3)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.index.tables import open_index
from buttress.testing.documents import Written, rows_of
from buttress.testing.embedding import HashedWords

async def main(project):
    embedder = HashedWords()
    index = await open_index(project / "index")
    table = await index.make("garden", embedder.fingerprint, embedder.dimensions)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # as a disk that takes no more
    try:
        await table.replace([rows_of(Written(path="pots.md", texts=("Of clay. " * 50,)), embedder)])
    except IndexFailed as error:
        print(type(error).__name__)

asyncio.run(main(Path(sys.argv[1])))
"""


async def parse(data: bytes, path: str) -> ParsedDocument:
    """Parse here, without a process."""
    if b"CRASH" in data:
        raise ParserCrashed(f"the parser ended while parsing {path}")
    return parse_bytes(data, path, ParseLimits())


class Garden:
    """A project with a folder of documents, and what can be done with it."""

    def __init__(self, project: Path, database: Database, embedder: HashedWords | None = None) -> None:
        self.docs = project / "docs"
        self.project = project
        self.database = database
        self.embedder = embedder or HashedWords()
        self.told: list[Progress] = []
        self.docs.mkdir(exist_ok=True)

    def write(self, **texts: str) -> None:
        """Write files, each a Markdown document."""
        for name, text in texts.items():
            (self.docs / f"{name}.md").write_text(f"# {name}\n\n{text}\n")

    def parts(self, **settings: float) -> IngestParts:
        """Return what an ingest here works with."""
        return IngestParts(
            project=self.project,
            index_folder=self.project / "index",
            kept=self.project / "kept",
            database=self.database,
            embedder=self._loaded,
            parse=parse,
            clock=SystemClock(),
            settings=msgspec.convert(settings, IngestSettings),
        )

    async def ingest(self, base: KnowledgeBase = BASE, **settings: float) -> IngestReport:
        """Ingest."""
        return await ingest(base, self.parts(**settings), Watchers(self.told.append))

    async def search(self, text: str, scope: Scope | None = None, base: KnowledgeBase = BASE) -> list[str]:
        """Return the documents that are found, as `base` declares them."""
        index = await open_index(self.project / "index")
        searcher = Searcher(index, self.embedder, SystemClock(), EngineSettings())
        query = Query(knowledge="garden", text=text, scope=scope or Scope("default"), limit=100)
        return [one.document for one in (await searcher.search(base, query)).passages]

    async def stored(self) -> tuple[Rows, dict[str, str]]:
        """Return what the index holds (chunk ids and states), and the ledger (digests), by document."""
        index = await open_index(self.project / "index")
        table = await index.table("garden", self.embedder.fingerprint, self.embedder.dimensions)
        rows: Rows = {}
        for row in await table._table.query().select(["document_id", "chunk_id", "state"]).to_list():  # noqa: SLF001
            rows.setdefault(row["document_id"], set()).add((row["chunk_id"], row["state"]))
        ledger = await Ledger(self.database, "garden").rows()
        return rows, {one: row.content_sha256 for one, row in ledger.items()}

    async def has_begun(self) -> bool:
        """Say whether an ingest has told anything."""
        return bool(self.told)

    async def _loaded(self) -> Embedder:
        return self.embedder


@pytest.fixture
def garden(tmp_path: Path, database: Database) -> Garden:
    """Return a garden with three documents."""
    one = Garden(tmp_path, database)
    one.write(roses="Roses want sun.", moss="Moss wants shade.", tools="A spade and a rake.")
    return one


async def test_what_the_sources_hold_is_found(garden: Garden) -> None:
    """With its text in the ledger, which the citations point into."""
    report = await garden.ingest()
    assert (report.added, report.changed, report.unchanged, report.removed) == (3, 0, 0, 0)
    assert report.documents == 3
    assert report.embedded == report.chunks == 3
    assert (await garden.search("spade"))[0] == "tools.md"
    rows, ledger = await garden.stored()
    assert set(rows) == set(ledger)


async def test_the_same_again_does_nothing(garden: Garden) -> None:
    """Nothing is embedded, nothing is committed."""
    await garden.ingest()
    embedded = len(garden.embedder.embedded)
    before = await garden.stored()
    report = await garden.ingest()
    assert (report.unchanged, report.chunks, report.embedded, report.commits) == (3, 0, 0, 0)
    assert len(garden.embedder.embedded) == embedded
    assert await garden.stored() == before


async def test_only_what_is_new_is_embedded(garden: Garden) -> None:
    """A paragraph more costs a paragraph; what only moved costs nothing."""
    tail = "says about plants and pots, and about the weather of this and of every other year."
    long = "\n\n".join(f"## Part {number}\n\nThis is what part {number} {tail}" for number in range(20))
    garden.write(long=long)
    await garden.ingest()
    before = len(garden.embedder.embedded)
    garden.write(long="A first paragraph that was not there before.\n\n" + long)
    report = await garden.ingest()
    assert (report.changed, report.unchanged) == (1, 3)
    assert len(garden.embedder.embedded) - before <= 2
    assert report.reused >= report.chunks - 2


async def test_a_rename_embeds_nothing(garden: Garden) -> None:
    """The old name is gone, the new one is found."""
    (garden.docs / "roses.md").write_text("# Roses\n\nRoses want sun.\n")
    await garden.ingest()
    before = len(garden.embedder.embedded)
    (garden.docs / "roses.md").rename(garden.docs / "flowers.md")
    report = await garden.ingest()
    assert (report.moved, report.added, report.removed, report.embedded) == (1, 0, 0, 0)
    assert len(garden.embedder.embedded) == before
    assert "roses.md" not in await garden.search("roses sun")
    assert (await garden.search("roses sun"))[0] == "flowers.md"


async def test_what_is_removed_is_gone_everywhere(garden: Garden) -> None:
    """From what is found, and from the ledger."""
    await garden.ingest()
    (garden.docs / "moss.md").unlink()
    report = await garden.ingest()
    assert (report.removed, report.unchanged) == (1, 2)
    assert "moss.md" not in await garden.search("moss shade")
    rows, ledger = await garden.stored()
    assert len(rows) == len(ledger) == 2


async def test_fewer_readers_count_at_once_and_more_from_the_next_sync_on(garden: Garden) -> None:
    """Without embedding anything again."""
    await garden.ingest()
    staff = msgspec.structs.replace(BASE, sources=(FolderSource(folder="docs", readers=("staff",)),))
    one_of_them = Scope("default", frozenset({"staff"}))
    assert await garden.search("roses", base=staff) == []  # who may no more: from the next question on
    assert len(await garden.search("roses", one_of_them, staff)) == 3
    report = await garden.ingest(staff)
    assert (report.changed, report.embedded) == (3, 0)
    assert await garden.search("roses", base=staff) == []
    assert await garden.search("roses") == []  # who may now: from the next sync on
    await garden.ingest()
    assert len(await garden.search("roses")) == 3


async def test_a_bad_file_is_a_line_in_the_report(garden: Garden) -> None:
    """The others are taken in; next time it is tried again."""
    (garden.docs / "bad.pdf").write_bytes(b"%PDF-1.4 junk")
    (garden.docs / "empty.md").write_text("")
    (garden.docs / "link.md").symlink_to("/etc/hostname")
    report = await garden.ingest()
    assert report.added == 3
    assert [(one.path, one.code) for one in report.skipped] == [
        ("bad.pdf", "knowledge.broken_file"),
        ("empty.md", "knowledge.empty"),
        ("link.md", "knowledge.left_out"),
    ]
    assert all("\n" not in one.reason for one in report.skipped)
    garden.write(empty="Not empty any more.")
    assert (await garden.ingest()).added == 1


async def test_what_became_unreadable_stays_and_what_was_emptied_goes(garden: Garden) -> None:
    """A failing parser is no reason to forget a document; an emptied file is one."""
    await garden.ingest()
    garden.write(roses="CRASH")
    (garden.docs / "moss.md").write_text("")
    report = await garden.ingest()
    assert {(one.path, one.stays) for one in report.skipped} == {("moss.md", False), ("roses.md", True)}
    assert report.documents == 2
    found = await garden.search("roses moss sun shade")
    assert "roses.md" in found
    assert "moss.md" not in found


async def test_a_source_that_is_missing_changes_nothing(garden: Garden) -> None:
    """A disk that is not mounted is not an order to forget everything."""
    await garden.ingest()
    garden.docs.rename(garden.project / "away")
    with pytest.raises(SourceMissing, match="docs"):
        await garden.ingest()
    assert len(await garden.search("roses")) == 3
    (garden.project / "away").rename(garden.docs)
    assert (await garden.ingest()).unchanged == 3


async def test_a_source_that_vanishes_in_the_middle_removes_nothing(garden: Garden) -> None:
    """What could be read no more is not gone."""
    names = [f"plant{number}" for number in range(20)]
    garden.write(**dict.fromkeys(names, "It grows."))
    await garden.ingest()
    garden.write(**dict.fromkeys(names, "It withers."))
    away = garden.project / "away"

    async def parse_and_lose(data: bytes, path: str) -> ParsedDocument:
        if garden.docs.exists():
            garden.docs.rename(away)
        return await parse(data, path)

    with pytest.raises(SourceMissing, match="docs"):
        await ingest(BASE, msgspec.structs.replace(garden.parts(), parse=parse_and_lose))
    assert {f"{name}.md" for name in names} <= set(await garden.search("plant grows withers"))
    away.rename(garden.docs)
    assert (await garden.ingest()).documents == 23


@pytest.mark.parametrize("left", [[], [".hidden"], ["picture.xyz"]])
async def test_a_source_that_became_empty_changes_nothing_unless_that_is_meant(
    garden: Garden, left: list[str]
) -> None:
    """A share that is away leaves an empty folder behind."""
    base = msgspec.structs.replace(
        BASE, sources=(FolderSource(folder="docs", readers=("*",), include=("**/*.md",)),)
    )
    await garden.ingest(base)
    before = await garden.stored()
    for path in garden.docs.iterdir():
        path.unlink()
    for name in left:
        (garden.docs / name).touch()
    with pytest.raises(SourceEmptied, match="nothing is left in docs; documents that would be removed: 3"):
        await garden.ingest(base)
    assert await garden.stored() == before
    meant = msgspec.structs.replace(garden.parts(), allow_empty=True)
    assert (await ingest(base, meant)).removed == 3
    assert await garden.stored() == ({}, {})
    assert (await garden.ingest(base)).removed == 0


async def test_a_source_that_is_declared_no_more_is_removed_without_being_asked(garden: Garden) -> None:
    """That is in the file; only what the file cannot know is asked for."""
    await garden.ingest()
    (garden.project / "new").mkdir()
    (garden.project / "new" / "oak.md").write_text("# Oak\n\nOaks are old.\n")
    moved = msgspec.structs.replace(BASE, sources=(FolderSource(folder="new", readers=("*",)),))
    report = await garden.ingest(moved)
    assert (report.added, report.removed) == (1, 3)


async def test_a_lost_lock_says_what_to_do(garden: Garden) -> None:
    """What was committed is not lost."""
    garden.embedder = slow = SlowWords()

    async def lose() -> LockLost:
        with pytest.raises(LockLost) as lost:
            await garden.ingest()
        return lost.value

    async with asyncio.TaskGroup() as group:
        running = group.create_task(lose())
        await until(garden.has_begun)
        async with garden.database.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            )
        slow.may_go_on.set()
    assert "buttress sync garden" in running.result().hint
    assert (await garden.ingest()).documents == 3


async def test_an_index_or_a_ledger_that_was_lost_is_made_again(garden: Garden) -> None:
    """From the sources, which are the truth."""
    await garden.ingest()
    before = await garden.stored()
    shutil.rmtree(garden.project / "index")
    assert (await garden.ingest()).added == 3
    assert await garden.stored() == before
    async with garden.database.connection() as connection:
        await connection.execute("truncate documents, generations, syncs cascade")
    report = await garden.ingest()
    assert (report.added, report.embedded) == (3, 0)
    assert await garden.stored() == before


async def test_another_embedder_builds_anew(garden: Garden) -> None:
    """The old rows are gone at the end; who searches with the old one hears it."""
    await garden.ingest()
    old, garden.embedder = garden.embedder, HashedWords(version="2")
    with pytest.raises(EmbedderChanged):
        await garden.search("roses")
    report = await garden.ingest()
    assert report.embedded == 3
    assert len(await garden.search("roses")) == 3
    garden.embedder = old
    with pytest.raises(EmbedderChanged):
        await garden.search("roses")


async def test_chunks_longer_than_the_model_reads_are_refused(garden: Garden) -> None:
    """Nothing is cut off silently."""
    base = msgspec.structs.replace(BASE, chunks=ChunkSettings(max_tokens=511))
    with pytest.raises(ChunksTooLong, match="511"):
        await garden.ingest(base)


async def test_of_two_at_once_one_works_and_the_other_says_so(garden: Garden) -> None:
    """Or waits, if it may; another knowledge base is not concerned."""
    garden.embedder = slow = SlowWords()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(garden.ingest())
        await until(garden.has_begun)
        with pytest.raises(IngestRunning, match="garden"):
            await garden.ingest()
        second = group.create_task(garden.ingest(lock_timeout_s=10))
        other = KnowledgeBase(name="other", sources=BASE.sources, chunks=BASE.chunks)
        third = group.create_task(garden.ingest(other))
        slow.may_go_on.set()
    assert first.result().added == third.result().added == 3
    assert second.result().unchanged == 3


async def _dies(documents: object) -> None:
    raise StorageUnavailable(f"as a process that is killed when {documents} are committed")


@pytest.mark.parametrize("changed", [None, _dies])
async def test_commits_are_told_to_who_listens(
    garden: Garden, changed: Callable[[object], Awaitable[object]] | None
) -> None:
    """By the name of the knowledge base; also where the ingest ends right behind its commit."""
    heard: list[str] = []

    async def listen() -> None:
        async for notice in garden.database.listen([CHANNEL]):
            if notice.missed:
                ready.set()
            elif notice.payload:
                heard.append(notice.payload)
                return

    ready = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await ready.wait()
        with suppress(StorageUnavailable):
            await ingest(BASE, msgspec.structs.replace(garden.parts(), changed=changed))
    assert heard == ["garden"]


async def test_progress_is_told_and_ends_where_the_report_does(garden: Garden) -> None:
    """Figures only grow."""
    garden.write(**{f"more{number}": f"Plant number {number}." for number in range(30)})
    report = await garden.ingest(commit_documents=5)
    assert report.commits >= 6
    last = garden.told[-1]
    assert (last.files, last.files_done, last.chunks_done) == (33, 33, report.chunks)
    for figure in ("files_done", "pages", "chunks", "chunks_done", "tokens", "elapsed_s"):
        values = [getattr(one, figure) for one in garden.told]
        assert values == sorted(values)


async def test_an_ingest_that_is_cancelled_leaves_the_lock(garden: Garden) -> None:
    """The next one goes on at once."""
    garden.embedder = slow = SlowWords()
    running = asyncio.TaskGroup()
    async with running:
        task = running.create_task(garden.ingest())
        await until(garden.has_begun)
        task.cancel()
        slow.may_go_on.set()
    assert (await garden.ingest()).documents == 3


async def test_what_was_not_changed_is_not_read(garden: Garden) -> None:
    """Nor is the model loaded for it: what is known of it is enough."""
    later = ManualClock(SystemClock().now() + timedelta(hours=1))
    parts = msgspec.structs.replace(garden.parts(), clock=later)
    await ingest(BASE, parts)

    async def not_loaded() -> Embedder:
        raise AssertionError

    async def fingerprint() -> str:
        return garden.embedder.fingerprint

    unread = msgspec.structs.replace(
        parts, limits=ParseLimits(max_file_bytes=1), embedder=not_loaded, fingerprint=fingerprint
    )
    report = await ingest(BASE, unread)
    assert (report.unchanged, report.skipped, report.commits) == (3, (), 0)


async def test_of_a_file_with_the_same_bytes_the_revision_is_noted(garden: Garden) -> None:
    """It is read once for that, and no more."""
    later = ManualClock(SystemClock().now() + timedelta(hours=1))
    parts = msgspec.structs.replace(garden.parts(), clock=later)
    await ingest(BASE, parts)
    before = {one.path: one.revision for one in (await Ledger(garden.database, "garden").rows()).values()}
    garden.write(roses="Roses want sun.")
    report = await ingest(BASE, parts)
    assert (report.unchanged, report.commits) == (3, 0)
    after = {one.path: one.revision for one in (await Ledger(garden.database, "garden").rows()).values()}
    assert {path for path in after if after[path] != before[path]} == {"roses.md"}
    assert all(after.values())


async def test_a_plan_changes_nothing_and_is_what_is_done(garden: Garden) -> None:
    plan = await plan_sync(BASE, garden.parts())
    assert (plan.new, plan.rebuild) == (("moss.md", "roses.md", "tools.md"), False)
    with pytest.raises(NotIngested):
        await garden.stored()
    await garden.ingest()
    (garden.docs / "roses.md").rename(garden.docs / "flowers.md")
    (garden.docs / "moss.md").unlink()
    garden.write(tools="A spade.", pots="Of clay.")
    told: list[SyncPlan] = []
    before = await garden.stored()
    plan = await plan_sync(BASE, garden.parts())
    assert await garden.stored() == before
    report = await ingest(BASE, garden.parts(), Watchers(plan=told.append))
    assert told == [plan]
    assert (plan.new, plan.changed, plan.removed) == (("pots.md",), ("tools.md",), ("moss.md",))
    assert plan.moved == (Move("roses.md", "flowers.md"),)
    figures = (report.added, report.changed, report.moved, report.removed, report.unchanged)
    assert figures == (1, 1, 1, 1, 0)
    assert report.documents == 3


async def test_one_source_of_two_that_is_away_holds_up_nothing(garden: Garden) -> None:
    """What was taken in of it stays, the other one is synced, and it is said."""
    wiki = garden.project / "wiki"
    wiki.mkdir()
    (wiki / "oak.md").write_text("# Oak\n\nOaks are old.\n")
    both = msgspec.structs.replace(BASE, sources=(*BASE.sources, FolderSource(folder="wiki", readers=("*",))))
    await garden.ingest(both)
    wiki.rename(garden.project / "away")
    garden.write(pots="Of clay.")
    (garden.docs / "moss.md").unlink()
    report = await garden.ingest(both)
    assert (report.added, report.removed, report.documents) == (1, 1, 4)
    assert [(one.path, one.code, one.stays) for one in report.skipped] == [
        ("wiki", "knowledge.source_missing", True)
    ]
    assert "oak.md" in await garden.search("oaks are old", base=both)


async def test_pages_of_the_web_are_asked_whether_they_changed(garden: Garden) -> None:
    """What did not is not sent again; while the site is down what was taken in of it stays."""
    pages = Pages({"oak": b"<html><body><p>Oaks are old.</p></body></html>", "elm": b"Elms are rare."})
    async with serving(pages) as site:
        urls = (f"{site.url}/oak", f"{site.url}/elm")
        web = UrlSource(url=urls, readers=("*",), allow_private=True, name="site")
        both = msgspec.structs.replace(BASE, sources=(*BASE.sources, web))
        assert (await garden.ingest(both)).added == 5
        assert urls[0] in await garden.search("oaks are old", base=both)
        pages.pages["elm"] = b"Elms are very rare."
        site.asked.clear()
        report = await garden.ingest(both)
        assert (report.changed, report.unchanged) == (1, 4)
        assert [one.target for one in site.asked if "if-none-match" not in one.headers] == []
        await site.close()
        report = await garden.ingest(both)
        assert report.documents == 5
        assert all(one.stays for one in report.skipped)
        assert report.skipped
        assert urls[0] in await garden.search("oaks are old", base=both)


async def test_a_document_that_grows_while_it_is_read_is_left_out_and_named(garden: Garden) -> None:
    """Beyond what may be read; what was taken in of it goes, since it is not what there is."""
    await garden.ingest()
    garden.write(roses="Roses want sun. " * 400)
    small = msgspec.structs.replace(garden.parts(), limits=ParseLimits(max_file_bytes=5_000))
    report = await ingest(BASE, small)
    assert [(one.path, one.code) for one in report.skipped] == [("roses.md", "knowledge.too_large")]
    assert report.documents == 2


async def test_how_it_went_is_noted(garden: Garden) -> None:
    """Of one that another one holds up nothing is: it did not begin."""
    await garden.ingest()
    (good,) = (await SyncLog(garden.database).all()).values()
    assert (good.failures, good.left_out, good.error) == (0, 0, None)
    garden.docs.rename(garden.project / "away")
    for _ in range(2):
        with pytest.raises(SourceMissing):
            await garden.ingest()
    (failed,) = (await SyncLog(garden.database).all()).values()
    assert (failed.failures, failed.error_code) == (2, "knowledge.source_missing")
    assert failed.succeeded_at == good.succeeded_at
    async with sole_writer("garden", garden.parts()):
        with pytest.raises(IngestRunning):
            await garden.ingest()
    assert (await SyncLog(garden.database).all())["garden"] == failed


async def test_a_disk_that_is_full_leaves_what_there_was(garden: Garden) -> None:
    """One error; the next sync goes on."""
    await garden.ingest()
    before = await garden.stored()
    garden.write(pots="Of clay. " * 50)
    limited = [sys.executable, "-c", FULL_DISK, str(garden.project)]
    ran = await asyncio.to_thread(
        subprocess.run, limited, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False
    )
    assert ran.stdout.strip() == "IndexFailed", ran.stderr
    assert await garden.stored() == before
    assert (await garden.ingest()).added == 1


@pytest.mark.slow
async def test_through_parser_processes(garden: Garden) -> None:
    """As it is put together in the end."""
    async with ParserPool(ParserSettings(parsers=2)) as pool:
        report = await ingest(BASE, msgspec.structs.replace(garden.parts(), parse=pool.parse))
    assert report.documents == 3


@pytest.mark.long
async def test_killed_at_any_moment_the_next_one_repairs(
    garden: Garden, shared_server: tuple[Path, object], tmp_path: Path
) -> None:
    """Whoever reads in between sees whole versions; in the end it is as if nothing had happened."""
    chance = SeededChance(11)
    await garden.ingest()
    for turn in range(12):
        change(garden, turn)
        await asyncio.to_thread(killed_ingest, shared_server[0], garden.project, 0.5 * chance.fraction())
        rows, _ = await garden.stored()
        assert all(len({state for _, state in chunks}) == 1 for chunks in rows.values())
        if turn % 3 == 2:
            await whole(garden, tmp_path / f"fresh{turn}")


def change(garden: Garden, turn: int) -> None:
    """Write, rewrite, move and remove documents."""
    for number in range(turn, turn + 3):
        if (old := garden.docs / f"plant{number}.md").exists():
            old.rename(garden.docs / f"moved{number}.md")
    for number in range(40):
        if (number + turn) % 4:
            paragraphs = "\n\n".join(
                f"## Part {part}\n\nTurn {turn} says {number * part}." for part in range(number % 7 + 1)
            )
            garden.write(**{f"plant{number}": paragraphs})
        else:
            (garden.docs / f"plant{number}.md").unlink(missing_ok=True)


def killed_ingest(server: Path, project: Path, after_s: float) -> None:
    """Ingest in a process of its own, and kill it."""
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


async def whole(garden: Garden, elsewhere: Path) -> None:
    """Ingest to the end, and compare with an ingest of the same sources into nothing."""
    report = await garden.ingest(lock_timeout_s=10)
    rows, ledger = await garden.stored()
    assert set(rows) == set(ledger)
    assert report.documents == len(ledger) == len(list(garden.docs.iterdir()))
    shutil.copytree(garden.docs, elsewhere / "docs")
    fresh = Garden(elsewhere, garden.database)
    async with garden.database.connection() as connection:
        await connection.execute("update documents set knowledge = 'aside' where knowledge = 'garden'")
    await fresh.ingest()
    assert await fresh.stored() == (rows, ledger)
    async with garden.database.connection() as connection:
        await connection.execute("delete from documents where knowledge = 'garden'")
        await connection.execute("update documents set knowledge = 'garden' where knowledge = 'aside'")
