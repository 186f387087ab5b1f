"""The port by which calls recall answers, filled; and what a project does with the answers that are kept.

What a knowledge base holds is read from the database when it is first asked for, and again whenever an ingest
says (NOTIFY) that it changed. Until it is known nothing is recalled from it, and nothing kept: a call does
not wait for it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from importlib.metadata import version
from types import TracebackType
from typing import Self

import msgspec
import psycopg
import structlog

from buttress.app.again import again_and_again
from buttress.caching.answers import Answers
from buttress.caching.flights import Flights, Follower, Leader
from buttress.caching.keys import Knowledge
from buttress.caching.settings import CachingSettings
from buttress.caching.store import AnswerStore
from buttress.caching.types import Entry, Key, Meaning, Similar
from buttress.gateway.kept import KeptAnswer, KeptPiece, KeptRelay
from buttress.gateway.types import Sentence
from buttress.kernel.cached import KeepPolicy
from buttress.kernel.clock import Clock
from buttress.kernel.errors import UNDECODABLE, ButtressError
from buttress.kernel.ids import hash_of
from buttress.knowledge.syncing.ledger import state_of_knowledge
from buttress.knowledge.syncing.taking_in import CHANNEL as KNOWLEDGE_CHANNEL
from buttress.knowledge.types import KnowledgeBase
from buttress.settings.tree import Settings
from buttress.storage.database import Database, OpenDatabase
from buttress.storage.listening import Notice

CHANNEL = "buttress_answers"
"""Where the ids of documents are told that answers were forgotten for; an empty list for all answers."""

IDS_AT_ONCE = 80
"""Ids of one notice: PostgreSQL takes no longer ones."""

TRY_AGAIN_S = 5.0
"""How long the database is left alone that could not be read."""

_log = structlog.get_logger("buttress.app.recalling")


class ProjectAnswers:
    """A `gateway.ports.AnswerCache` for one process. An async context manager, as `Answers` is."""

    def __init__(self, database: OpenDatabase, settings: CachingSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self.surroundings = ""
        """See `AnswerCache.surroundings`."""
        self._answers = Answers(database, settings, clock)
        self._flights = Flights[Sentence, KeptAnswer](settings.max_flights)
        self._relays = Flights[KeptPiece, KeptRelay](settings.max_flights)
        self._known: dict[str, Knowledge] = {}
        self._wanted: set[str] = set()
        self._news = asyncio.Event()
        self._is_listening = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        await self._answers.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._answers.__aexit__(None, None, None)
        if self._watch:
            self._watch.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def semantic_timeout_s(self) -> float:
        """See `AnswerCache.semantic_timeout_s`."""
        return self._settings.semantic_timeout_s

    @property
    def follow_timeout_s(self) -> float:
        """See `AnswerCache.follow_timeout_s`."""
        return self._settings.follow_timeout_s

    def amid(self, surroundings: str) -> Self:
        """Return itself; the calls that begin from now on depend on `surroundings`."""
        self.surroundings = surroundings
        return self

    def knowledge(self, name: str) -> Knowledge | None:
        """See `AnswerCache.knowledge`; the first question for one begins to read and to follow it."""
        if name not in self._wanted:
            self._wanted.add(name)
            self._news.set()
        self._begin_to_watch()
        return self._known.get(name)

    def _begin_to_watch(self) -> None:
        """Hear from now on of what changes, and of what is to be forgotten."""
        if self._watch is None:
            self._watch = self._tasks.create_task(again_and_again(self._watch_all, TRY_AGAIN_S, _say_unknown))

    async def get(self, key: Key, policy: KeepPolicy) -> Entry | None:
        """See `AnswerCache.get`."""
        if policy.level == "shared":
            self._begin_to_watch()
        return await self._answers.get(key, policy)

    async def similar(self, key: Key, meaning: Meaning, threshold: float) -> Sequence[Similar]:
        """See `AnswerCache.similar`."""
        return await self._answers.similar(key, meaning, threshold)

    def put(self, key: Key, entry: Entry, policy: KeepPolicy, meaning: Meaning | None = None) -> None:
        """See `AnswerCache.put`."""
        self._answers.put(key, entry, policy, meaning)

    def join(self, key: Key) -> Leader[Sentence, KeptAnswer] | Follower[Sentence, KeptAnswer] | None:
        """See `AnswerCache.join`."""
        return self._flights.join(key)

    def join_relay(self, key: Key) -> Leader[KeptPiece, KeptRelay] | Follower[KeptPiece, KeptRelay] | None:
        """See `AnswerCache.join_relay`."""
        return self._relays.join(key)

    async def _watch_all(self) -> None:
        """Know what the wanted knowledge bases hold, until the database is away; then nothing of them."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._read_wanted())
        finally:
            self._is_listening.clear()
            self._known.clear()
            self._answers.forget_here()  # what was to be forgotten meanwhile nobody heard

    async def _listen(self) -> None:
        channels = [KNOWLEDGE_CHANNEL, CHANNEL]
        async with aclosing((await self._database()).listen(channels)) as notices:
            async for notice in notices:
                self._hear(notice)

    def _hear(self, notice: Notice) -> None:
        if notice.missed:
            self._is_listening.set()
            self._known.clear()
            self._answers.forget_here()
        elif notice.channel == CHANNEL:
            self._forget(_ids(notice.payload))
            return
        else:
            self._known.pop(notice.payload, None)
        self._news.set()

    def _forget(self, documents: list[str]) -> None:
        """Forget what cites `documents`; everything, without any."""
        if self._answers.forget_here(documents or None):
            self._tasks.create_task(self._forget_stored(documents))

    async def _forget_stored(self, documents: list[str]) -> None:
        """Forget once more, in every process: this one has stored something behind the back of who forgot."""
        try:
            await forget_cited(await self._database(), documents)
        except (ButtressError, psycopg.Error, OSError) as error:
            _log.warning("answers.not_forgotten", documents=len(documents), reason=str(error))

    async def _read_wanted(self) -> None:
        await self._is_listening.wait()  # what was read before could change unheard
        while True:
            await self._news.wait()
            self._news.clear()
            for name in self._wanted - self._known.keys():
                state = await state_of_knowledge(await self._database(), name)
                if not self._news.is_set():  # else it has changed while it was read
                    self._known[name] = Knowledge(*state)


def _say_unknown(reason: str) -> None:
    _log.warning("answers.knowledge_unknown", reason=reason)


def _ids(payload: str) -> list[str]:
    try:
        return msgspec.json.decode(payload, type=list[str])
    except UNDECODABLE:
        return []


def surroundings_of(settings: Settings, knowledge: Mapping[str, KnowledgeBase]) -> str:
    """Return a hash of what answers depend on beside their releases: settings, declarations, our version."""
    told = (settings.guardrails, settings.knowledge, settings.models.quotes, dict(knowledge))
    return hash_of((version("buttress"), *told))


async def forget_cited(database: Database, documents: Collection[str]) -> int:
    """Have every process forget the answers that cite one of `documents`; return how many were stored.

    Raises:
        StorageUnavailable: the database is away.
    """
    gone = 0
    ids = sorted(documents)
    for at in range(0, len(ids), IDS_AT_ONCE):
        some = ids[at : at + IDS_AT_ONCE]
        gone += await AnswerStore(database).forget_cited(some)
        await database.notify(CHANNEL, msgspec.json.encode(some).decode())
    return gone


async def sweep_answers(database: Database, settings: CachingSettings, clock: Clock) -> int:
    """Delete the stored answers whose time is over, and the oldest beyond what may be kept; return how many.

    Raises:
        StorageUnavailable: the database is away.
    """
    return await AnswerStore(database).sweep(clock.now(), settings.shared_max_bytes)


async def forget_answers(database: Database, tenant: str | None, feature: str | None) -> int:
    """Have every process forget the answers of a tenant, a feature, both or all; return how many were stored.

    In memory all are dropped: who keeps what is not told.

    Raises:
        StorageUnavailable: the database is away.
    """
    gone = await AnswerStore(database).forget(tenant, feature)
    await database.notify(CHANNEL, "[]")
    return gone
