"""Syncing the knowledge bases of a project: the parts put together."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import msgspec

from buttress.app.layout import index_folder, knowledge_folder, sources_folder
from buttress.app.recalling import forget_cited
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.errors import (
    ChunksTooLong,
    IngestRunning,
    SourceEmptied,
    SourceMissing,
    UnknownKnowledge,
    Unreadable,
)
from buttress.knowledge.parsing.pool import ParserPool
from buttress.knowledge.syncing.forgetting import forget_undeclared, undeclared
from buttress.knowledge.syncing.ingest import Watchers, ingest, plan_sync
from buttress.knowledge.syncing.prospect import IngestParts
from buttress.knowledge.syncing.types import IngestReport, SyncPlan
from buttress.knowledge.types import KnowledgeBase
from buttress.settings.loading import Loaded
from buttress.settings.secrets import resolve_secret
from buttress.storage.database import Database

T = TypeVar("T")

OnPlan = Callable[[SyncPlan], None]
"""Somebody who is told of a plan."""

NOBODY = Watchers()
"""Nobody wants to know how far it is."""

_ITS_OWN = (ChunksTooLong, IngestRunning, SourceEmptied, SourceMissing, Unreadable)
"""What is wrong with one knowledge base, and says nothing of the others."""


class SyncParts(msgspec.Struct, frozen=True, kw_only=True):
    """What syncs of a project work with; `embedder` is the model that `loaded` names."""

    loaded: Loaded
    database: Database
    embedder: SharedEmbedder
    clock: Clock


def nobody(_: object) -> None:
    """Take no notice."""


async def sync(
    knowledge: Mapping[str, KnowledgeBase],
    names: Sequence[str],
    parts: SyncParts,
    watchers: Watchers = NOBODY,
    *,
    allow_empty: bool = False,
) -> list[IngestReport]:
    """Sync the knowledge bases `names` of those declared, all of them without a name; one report each.

    Without a name those that are not declared any more are forgotten first, with a report each, too. One that
    cannot be synced does not hold up the others.

    Raises:
        UnknownKnowledge: there is none of that name; nothing was done.
        ButtressError: see `knowledge.ingest.ingest`; of several that failed the first, which names all.
    """
    check_names(knowledge, names)
    async with ingest_parts(parts, allow_empty=allow_empty) as ready:
        gone = [] if names else await forget_undeclared(all_declared(knowledge, parts), ready)
        for one in gone:
            watchers.report(one)

        async def synced(name: str) -> IngestReport:
            report = await ingest(knowledge[name], ready, watchers)
            watchers.report(report)
            return report

        return [*gone, *await _each(synced, names or sorted(knowledge))]


async def plans(
    knowledge: Mapping[str, KnowledgeBase],
    names: Sequence[str],
    parts: SyncParts,
    watcher: OnPlan,
    *,
    allow_empty: bool = False,
) -> list[SyncPlan]:
    """Return what `sync` would do now, and tell `watcher` each plan; nothing is changed. Raises as `sync`."""
    check_names(knowledge, names)
    async with ingest_parts(parts, allow_empty=allow_empty) as ready:
        names_gone = [] if names else await undeclared(all_declared(knowledge, parts), ready)
        gone = [SyncPlan(knowledge=name, forgotten=True) for name in names_gone]
        for one in gone:
            watcher(one)

        async def planned(name: str) -> SyncPlan:
            plan = await plan_sync(knowledge[name], ready)
            watcher(plan)
            return plan

        return [*gone, *await _each(planned, names or sorted(knowledge))]


async def _each(work: Callable[[str], Awaitable[T]], names: Sequence[str]) -> list[T]:
    """Return what `work` gives for each name; one that fails by itself is told when the others are done."""
    done: list[T] = []
    failed: dict[str, ButtressError] = {}
    for name in names:
        try:
            done.append(await work(name))
        except _ITS_OWN as error:
            failed[name] = error
    if failed:
        raise _failure(failed) if len(names) > 1 else failed[names[0]]
    return done


def _failure(failed: Mapping[str, ButtressError]) -> ButtressError:
    """Return the first error, which names its knowledge base and the others that failed."""
    (name, first), *others = failed.items()
    place = f"knowledge base `{name}`"
    message = first.message if first.message.startswith(place) else f"{place}: {first.message}"
    more = f"; failed, too: {', '.join(one for one, _ in others)}" if others else ""
    return type(first)(f"{message}{more}", hint=first.hint, data=first.data)


def check_names(knowledge: Mapping[str, KnowledgeBase], names: Sequence[str]) -> None:
    """Make sure that each of `names` is declared.

    Raises:
        UnknownKnowledge: one is not; its message names those that are.
    """
    for name in names:
        if name not in knowledge:
            known = ", ".join(sorted(knowledge)) or "none"
            raise UnknownKnowledge(f"there is no knowledge base `{name}`; there are: {known}")


def all_declared(knowledge: Mapping[str, KnowledgeBase], parts: SyncParts) -> set[str]:
    """Return all that is declared: not by what was read at the start alone, there may be more by now."""
    files = knowledge_folder(parts.loaded.project).glob("*.yaml")
    return {*knowledge, *(path.stem for path in files)}


@asynccontextmanager
async def ingest_parts(parts: SyncParts, *, allow_empty: bool = False) -> AsyncIterator[IngestParts]:
    """Have what a sync of any knowledge base of the project works with; the parsers end with the block."""
    loaded, settings = parts.loaded, parts.loaded.tree.knowledge
    async with ParserPool(settings.parsing) as parsers:
        yield IngestParts(
            project=loaded.project,
            index_folder=index_folder(loaded.project),
            kept=sources_folder(loaded.project),
            database=parts.database,
            embedder=parts.embedder,
            fingerprint=parts.embedder.fingerprint,
            model=settings.embedder,
            parse=parsers.parse,
            clock=parts.clock,
            settings=settings.ingest,
            limits=settings.parsing.limits,
            ocr=settings.parsing.ocr,
            sources=settings.sources,
            resolve_secret=partial(resolve_secret, project=loaded.project),
            allow_empty=allow_empty,
            changed=partial(forget_cited, parts.database),
        )
