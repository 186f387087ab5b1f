"""Which words of a question nobody wrote: looked up in what the asker may see, never in more than that."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice

from buttress.kernel.words import AskedWord, content_words
from buttress.knowledge.stages.terms import TermStatistics, terms

MOST_WORDS = 128
"""Words looked at, the first ones of a longer text."""

MOST_LOOKUPS = 16
"""Words looked up at most: further ones of a long text count as known."""

_TOGETHER = 2
"""Times all missing words are looked up as one: nearly always the second finds nothing, and is the last."""

_NEVER_INDEXED = frozenset({"no", "not"})
"""Stop words of the text index that are none of ours: it cannot be asked for them."""

Search = Callable[[str], Awaitable[Sequence[str]]]
"""Gives texts that the asker may see and that hold one of some words, in any form; none if there is none."""


async def look_up(
    question: str, found: Iterable[str], statistics: TermStatistics, search: Search
) -> tuple[AskedWord, ...]:
    """Return the words of `question`, each with whether the asker may see a text that holds it.

    A word of the texts `found` is known; others are searched for. How common a word is says `statistics`,
    as for BM25.
    """
    asked = dict(islice(content_words(question).items(), MOST_WORDS))
    missing = _not_in(found, {term: word for term, word in asked.items() if word not in _NEVER_INDEXED})
    unknown = await _unknown(dict(islice(missing.items(), MOST_LOOKUPS)), search)
    return tuple(
        AskedWord(text=word, weight=statistics.idf(term), is_known=word not in unknown)
        for term, word in asked.items()
    )


async def _unknown(missing: Mapping[str, str], search: Search) -> set[str]:
    """Return those words of `missing`, which has them by their stems, that `search` finds in no text."""
    for _ in range(_TOGETHER):
        texts = await search(" ".join(missing.values())) if missing else ()
        if not texts:
            return set(missing.values())
        missing = _not_in(texts, missing)
    return await _unknown_one_by_one(missing.values(), search)


async def _unknown_one_by_one(words: Iterable[str], search: Search) -> set[str]:
    """Return the same of words that are in too many texts, or in a form only the index knows them by.

    Raises what `search` raises first.
    """
    unknown: set[str] = set()

    async def look(word: str) -> None:
        if not await search(word):
            unknown.add(word)

    try:
        async with asyncio.TaskGroup() as group:
            for word in words:
                group.create_task(look(word))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return unknown


def _not_in(texts: Iterable[str], words: Mapping[str, str]) -> dict[str, str]:
    """Return those of `words` whose stems are in none of `texts`."""
    held = frozenset[str]().union(*map(terms, texts))
    return {term: word for term, word in words.items() if term not in held}
