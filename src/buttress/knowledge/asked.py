"""Which words of a question nobody wrote: looked up in what the asker may see, never in more than that."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice

from buttress.kernel.words import AskedWord, content_words
from buttress.knowledge.search_types import Hit
from buttress.knowledge.terms import TermStatistics, terms

MOST_WORDS = 128
"""Words looked at, the first ones of a longer text."""

MOST_LOOKUPS = 16
"""Words looked up at most: further ones of a long text count as known."""

_NEVER_INDEXED = frozenset({"no", "not"})
"""Stop words of the text index that are none of ours: it cannot be asked for them."""


async def look_up(
    question: str,
    found: Iterable[str],
    statistics: TermStatistics,
    search: Callable[[str], Awaitable[Sequence[Hit]]],
) -> tuple[AskedWord, ...]:
    """Return the words of `question`, each with whether the asker may see a text that holds it.

    A word of the texts `found` is known; for others `search` gives the rows the asker may see that hold
    it, in any of its forms. How common a word is says `statistics`, as for BM25.
    """
    asked = dict(islice(content_words(question).items(), MOST_WORDS))
    held = frozenset[str]().union(*map(terms, found))
    missing = [word for term, word in asked.items() if term not in held and word not in _NEVER_INDEXED]
    unknown = await _unknown(missing[:MOST_LOOKUPS], search)
    return tuple(
        AskedWord(text=word, weight=statistics.idf(term), is_known=word not in unknown)
        for term, word in asked.items()
    )


async def _unknown(words: Sequence[str], search: Callable[[str], Awaitable[Sequence[Hit]]]) -> set[str]:
    """Return those of `words` that `search` finds in no row; raises what it raises first."""
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
