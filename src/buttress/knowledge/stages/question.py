"""A question, made ready to be searched; pure."""

import re
import unicodedata
from collections import Counter

import msgspec

from buttress.kernel.scope import Scope
from buttress.knowledge.errors import QueryInvalid
from buttress.knowledge.index.rows import LONGEST_WORD_BYTES
from buttress.knowledge.search_types import Query
from buttress.knowledge.types import KnowledgeBase

MAX_LIMIT = 100
MAX_CHARACTERS = 20_000
"""Of a longer text so much of its beginning is looked for, and re-ranked by; a model's window is shorter."""

_MAX_WORDS = 128  # BM25 costs time for every word: of a longer text the first ones are looked for
_MAX_REPEATS = 4
_WORD = re.compile(r"[^\W_]+")  # as the index cuts them


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A query that can be searched: `text` as it is embedded, `keywords` as BM25 takes them."""

    text: str
    keywords: str
    note: str
    scope: Scope
    limit: int

    @property
    def beginning(self) -> str:
        """As much of the text as is looked for, and re-ranked by."""
        return self.text[:MAX_CHARACTERS]


def read_query(query: Query, base: KnowledgeBase) -> Question:
    """Return `query` made ready.

    Raises:
        QueryInvalid: there is no word in it, or its limit is out of bounds.
    """
    limit = base.search.limit if query.limit is None else query.limit
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryInvalid(f"{limit} passages were asked for, 1 to {MAX_LIMIT} are possible")
    # Half a surrogate pair is no text: neither the model nor the index can be asked for it.
    text = query.text.encode("utf-8", "replace").decode("utf-8")
    if not any(character.isalnum() for character in text):
        raise QueryInvalid("there is no word in the question")
    keywords, note = keywords_of(text)
    return Question(text=text, keywords=keywords, note=note, scope=query.scope, limit=limit)


def keywords_of(text: str) -> tuple[str, str]:
    """Return what BM25 is to look for, and a note when that is not all of `text`.

    Nothing of it is syntax. Repeated words weigh more, up to four times; dropping all repetition costs 2.8
    points of nDCG@10 on long questions (cacm), keeping all of it costs a second on hostile ones.
    """
    seen: Counter[str] = Counter()
    kept: list[str] = []
    words = _WORD.findall(unicodedata.normalize("NFC", text[:MAX_CHARACTERS]))
    for word in words:
        folded = word.casefold()
        seen[folded] += 1
        if len(word.encode()) <= LONGEST_WORD_BYTES and seen[folded] <= _MAX_REPEATS:
            kept.append(word)
    left_out = len(words) - min(len(kept), _MAX_WORDS)
    cut = left_out or len(text) > MAX_CHARACTERS
    note = f"looked for {min(len(kept), _MAX_WORDS)} words of a longer text" if cut else ""
    return " ".join(kept[:_MAX_WORDS]), note
