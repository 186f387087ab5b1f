"""What a sync has to do: values in, a plan out. Pure.

The truth is in the sources. The ledger and the index are compared with them, each by itself: what they do
not both know in the state it should be in is done again. So a sync that was killed, an index that was
deleted, another embedder and other readers are all the same case.
"""

from collections.abc import Iterable, Mapping

import msgspec

from buttress.kernel.ids import DocumentId, content_hash, hash_of
from buttress.knowledge import errors
from buttress.knowledge.chunking import CHUNKER_VERSION
from buttress.knowledge.settings import OcrSettings
from buttress.knowledge.sources.types import Skipped
from buttress.knowledge.syncing.types import LedgerRow, Listed, Move, SkippedDocument, Sources, SyncPlan
from buttress.knowledge.types import KnowledgeBase

INGEST_VERSION = 2
"""Raise it when the same file would be parsed differently: every document is taken in anew then."""

PASSING = frozenset(
    error.code
    for error in (
        errors.Unreadable,
        errors.SourceMissing,
        errors.ParserCrashed,
        errors.ParserOutOfMemory,
        errors.ParseTimeout,
        errors.OcrFailed,
        errors.ProvenanceBroken,
        errors.VectorInvalid,
    )
)
"""What says nothing about the file itself: the version that was taken in before stays."""

_NO_OCR = OcrSettings()

UNREADABLE = "cannot be read"
"""How a source begins the reason for an entry that it could not look at."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. `work` holds new and changed documents, in the order of the sources.

    `moves` tells of a new document which removed one had its bytes. `refreshed` are unchanged documents of
    another revision than is recorded.
    """

    fingerprint: str
    work: tuple[Listed, ...]
    known: frozenset[DocumentId]
    unchanged: int
    removed: tuple[DocumentId, ...]
    moves: Mapping[DocumentId, DocumentId] = {}
    refreshed: tuple[Listed, ...] = ()

    def is_new(self, document_id: DocumentId) -> bool:
        """Say whether no version of it was taken in before."""
        return document_id not in self.known


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """What is there before a sync: the ledger's rows, and the states in the index.

    `former` are the documents of the generation that is searched while another one is built.
    """

    rows: Mapping[DocumentId, LedgerRow]
    states: Mapping[DocumentId, str]
    former: frozenset[DocumentId] = frozenset()

    def holds(self, document_id: DocumentId) -> bool:
        """Say whether anything is there of it."""
        return document_id in self.rows or document_id in self.states

    def is_found(self, document_id: DocumentId) -> bool:
        """Say whether a version of it is searched."""
        return document_id in self.states or document_id in self.former


def ingest_fingerprint(base: KnowledgeBase, embedder_fingerprint: str, ocr: OcrSettings = _NO_OCR) -> str:
    """Return the name of everything but the file that decides what a document becomes.

    Without OCR it is what it was before there was any: nothing is read anew for that.
    """
    parts = (INGEST_VERSION, CHUNKER_VERSION, base.chunks, embedder_fingerprint)
    read_by = (ocr.engine, ocr.languages, ocr.dpi, ocr.max_pages, ocr.page_timeout_s)
    return hash_of((*parts, *read_by) if ocr.engine else parts)


def state_of(digest: str, fingerprint: str, tenant: str, readers: Iterable[str]) -> str:
    """Return the name of what the index should hold of a document."""
    return content_hash(digest, fingerprint, tenant, hash_of(sorted(set(readers))))


def recognised(sources: Sources, rows: Mapping[DocumentId, LedgerRow]) -> Sources:
    """Return `sources` with the digest of each document whose revision is the one that was taken in."""
    return msgspec.structs.replace(
        sources, documents=tuple(_recognised(one, rows.get(one.document_id)) for one in sources.documents)
    )


def to_look_at(sources: Sources, rows: Mapping[DocumentId, LedgerRow]) -> list[Listed]:
    """Return the documents that have to be read before it is known what is to be done.

    Those that were taken in with another revision; and where others are gone all new ones: they may have
    moved. Into nothing, that is none.
    """
    here = {one.document_id for one in sources.documents}
    some_gone = any(not sources.is_away(row.source) for one, row in rows.items() if one not in here)
    return [one for one in sources.documents if one.digest is None and (one.document_id in rows or some_gone)]


def make_plan(base: KnowledgeBase, fingerprint: str, sources: Sources, present: Present) -> Plan:
    """Return what has to be done so that what is found is what `sources` hold."""
    work = tuple(one for one in sources.documents if not _is_current(one, base, fingerprint, present))
    here = {one.document_id for one in sources.documents}
    gone = sorted((present.rows.keys() | present.states.keys()) - here)
    removed = tuple(one for one in gone if not _is_out_of_reach(one, base, sources, present))
    undone = {one.document_id for one in work}
    return Plan(
        fingerprint=fingerprint,
        work=work,
        known=frozenset(present.rows.keys() & present.states.keys()),
        unchanged=len(sources.documents) - len(work),
        removed=removed,
        moves=_moves(work, removed, present),
        refreshed=tuple(
            one
            for one in sources.documents
            if one.document_id not in undone and one.entry.revision != present.rows[one.document_id].revision
        ),
    )


def shown(base: KnowledgeBase, plan: Plan, sources: Sources, present: Present, *, rebuild: bool) -> SyncPlan:
    """Return `plan` for people."""
    old = {one: row.path for one, row in present.rows.items()}
    fates: dict[str, list[str]] = {"new": [], "changed": [], "again": []}
    moved: list[Move] = []
    for one in plan.work:
        if one.document_id in plan.moves:
            moved.append(Move(old[plan.moves[one.document_id]], one.path))
        else:
            fates[_fate(one, present)].append(one.path)
    left = set(plan.moves.values())
    return SyncPlan(
        knowledge=base.name,
        new=tuple(fates["new"]),
        changed=tuple(fates["changed"]),
        again=tuple(fates["again"]),
        moved=tuple(moved),
        removed=tuple(old.get(one, str(one)) for one in plan.removed if one not in left),
        unchanged=plan.unchanged,
        unreadable=tuple(left_out(sources)),
        rebuild=rebuild,
    )


def left_out(sources: Sources) -> list[SkippedDocument]:
    """Return what the sources did not give: entries of theirs, and sources as a whole by their labels."""
    away = [
        SkippedDocument(label, error.code, error.message, stays=True, hint=error.hint)
        for label, error in sources.away
    ]
    return [*away, *(_entry(one) for _, one in sources.skipped)]


def _entry(one: Skipped) -> SkippedDocument:
    if one.reason.startswith(UNREADABLE):
        return SkippedDocument(one.path, errors.Unreadable.code, one.reason, hint=errors.Unreadable.hint)
    return SkippedDocument(one.path, "knowledge.left_out", one.reason)


def emptied_sources(base: KnowledgeBase, sources: Sources, plan: Plan, present: Present) -> list[str]:
    """Return the sources of which nothing is left, although documents of them would be removed.

    A share that is not mounted looks like this. Documents that the ledger does not know may be of any source.
    """
    filled = {one.source.label for one in sources.documents}
    losing = {present.rows[one].source if one in present.rows else "" for one in plan.removed}
    empty = [one.label for one in base.sources if one.label not in filled and not sources.is_away(one.label)]
    return [one for one in empty if one in losing or ("" in losing and not filled)]


def may_stay(document_id: DocumentId, code: str, present: Present, base: KnowledgeBase) -> bool:
    """Say whether the version that is there stays although its file could not be taken in now.

    Only where the failure, `code`, says nothing about the file itself; where the version is whole; and where
    nobody may see it who should not any more.
    """
    row = present.rows.get(document_id)
    if row is None or code not in PASSING or not present.is_found(document_id):
        return False
    readers = next((one.readers for one in base.sources if one.label == row.source), ())
    return row.tenant == base.tenant and set(row.readers) <= set(readers)


def _recognised(one: Listed, row: LedgerRow | None) -> Listed:
    if row is None or not one.entry.revision or one.entry.revision != row.revision:
        return one
    return msgspec.structs.replace(one, digest=row.content_sha256)


def _fate(one: Listed, present: Present) -> str:
    row = present.rows.get(one.document_id)
    if row is None:
        return "new"
    return "again" if one.digest == row.content_sha256 else "changed"


def _moves(
    work: Iterable[Listed], removed: Iterable[DocumentId], present: Present
) -> dict[DocumentId, DocumentId]:
    """Return which removed document each new one of the same bytes was; each is taken once."""
    gone: dict[str, list[DocumentId]] = {}
    for one in sorted(removed, key=lambda each: present.rows[each].path if each in present.rows else ""):
        if one in present.rows:
            gone.setdefault(present.rows[one].content_sha256, []).append(one)
    moves: dict[DocumentId, DocumentId] = {}
    for listed in work:
        if listed.digest and not present.holds(listed.document_id) and gone.get(listed.digest):
            moves[listed.document_id] = gone[listed.digest].pop(0)
    return moves


def _is_current(one: Listed, base: KnowledgeBase, fingerprint: str, present: Present) -> bool:
    row = present.rows.get(one.document_id)
    if row is None or one.digest is None:
        return False
    state = state_of(one.digest, fingerprint, base.tenant, one.source.readers)
    recorded = state_of(row.content_sha256, row.ingest_fingerprint, row.tenant, row.readers)
    return recorded == state == present.states.get(one.document_id)


def _is_out_of_reach(one: DocumentId, base: KnowledgeBase, sources: Sources, present: Present) -> bool:
    """Say whether a document that was not listed stands where its source could not be read, and stays."""
    if not may_stay(one, errors.Unreadable.code, present, base):
        return False
    row = present.rows[one]
    if sources.is_away(row.source):
        return True
    skipped = [each for label, each in sources.skipped if label == row.source]
    places = [each.path for each in skipped if each.reason.startswith(UNREADABLE)]
    return any(place == "." or f"{row.path}/".startswith(f"{place}/") for place in places)
