"""Whether the engine's searches come to something: its event loop may live while they all fail."""

import asyncio
from collections.abc import Iterable, Sequence

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import (
    MISTAKES,
    EmbedderChanged,
    EngineBusy,
    NotIngested,
    QueryInvalid,
    TooMuchAsked,
    UnknownKnowledge,
)
from buttress.knowledge.ports import Engine
from buttress.knowledge.search_types import Embedded, EngineStatus, Found, Query, Reranked, Reranking
from buttress.knowledge.types import KnowledgeBase

FAILING_AFTER = 3
"""So many failures in a row are no accident."""
_NO_FAILURES = (EmbedderChanged, EngineBusy, NotIngested, QueryInvalid, TooMuchAsked, UnknownKnowledge)
"""What says nothing about the engine: the question's, the project's, or how much is asked of it."""


class WatchedEngine:
    """An `Engine` that counts how many searches of `engine` in a row have failed.

    One that is given up after `patience_s` or later has failed, too; one given up sooner says nothing.
    """

    def __init__(self, engine: Engine, clock: Clock, patience_s: float) -> None:
        self._engine = engine
        self._clock = clock
        self._patience_s = patience_s
        self._failures = 0
        self._reason = ""

    @property
    def trouble(self) -> str:
        """Why nothing can be searched now; empty while something can."""
        if self._failures < FAILING_AFTER:
            return ""
        return f"searches fail: {self._reason}"

    async def search(self, query: Query) -> Found:
        """See `Engine.search`."""
        began = self._clock.monotonic()
        try:
            found = await self._engine.search(query)
        except _NO_FAILURES:
            raise
        except (ButtressError, *MISTAKES) as error:
            self._note(error.message if isinstance(error, ButtressError) else repr(error))
            raise
        except asyncio.CancelledError:
            if (took_s := self._clock.monotonic() - began) >= self._patience_s:
                self._note(f"no answer after {took_s:.0f} s")
            raise
        self._failures = 0
        return found

    async def rank_sentences(self, question: str, sentences: Sequence[str]) -> list[float]:
        """See `Engine.rank_sentences`."""
        return await self._engine.rank_sentences(question, sentences)

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """See `Engine.embed`."""
        return await self._engine.embed(texts)

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Engine.rerank`."""
        return await self._engine.rerank(asked)

    async def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return await self._engine.status()

    async def look_again(self, knowledge: Iterable[KnowledgeBase]) -> str:
        """Where searches failed, search each knowledge base once; return the `trouble` then.

        There is none while one of them can be searched, or none of them is there to be searched.
        """
        if self.trouble:
            failed = await asyncio.gather(*(self._fails(base) for base in knowledge))
            if not all(failed):
                self._failures = 0
        return self.trouble

    async def _fails(self, base: KnowledgeBase) -> bool:
        query = Query(knowledge=base.name, text="first", scope=Scope(base.tenant, frozenset()))
        try:
            async with asyncio.timeout(2 * self._patience_s):
                await self.search(query)
        except _NO_FAILURES:
            return False
        except (ButtressError, *MISTAKES):  # a TimeoutError is an OSError
            return True
        return False

    def _note(self, reason: str) -> None:
        self._failures += 1
        self._reason = reason
