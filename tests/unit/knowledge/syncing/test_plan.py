"""What an ingest has to do."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.ids import DocumentId
from buttress.knowledge.errors import SourceMissing
from buttress.knowledge.settings import OcrSettings
from buttress.knowledge.sources.types import Entry, Skipped
from buttress.knowledge.syncing.plan import (
    Plan,
    Present,
    emptied_sources,
    ingest_fingerprint,
    make_plan,
    may_stay,
    recognised,
    shown,
    state_of,
    to_look_at,
)
from buttress.knowledge.syncing.types import LedgerRow, Listed, Sources
from buttress.knowledge.types import ChunkSettings, FolderSource, KnowledgeBase

SOURCE = FolderSource(folder="docs", readers=("*",))
BASE = KnowledgeBase(name="garden", sources=(SOURCE,))
PRINT = ingest_fingerprint(BASE, "embedder")


def listed(path: str, digest: str | None = "d1", source: FolderSource = SOURCE) -> Listed:
    """Return a file that is there."""
    return Listed(document_id=DocumentId(path), entry=Entry(path=path), source=source, digest=digest)


def row(path: str, digest: str = "d1", **changes: object) -> LedgerRow:
    """Return what the ledger knows of a document."""
    known = LedgerRow(
        document_id=DocumentId(path),
        source="docs",
        path=path,
        tenant="default",
        readers=("*",),
        content_sha256=digest,
        ingest_fingerprint=PRINT,
    )
    return msgspec.structs.replace(known, **changes)


def present(*rows: LedgerRow, **states: str) -> Present:
    """Return rows, and their states in the index unless given otherwise."""
    stored = {
        one.document_id: state_of(one.content_sha256, one.ingest_fingerprint, one.tenant, one.readers)
        for one in rows
    }
    return Present(
        rows={one.document_id: one for one in rows},
        states=stored | {DocumentId(name): state for name, state in states.items()},
    )


def summary(
    files: list[Listed], here: Present, base: KnowledgeBase = BASE, skipped: list[Skipped] | None = None
) -> tuple[list[str], list[str], int]:
    """Return the paths to work on, the ids to remove, and how many are unchanged."""
    sources = Sources(tuple(files), tuple(("docs", one) for one in skipped or []))
    plan = make_plan(base, ingest_fingerprint(base, "embedder"), sources, here)
    return [one.path for one in plan.work], list(plan.removed), plan.unchanged


@pytest.mark.parametrize(
    ("file", "known", "work"),
    [
        pytest.param(listed("a"), present(row("a")), [], id="unchanged"),
        pytest.param(listed("a"), present(), ["a"], id="new"),
        pytest.param(listed("a", "d2"), present(row("a")), ["a"], id="changed"),
        pytest.param(listed("a", None), present(row("a")), ["a"], id="cannot be read now"),
        pytest.param(
            listed("a"), present(row("a"), a="other"), ["a"], id="killed after the index, before the ledger"
        ),
        pytest.param(listed("a"), present(row("a"), a=""), ["a"], id="rows of two states"),
        pytest.param(
            listed("a"), Present(rows={DocumentId("a"): row("a")}, states={}), ["a"], id="the index is gone"
        ),
        pytest.param(
            listed("a"), Present(rows={}, states=present(row("a")).states), ["a"], id="the ledger is gone"
        ),
        pytest.param(
            listed("a"), present(row("a", ingest_fingerprint="old")), ["a"], id="read with other settings"
        ),
        pytest.param(listed("a"), present(row("a", readers=("hr",))), ["a"], id="other readers"),
        pytest.param(listed("a"), present(row("a", tenant="t2")), ["a"], id="another tenant"),
    ],
)
def test_what_is_not_known_by_both_is_done_again(file: Listed, known: Present, work: list[str]) -> None:
    assert summary([file], known) == (work, [], 1 - len(work))


def test_what_is_not_there_is_removed() -> None:
    """Whether the ledger knows of it, the index, or both."""
    known = present(row("both"), row("kept"), orphan="x")
    known = Present(rows={**known.rows, DocumentId("ledger"): row("ledger")}, states=known.states)
    assert summary([listed("kept")], known) == ([], ["both", "ledger", "orphan"], 1)


def test_chunk_settings_and_embedder_decide_the_fingerprint() -> None:
    """How it is searched does not: nothing stored depends on it."""
    other = KnowledgeBase(name="garden", sources=(SOURCE,), chunks=ChunkSettings(max_tokens=300))
    assert len({PRINT, ingest_fingerprint(other, "embedder"), ingest_fingerprint(BASE, "other")}) == 3
    renamed = KnowledgeBase(name="g", sources=(SOURCE,))
    assert ingest_fingerprint(renamed, "embedder") == PRINT


def test_ocr_switched_on_or_off_or_in_another_language_takes_all_in_anew() -> None:
    """So do more pages, or more time for each: those that were left out are read then."""
    on = OcrSettings(engine="tesseract")
    others = [
        on,
        msgspec.structs.replace(on, languages=("deu",)),
        msgspec.structs.replace(on, dpi=150),
        msgspec.structs.replace(on, max_pages=1_000),
        msgspec.structs.replace(on, page_timeout_s=5),
        OcrSettings(),
    ]
    assert len({ingest_fingerprint(BASE, "embedder", one) for one in others}) == len(others)
    assert ingest_fingerprint(BASE, "embedder", OcrSettings(languages=("deu",))) == PRINT
    elsewhere = msgspec.structs.replace(on, program="/opt/tesseract")
    assert ingest_fingerprint(BASE, "embedder", elsewhere) == ingest_fingerprint(BASE, "embedder", on)


@pytest.mark.parametrize(
    ("skipped", "removed"),
    [
        pytest.param([], ["sub/a"], id="the file is gone"),
        pytest.param(
            [Skipped("sub", "cannot be read: Permission denied")], [], id="its folder cannot be looked into"
        ),
        pytest.param(
            [Skipped(".", "cannot be read: Input/output error")], [], id="nothing can be looked into"
        ),
        pytest.param(
            [Skipped("sub/a", "cannot be read: Stale file handle")], [], id="it cannot be looked at"
        ),
        pytest.param([Skipped("su", "cannot be read: Permission denied")], ["sub/a"], id="another folder"),
        pytest.param([Skipped("sub/a", "is a link to nothing")], ["sub/a"], id="a link to nothing"),
    ],
)
def test_what_is_out_of_reach_is_not_gone(skipped: list[Skipped], removed: list[str]) -> None:
    assert summary([], present(row("sub/a")), skipped=skipped) == ([], removed, 0)


@pytest.mark.parametrize(
    ("known", "code", "stays"),
    [
        pytest.param(present(row("a")), "knowledge.unreadable", True, id="the disk failed"),
        pytest.param(present(row("a")), "knowledge.parse_timeout", True, id="our parser failed"),
        pytest.param(present(row("a")), "knowledge.empty", False, id="the file was emptied"),
        pytest.param(present(row("a")), "knowledge.encrypted", False, id="the file was locked"),
        pytest.param(present(), "knowledge.unreadable", False, id="there was none"),
        pytest.param(
            present(row("a", readers=("*", "hr"))), "knowledge.unreadable", False, id="fewer may see it now"
        ),
        pytest.param(
            present(row("a", tenant="old")), "knowledge.unreadable", False, id="another tenant's now"
        ),
        pytest.param(
            present(row("a", source="x")), "knowledge.unreadable", False, id="its source is not declared"
        ),
        pytest.param(
            Present(rows=present(row("a")).rows, states={}), "knowledge.unreadable", False, id="not indexed"
        ),
    ],
)
def test_an_earlier_version_stays_only_where_that_harms_nobody(
    known: Present,
    code: str,
    stays: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert may_stay(DocumentId("a"), code, known, BASE) is stays


paths = st.sets(st.sampled_from("abcdef"))


@given(paths, paths, paths)
def test_every_document_has_one_fate(files: set[str], ledger: set[str], index: set[str]) -> None:
    """It is worked on, unchanged or removed; and after that there is nothing to do."""
    known = present(*(row(one) for one in sorted(ledger)))
    known = Present(
        rows=known.rows,
        states={DocumentId(one): state_of("d1", PRINT, "default", ("*",)) for one in sorted(index)},
    )
    work, removed, unchanged = summary([listed(one) for one in sorted(files)], known)
    assert sorted(work) == sorted(files - (ledger & index))
    assert sorted(removed) == sorted((ledger | index) - files)
    assert unchanged == len(files) - len(work)
    done = present(*(row(one) for one in sorted(files)))
    assert summary([listed(one) for one in sorted(files)], done) == ([], [], len(files))


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_the_state_depends_on_who_may_read_not_on_the_order(one: list[str], other: list[str]) -> None:
    same = state_of("d", PRINT, "t", one) == state_of("d", PRINT, "t", other)
    assert same == (set(one) == set(other))


OTHER = FolderSource(folder="other", readers=("*",))


@pytest.mark.parametrize(
    ("files", "known", "emptied"),
    [
        pytest.param([], present(row("a")), ["docs"], id="all that was there"),
        pytest.param([listed("b")], present(row("a"), row("b")), [], id="one of two"),
        pytest.param([], present(), [], id="nothing was ever there"),
        pytest.param([listed("b", source=OTHER)], present(row("a")), ["docs"], id="one source of two"),
        pytest.param([listed("b")], present(row("a", source="gone")), [], id="a source that was taken out"),
        pytest.param([], present(a="s"), ["docs", "other"], id="of a source that nobody knows"),
        pytest.param([listed("b")], present(a="s"), [], id="of nobody knows which, and others are left"),
    ],
)
def test_a_source_of_which_nothing_is_left(files: list[Listed], known: Present, emptied: list[str]) -> None:
    """A share that is away looks like this."""
    base = KnowledgeBase(name="garden", sources=(SOURCE, OTHER))
    sources = Sources(tuple(files), ())
    plan = make_plan(base, PRINT, sources, known)
    assert emptied_sources(base, sources, plan, known) == emptied


def entry(path: str, revision: str, digest: str | None = None) -> Listed:
    """Return a document as its source lists it, with its revision."""
    told = Entry(path=path, revision=revision)
    return Listed(document_id=DocumentId(path), entry=told, source=SOURCE, digest=digest)


def test_what_has_the_revision_that_was_taken_in_is_known_without_reading() -> None:
    """An empty one says nothing, on either side."""
    rows = present(row("a", revision="r1"), row("b", revision="r1"), row("c", revision=""), row("d")).rows
    found = (entry("a", "r1"), entry("b", "r2"), entry("c", ""), entry("d", "r1"), entry("e", "r1"))
    known = recognised(Sources(found), rows)
    assert [one.digest for one in known.documents] == ["d1", None, None, None, None]
    assert [one.path for one in to_look_at(known, rows)] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("rows", "away", "looked_at"),
    [
        pytest.param([], [], [], id="into nothing"),
        pytest.param([row("gone")], [], ["new"], id="another one is gone: it may be that one"),
        pytest.param([row("gone")], ["docs"], [], id="nobody knows what is gone"),
        pytest.param([row("new")], [], ["new"], id="of another revision"),
    ],
)
def test_of_what_is_new_the_bytes_matter_only_where_something_is_gone(
    rows: list[LedgerRow], away: list[str], looked_at: list[str]
) -> None:
    sources = Sources((entry("new", "r2"),), (), tuple((one, SourceMissing("away")) for one in away))
    assert [one.path for one in to_look_at(sources, present(*rows).rows)] == looked_at


def plan_of(files: list[Listed], here: Present, *away: str) -> Plan:
    """Return the plan for these files."""
    sources = Sources(tuple(files), (), tuple((one, SourceMissing("away")) for one in away))
    return make_plan(BASE, PRINT, sources, here)


def test_the_same_bytes_under_another_path_have_moved() -> None:
    """Each that is gone is taken once; a copy beside what is still there is new."""
    here = present(row("a"), row("b"), row("c", "d2"))
    plan = plan_of([listed("c", "d2"), listed("copy", "d2"), listed("x"), listed("y"), listed("z")], here)
    assert plan.moves == {"x": "a", "y": "b"}
    told = shown(BASE, plan, Sources(()), here, rebuild=False)
    assert [(one.source, one.target) for one in told.moved] == [("a", "x"), ("b", "y")]
    assert (told.new, told.removed, told.unchanged) == (("copy", "z"), (), 1)


def test_a_plan_for_people() -> None:
    """What is taken in again with the same bytes is told from what changed."""
    here = present(row("a"), row("b", readers=("hr",)), row("c"), row("gone", "d9"))
    files = [listed("a"), listed("b"), listed("c", "d2"), listed("new", "d3")]
    skipped = (
        ("docs", Skipped("locked", "cannot be read: Permission denied")),
        ("docs", Skipped("l", "is a link")),
    )
    sources = Sources(tuple(files), skipped, (("wiki", SourceMissing("it does not answer")),))
    told = shown(BASE, plan_of(files, here), sources, here, rebuild=True)
    assert (told.new, told.changed, told.again, told.removed) == (("new",), ("c",), ("b",), ("gone",))
    assert (told.unchanged, told.rebuild) == (1, True)
    assert [(one.path, one.code, one.stays) for one in told.unreadable] == [
        ("wiki", "knowledge.source_missing", True),
        ("locked", "knowledge.unreadable", False),
        ("l", "knowledge.left_out", False),
    ]


def test_another_revision_of_the_same_bytes_is_noted() -> None:
    here = present(row("a", revision="r1"), row("b", revision="r1"))
    plan = plan_of([entry("a", "r1", "d1"), entry("b", "r2", "d1")], here)
    assert (plan.work, plan.unchanged) == ((), 2)
    assert [one.path for one in plan.refreshed] == ["b"]


def test_what_a_source_holds_that_is_away_is_not_gone() -> None:
    """Nor is that source empty; but what fewer may see now is removed all the same."""
    here = present(row("a"), row("b", readers=("*", "hr")))
    plan = plan_of([], here, "docs")
    assert plan.removed == ("b",)
    away = Sources((), (), (("docs", SourceMissing("away")),))
    assert emptied_sources(BASE, away, plan, here) == []


def test_what_only_the_former_generation_holds_stays() -> None:
    """While another one is built, what could not be read just now is found there."""
    former = Present(rows=present(row("a")).rows, states={}, former=frozenset({DocumentId("a")}))
    assert may_stay(DocumentId("a"), "knowledge.parser_crashed", former, BASE)
    assert not may_stay(DocumentId("a"), "knowledge.encrypted", former, BASE)
