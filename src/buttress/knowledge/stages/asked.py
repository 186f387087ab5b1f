"""Which words of a question nobody wrote: looked up in what the asker may see, never in more than that."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice

from buttress.kernel.words import AskedWord, content_words
from buttress.knowledge.index.rows import LONGEST_WORD_BYTES
from buttress.knowledge.stages.terms import TermStatistics, terms

MOST_WORDS = 128
"""Words looked at, the first ones of a longer text."""

MOST_LOOKUPS = 16
"""Words looked up at most: further ones of a long text count as known."""

_TOGETHER = 2
"""Times all missing words are looked up as one: nearly always the second finds nothing, and is the last."""

_STOP_WORDS = frozenset({"no", "not"})
"""Those of the text index that are none of ours."""

Search = Callable[[str], Awaitable[Sequence[str]]]
"""Gives texts that the asker may see and that hold one of some words, in any form; none if there is none."""


async def look_up(
    question: str, found: Iterable[str], statistics: TermStatistics, search: Search
) -> tuple[AskedWord, ...]:
    """Return the words of `question`, each with whether the asker may see a text that holds it.

    A word of the texts `found` is known, and so is one that the text index never keeps: it cannot be asked
    for it. Others are searched for. How common a word is says `statistics`, as for BM25; but one that was
    seen in none of the asker's texts tells as much as any can, or its weight would say whether texts of
    others hold it.
    """
    asked = dict(islice(content_words(question).items(), MOST_WORDS))
    missing = _not_in(found, {term: word for term, word in asked.items() if _is_kept(word)})
    unknown = await _unknown(dict(islice(missing.items(), MOST_LOOKUPS)), search)
    unseen = unknown.union(islice(missing.values(), MOST_LOOKUPS, None))
    return tuple(
        AskedWord(
            text=word,
            weight=statistics.most if word in unseen else statistics.idf(term),
            is_known=word not in unknown,
        )
        for term, word in asked.items()
    )


async def _unknown(missing: Mapping[str, str], search: Search) -> set[str]:
    """Return those words of `missing`, which has them by their stems, that `search` finds in no text."""
    for _ in range(_TOGETHER):
        texts = await search(" ".join(missing.values())) if missing else ()
        if not texts:
            return set(missing.values())
        missing = _not_in(texts, missing)
    return await _unknown_one_by_one(missing, search)


async def _unknown_one_by_one(missing: Mapping[str, str], search: Search) -> set[str]:
    """Return the same of words that are in too many texts, or in a form only the index knows them by.

    For the index a number with a point in it is several words: that one of them is found is no proof.
    Raises what `search` raises first.
    """
    unknown: set[str] = set()

    async def look(term: str, word: str) -> None:
        texts = await search(word)
        if not texts or (not word.isalnum() and _not_in(texts, {term: word})):
            unknown.add(word)

    try:
        async with asyncio.TaskGroup() as group:
            for term, word in missing.items():
                group.create_task(look(term, word))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return unknown


def _is_kept(word: str) -> bool:
    return word not in _STOP_WORDS and len(word.encode()) <= LONGEST_WORD_BYTES


def _not_in(texts: Iterable[str], words: Mapping[str, str]) -> dict[str, str]:
    """Return those of `words` whose stems are in none of `texts`."""
    held = frozenset[str]().union(*map(terms, texts))
    return {term: word for term, word in words.items() if term not in held}
