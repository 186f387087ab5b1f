"""Titles that programs leave in documents, and which of them are none."""

import re

from buttress.knowledge.parsing.cleaning import clean, short_name

_LEFTOVER = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel) ?- ?)?"
    r"(?:powerpoint presentation|word document|untitled\d*|untitled document"
    r"|document\d*|presentation\d*|title|slide \d+|\S+\.\w{2,5}|[\W\d_]*)",
    re.IGNORECASE,
)


def usable_title(title: str) -> str:
    """Return `title` on one line; an empty text where it is a file's name or what a program filled in."""
    name = short_name(clean(title))
    return "" if _LEFTOVER.fullmatch(name) else name
