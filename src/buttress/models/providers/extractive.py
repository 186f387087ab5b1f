"""No model at all: quotes the sentences of the passages that answer the question best.

The last rung of every ladder, and the only one of the first run: it needs no upstream and no key, costs
nothing, and cannot say what is in no document.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from math import isfinite

from buttress.kernel.catalogue import KEPT_HERE, Model, Price
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, Grounding, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.kernel.words import content_words
from buttress.models.asked import is_beyond, unknown_words
from buttress.models.dialects.types import Body
from buttress.models.errors import NothingToQuote
from buttress.models.extract import blend, choose, coverage, idf_of, put
from buttress.models.ports import SentenceRanker
from buttress.models.settings import QuoteSettings
from buttress.models.units import Unit, units_of

EXTRACTIVE = Model(
    name="extractive", provider="extractive", price=Price(input=0.0, output=0.0), policy=KEPT_HERE
)
"""The model of this provider where a project declares none: it costs nothing, and keeps nothing."""


class LexicalRanker:
    """A `SentenceRanker` that counts the question's words in a sentence, rare ones more than common ones."""

    async def rank(self, question: str, sentences: Sequence[str]) -> Sequence[float]:
        """See `SentenceRanker.rank`; never fails, never waits."""
        idf = idf_of(sentences)
        return [coverage(question, sentence, idf) for sentence in sentences]


class ExtractiveProvider:
    """A `Provider` that answers from `request.grounding` alone."""

    def __init__(self, model: Model, *, ranker: SentenceRanker, settings: QuoteSettings) -> None:
        self._model = model
        self._ranker = ranker
        self._settings = settings
        self._lexical = LexicalRanker()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`; one event for each quote.

        Raises:
            NothingToQuote: there are no passages, or nothing in them has to do with the question.
        """
        grounding = request.grounding or Grounding("", ())
        quotes = await self._choose(grounding)
        if not quotes or await self._is_beyond(grounding, quotes):
            raise NothingToQuote(
                f"nothing in the {len(grounding.passages)} passages found has to do with the question"
            )
        for piece in put(quotes):
            yield TextDelta(piece)
        yield Finished(reason="stop", usage=Usage(), model=self._model.name)

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`; it speaks no dialect."""

    async def _choose(self, grounding: Grounding) -> list[Unit]:
        units = units_of(grounding.passages)[: self._settings.max_candidates]
        if not units:
            return []
        ranked = await self._rank(grounding.question, [unit.in_context for unit in units])
        return choose(blend(grounding.question, units, ranked, self._settings), units, self._settings)

    async def _is_beyond(self, grounding: Grounding, quotes: Sequence[Unit]) -> bool:
        """Say whether the question is about something that nobody wrote about, and `quotes` neither."""
        quoted = " ".join(unit.in_context for unit in quotes)
        said = list(content_words(quoted).values())[: self._settings.max_candidates]
        nearness = {
            word.text: max(await self._rank(word.text, said), default=0.0)
            for word in unknown_words(grounding.asked, quoted)
        }
        return is_beyond(grounding.question, grounding.asked, nearness, self._settings)

    async def _rank(self, question: str, sentences: Sequence[str]) -> Sequence[float]:
        """Rank by the ranker handed in; by words when it is late, fails for now, or gives no ranking."""
        try:
            async with asyncio.timeout(self._settings.rank_timeout_s):
                ranked = await self._ranker.rank(question, sentences)
        except TimeoutError:
            return await self._lexical.rank(question, sentences)
        except ButtressError as error:
            if not error.retryable:
                raise
            return await self._lexical.rank(question, sentences)
        is_ranking = len(ranked) == len(sentences) and all(map(isfinite, ranked))
        return ranked if is_ranking else await self._lexical.rank(question, sentences)
