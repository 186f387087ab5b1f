"""Deletion that proves itself: every place where a document could still be is looked at."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from buttress.app.buttress import Buttress
from buttress.app.checking import Checked, check
from buttress.app.layout import index_folder
from buttress.app.project import knowledge_bases
from buttress.app.syncing import SyncParts
from buttress.caching.store import AnswerStore
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.embedding.generations import active_generation
from buttress.knowledge.errors import UnknownKnowledge
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.settings import EmbedderSettings
from buttress.knowledge.types import document_id
from buttress.settings.loading import load_settings
from buttress.testing.clock import NOON
from tests.projects import write_document
from tests.unit.caching.entries import a_key, an_entry

pytestmark = pytest.mark.slow

OTTER = document_id("docs", "documents", "pets.md")
QUESTION: dict[str, object] = {"question": "May an otter be brought to work?"}


async def looked_over(buttress: Buttress, *names: str, repair: bool = False) -> Checked:
    """Check the project that is open."""
    await buttress.ship()
    with closing(SharedEmbedder(EmbedderSettings())) as embedder:
        parts = SyncParts(
            loaded=load_settings(buttress.project),
            database=await buttress.database(),
            embedder=embedder,
            clock=buttress.clock,
        )
        return await check(knowledge_bases(buttress.project), names, parts, repair=repair)


async def found_in(buttress: Buttress) -> dict[str, bool]:
    """Say of each place whether the otter is there."""
    base = knowledge_bases(buttress.project)["docs"]
    folder, scope = index_folder(buttress.project), Scope("default")
    told = active_generation(folder, "docs")
    assert told
    index = await open_index(folder)
    table = await index.table("docs", told.fingerprint, told.dimensions)
    embedded = await buttress.engine.embed(["an otter may be brought to work"])
    clause, vector = visible_clause(scope, base), np.array(embedded.vectors[0], np.float32)
    near = await table.candidates(await table.vector_search(vector, clause, 100))
    words = await table.candidates(await table.text_search("otter", clause, 100, None))
    searched = await buttress.search("docs", "otter", scope=scope, limit=100)
    return {
        "dense": any(one.passage.document_id == OTTER for one in near),
        "bm25": any(one.passage.document_id == OTTER for one in words),
        "search": any(one.document_id == OTTER for one in searched.passages),
        "index": OTTER in await table.states(),
        "excerpt": await buttress.excerpt("docs", OTTER, scope, (0, 5)) is not None,
        "answers": await AnswerStore(await buttress.database()).get(a_key("otter"), NOON) is not None,
    }


async def test_what_was_deleted_is_nowhere(synced: Path) -> None:
    """Found everywhere before, nowhere behind the next sync; in traces it is told that it is no more."""
    file = synced / "documents" / "pets.md"
    write_document(file, "# Pets\n\nAn otter may be brought to work.\n")
    async with Buttress.open(synced) as buttress:
        await buttress.ingest()
        answer = await buttress.ask("support", QUESTION)
        assert "otter" in answer.text
        store = AnswerStore(await buttress.database())
        await store.put(a_key("otter"), an_entry(cited=(OTTER,)))
        assert set((await found_in(buttress)).values()) == {True}
        assert await looked_over(buttress) == Checked(findings=(), unknown=(), cited=0, repaired=False)
        file.unlink()
        (ghost,) = (await looked_over(buttress)).findings
        assert (ghost.kind, ghost.where, ghost.what) == ("ghost", "sources", "pets.md")
        await buttress.ingest()
        assert set((await found_in(buttress)).values()) == {False}
        assert await looked_over(buttress) == Checked(findings=(), unknown=(), cited=1, repaired=False)
        again = await buttress.ask("support", QUESTION)
        assert "otter" not in again.text


async def test_answers_that_cite_what_is_no_more_are_ghosts(synced: Path) -> None:
    """As of one that was kept behind the back of a deletion; what nobody declares is an orphan."""
    async with Buttress.open(synced) as buttress:
        await buttress.ingest()
        store = AnswerStore(await buttress.database())
        await store.put(a_key("otter"), an_entry(cited=(OTTER,)))
        (synced / "knowledge" / "acme.yaml").unlink()
        wrong = await looked_over(buttress)
        assert [(one.kind, one.where, one.what) for one in wrong.findings] == [
            ("orphan", "knowledge", "acme"),
            ("ghost", "answers", OTTER),
        ]
        assert (await looked_over(buttress, "docs")).findings == wrong.findings[1:]
        repaired = await looked_over(buttress, repair=True)
        assert (repaired.findings, repaired.repaired) == (wrong.findings, True)
        assert (await looked_over(buttress)).findings == ()
        assert await store.cited() == set()
        for path in (synced / "knowledge").glob("*.yaml"):
            path.unlink()
        with pytest.raises(UnknownKnowledge):
            await looked_over(buttress, "docs")
        nothing = await looked_over(buttress, repair=True)
        assert nothing.findings == ()
        assert "no knowledge base is declared" in nothing.unknown[0]


async def test_fewer_readers_count_before_any_sync(synced: Path) -> None:
    """In a search as at the door that opens citations; a file with mistakes changes nothing."""
    file, everybody = synced / "knowledge" / "docs.yaml", Scope("default")
    ada, band = Scope("default", frozenset({"user:ada"})), document_id("docs", "staff", "salaries.md")
    async with Buttress.open(synced) as buttress:
        await buttress.ingest()
        for staff, is_seen in (("'user:ada'", True), ("'user:eve'", False), ("[", False), ("'*'", True)):
            text = f"sources: [{{folder: documents, readers: ['*']}}, {{folder: staff, readers: [{staff}]}}]"
            file.write_text(text)
            found = await buttress.search("docs", "salary band", scope=ada, limit=50)
            assert any(one.document_id == band for one in found.passages) == is_seen
            assert (await buttress.excerpt("docs", band, ada, (0, 5)) is not None) == is_seen
            found = await buttress.search("docs", "salary band", scope=everybody, limit=50)
            assert not any(one.document_id == band for one in found.passages)
        file.unlink()
        assert await buttress.excerpt("docs", band, ada, (0, 5)) is None
