"""Where a sentence begins and ends. Pure rules for plain text; good enough for citing, not for grammar.

A sentence ends at `.`, `!`, `?` or their wide forms, with closing quotes and brackets, before white space
and something that can begin a sentence; and at a blank line or a line that begins a list item or a table
row. It does not end after an abbreviation, an initial, or inside a number.
"""

import re
from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    """approx apr aug ca cf co corp dec dept dr e.g est etc feb i.e inc jan jr jul jun ltd mr mrs ms mt nov
    oct para prof resp sept sr st u.k u.s u.s.a vol vs""".split()  # noqa: SIM905 - words read best as words
)
_BEFORE_A_NUMBER = frozenset("art ch eq fig mar no nos op p pp sec sect sen sep".split())  # noqa: SIM905
_STOP = re.compile(
    r"(?P<mark>(?<![.!?])[.!?]++|(?<![。！？])[。！？]++)(?P<close>[\"'”’»)\]]*)(?P<cite>(?:\s*\[\d+\])*)(?=\s|$|(?<=[。！？]))"
)
_BREAK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*•|]|\d+[.)])\s)")
_NEXT = re.compile(r"\S")
_LAST_WORD = re.compile(r"[\w.]+$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of `text`, in order.

    Spans hold no white space at either end, do not overlap, and together hold every character that is not
    white space. A citation marker (`[1]`) right after a sentence's end belongs to it.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _blocks(text):
        spans.extend(_split(text, start, end))
    return spans


def split_sentences(text: str) -> list[str]:
    """Return the sentences of `text`."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _BREAK.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for stop in _STOP.finditer(text, start, end):
        if stop.end() < end and _goes_on(text, begin, stop):
            continue
        yield from _trimmed(text, begin, stop.end())
        begin = stop.end()
    yield from _trimmed(text, begin, end)


def _goes_on(text: str, begin: int, stop: re.Match[str]) -> bool:
    """Say whether the sentence goes on behind this mark."""
    found = _NEXT.search(text, stop.end())
    following = found.group() if found else ""
    if following.islower():
        return True
    if stop["mark"] != "." or stop["close"] or stop["cite"]:
        return False
    word = _LAST_WORD.search(text, max(begin, stop.start() - 20), stop.start())
    if not word:
        return False
    last = word.group().lower()
    initial = len(last) == 1 and last.isalpha() and last != "i"
    return initial or last in _ABBREVIATIONS or (last in _BEFORE_A_NUMBER and following.isdigit())


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
