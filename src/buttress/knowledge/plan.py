"""What an ingest has to do: values in, a plan out. Pure.

The truth is in the sources. The ledger and the index are compared with them, each by itself: what they do
not both know in the state it should be in is done again. So an ingest that was killed, an index that was
deleted, another embedder and other readers are all the same case.
"""

from collections.abc import Iterable, Mapping

import msgspec

from buttress.kernel.ids import DocumentId, content_hash, hash_of
from buttress.knowledge import errors
from buttress.knowledge.chunking import CHUNKER_VERSION
from buttress.knowledge.ingest_types import LedgerRow, ListedFile, Sources
from buttress.knowledge.types import KnowledgeBase

INGEST_VERSION = 1
"""Raise it when the same file would be parsed differently: every document is taken in anew then."""

PASSING = frozenset(
    error.code
    for error in (
        errors.Unreadable,
        errors.ParserCrashed,
        errors.ParserOutOfMemory,
        errors.ParseTimeout,
        errors.ProvenanceBroken,
    )
)
"""What says nothing about the file itself: the version that was taken in before stays."""

UNREADABLE = "cannot be read"
"""How a source begins the reason for an entry that it could not look at."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. `work` holds new and changed files, in the order of the sources."""

    fingerprint: str
    work: tuple[ListedFile, ...]
    known: frozenset[DocumentId]
    unchanged: int
    removed: tuple[DocumentId, ...]

    def is_new(self, document_id: DocumentId) -> bool:
        """Say whether no version of it was taken in before."""
        return document_id not in self.known


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """What is there before an ingest: the ledger's rows, and the states in the index."""

    rows: Mapping[DocumentId, LedgerRow]
    states: Mapping[DocumentId, str]

    def holds(self, document_id: DocumentId) -> bool:
        """Say whether anything is there of it."""
        return document_id in self.rows or document_id in self.states


def ingest_fingerprint(base: KnowledgeBase, embedder_fingerprint: str) -> str:
    """Return the name of everything but the file that decides what a document becomes."""
    return hash_of((INGEST_VERSION, CHUNKER_VERSION, base.chunks, embedder_fingerprint))


def state_of(digest: str, fingerprint: str, tenant: str, readers: Iterable[str]) -> str:
    """Return the name of what the index should hold of a document."""
    return content_hash(digest, fingerprint, tenant, hash_of(sorted(set(readers))))


def make_plan(base: KnowledgeBase, fingerprint: str, sources: Sources, present: Present) -> Plan:
    """Return what has to be done so that what is found is what `sources` hold."""
    work = tuple(one for one in sources.files if not _is_current(one, base, fingerprint, present))
    here = {one.document_id for one in sources.files}
    gone = sorted((present.rows.keys() | present.states.keys()) - here)
    return Plan(
        fingerprint=fingerprint,
        work=work,
        known=frozenset(present.rows.keys() & present.states.keys()),
        unchanged=len(sources.files) - len(work),
        removed=tuple(one for one in gone if not _is_out_of_reach(one, base, sources, present)),
    )


def emptied_sources(base: KnowledgeBase, sources: Sources, plan: Plan, present: Present) -> list[str]:
    """Return the sources of which nothing is left, although documents of them would be removed.

    A share that is not mounted looks like this. Documents that the ledger does not know may be of any source.
    """
    filled = {one.source.label for one in sources.files}
    losing = {present.rows[one].source if one in present.rows else "" for one in plan.removed}
    empty = [one.label for one in base.sources if one.label not in filled]
    return [one for one in empty if one in losing or ("" in losing and not filled)]


def may_stay(document_id: DocumentId, code: str, present: Present, base: KnowledgeBase) -> bool:
    """Say whether the version that is there stays although its file could not be taken in now.

    Only where the failure, `code`, says nothing about the file itself; where the version is whole; and where
    nobody may see it who should not any more.
    """
    row = present.rows.get(document_id)
    if row is None or document_id not in present.states or code not in PASSING:
        return False
    readers = next((one.readers for one in base.sources if one.label == row.source), ())
    return row.tenant == base.tenant and set(row.readers) <= set(readers)


def _is_current(one: ListedFile, base: KnowledgeBase, fingerprint: str, present: Present) -> bool:
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
    skipped = [each for label, each in sources.skipped if label == row.source]
    places = [each.path for each in skipped if each.reason.startswith(UNREADABLE)]
    return any(place == "." or f"{row.path}/".startswith(f"{place}/") for place in places)
