"""Whether what is kept of documents is what there is: in the index, the ledger, kept answers and traces."""

from collections.abc import Mapping, Sequence

import msgspec

from buttress.app.recalling import forget_cited
from buttress.app.syncing import SyncParts, all_declared, check_names, ingest_parts
from buttress.caching.store import AnswerStore
from buttress.knowledge.errors import SourceEmptied
from buttress.knowledge.syncing.auditing import Audit, Finding, audit
from buttress.knowledge.syncing.forgetting import forget_undeclared, undeclared
from buttress.knowledge.syncing.ledger import ids_of_documents
from buttress.knowledge.syncing.prospect import IngestParts
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.database import Database
from buttress.tracing.store import TraceStore


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong; with `repaired` it was removed. `unknown` says what could not be looked at.

    `cited` is how many documents that are no more are cited by traces: these tell what was said, and are
    deleted as traces are; such a citation opens nothing.
    """

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    cited: int
    repaired: bool


async def check(
    knowledge: Mapping[str, KnowledgeBase], names: Sequence[str], parts: SyncParts, *, repair: bool = False
) -> Checked:
    """Return what is wrong with what is kept of the knowledge bases `names`; of all without a name.

    Kept answers and traces are looked at in any case. With `repair` what is wrong is removed.

    Raises:
        UnknownKnowledge: there is none of that name; nothing was done.
        IngestRunning: one of them is being synced.
        ButtressError: see `knowledge.auditing.audit`.
    """
    check_names(knowledge, names)
    async with ingest_parts(parts) as ready:
        audits = [await audit(knowledge[name], ready, repair=repair) for name in names or sorted(knowledge)]
        if not names:
            audits.append(await _of_nobody(all_declared(knowledge, parts), ready, repair=repair))
    there = await ids_of_documents(parts.database)
    answers = await _ghosts_of_answers(parts.database, there, repair=repair)
    return Checked(
        findings=(*(one for each in audits for one in each.findings), *answers),
        unknown=tuple(f"{each.knowledge}: {one}" for each in audits for one in each.unknown),
        cited=len(await TraceStore(parts.database).cited() - there),
        repaired=repair,
    )


async def _of_nobody(declared: set[str], parts: IngestParts, *, repair: bool) -> Audit:
    """Return what is kept of knowledge bases that nobody declares."""
    try:
        gone = await undeclared(declared, parts)
        if repair:
            await forget_undeclared(declared, parts)
    except SourceEmptied as error:
        return Audit(knowledge="all", findings=(), unknown=(error.message,))
    findings = tuple(
        Finding(kind="orphan", where="knowledge", knowledge=one, what=one, reason="is not declared any more")
        for one in gone
    )
    return Audit(knowledge="all", findings=findings)


async def _ghosts_of_answers(database: Database, there: set[str], *, repair: bool) -> list[Finding]:
    """Return the documents that are no more and that kept answers cite."""
    ghosts = sorted(await AnswerStore(database).cited() - there)
    if repair and ghosts:
        await forget_cited(database, ghosts)
    reason = "is cited by answers that are kept"
    return [Finding(kind="ghost", where="answers", knowledge="", what=one, reason=reason) for one in ghosts]
