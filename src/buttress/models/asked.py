"""Whether quotes can answer a question that has words nobody wrote. Pure.

The same can be said in many words, so one that stands in no document is no reason to be silent: it is
compared with the words of the quotes. A question is about something the documents do not speak of when

- a name in it stands in none of them: what is said of one thing is no answer about another; or
- words that stand in none of them are most of what the question tells, each counted by how rare it is.

Both only as far as no word of the quotes means nearly the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from buttress.kernel.words import STOP_WORDS, AskedWord, content_words, stem, words
from buttress.models.settings import QuoteSettings

_RUN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_CODE = re.compile(r"\b[A-Z]{1,8}-?\d+\b")
_SENTENCE_END = ".!?:"


def unknown_words(asked: Iterable[AskedWord], quoted: str) -> list[AskedWord]:
    """Return the words that stand in no text the asker may see, nor in `quoted`."""
    held = content_words(quoted).keys()
    return [word for word in asked if not word.is_known and stem(word.text) not in held]


def is_beyond(
    question: str, asked: Sequence[AskedWord], nearness: Mapping[str, float], rules: QuoteSettings
) -> bool:
    """Say whether `question` is about something that nobody wrote about.

    `nearness` holds each unknown word's cosine to the nearest word of the quotes; a word that is not in it is
    known. With a `max_unknown_share` of 1 nothing is beyond.
    """
    if rules.max_unknown_share >= 1:
        return False
    named = names(question)
    if any(not _is_said(word, cosine, rules) for word, cosine in nearness.items() if word in named):
        return True
    whole = sum(word.weight for word in asked)
    missed = sum(
        word.weight * _distance(nearness[word.text], rules) for word in asked if word.text in nearness
    )
    return missed > rules.max_unknown_share * whole


def _is_said(name: str, cosine: float, rules: QuoteSettings) -> bool:
    """Say whether the quotes name it otherwise; of a number no other one is the name."""
    return cosine >= rules.same_word and not name[:1].isdecimal()


def _distance(cosine: float, rules: QuoteSettings) -> float:
    """Return 0 for a word that the quotes say otherwise, 1 for one that has nothing to do with theirs."""
    span = rules.same_word - rules.other_word
    return (
        min(1.0, max(0.0, (rules.same_word - cosine) / span)) if span > 0 else float(cosine < rules.same_word)
    )


def names(question: str) -> frozenset[str]:
    """Return the words of `question`, in lower case, that are written as names or codes are.

    A capital inside a word, at the beginning of one inside a sentence, or letters with a number (`KS-509`).
    Where most words have capitals, they tell nothing.
    """
    runs = list(_RUN.finditer(question))
    capitals = [run for run in runs if run.group()[0].isupper()]
    if 2 * len(capitals) > len(runs):
        return frozenset()
    named = [run.group() for run in runs if _is_name(question, run)]
    codes = [code.group() for code in _CODE.finditer(question)]
    return frozenset(_lowered([*named, *codes]))


def _lowered(found: Iterable[str]) -> Iterator[str]:
    return (word for text in found for word in words(text) if word not in STOP_WORDS)


def _is_name(question: str, run: re.Match[str]) -> bool:
    word, before = run.group(), question[: run.start()].rstrip()
    if any(map(str.isupper, word[1:])):
        return True
    is_first = not before or before[-1] in _SENTENCE_END
    return len(word) > 1 and word[0].isupper() and not is_first
