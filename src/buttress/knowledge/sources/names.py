"""Names that others gave: which of them can be paths of documents, and how the others are shown. Pure."""

import unicodedata

MAX_CHARACTERS = 4_096
"""Of a path, or an address: with longer ones a glob of several `**` is compared for seconds."""

_BROKEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, halves of characters, and ends of lines: no line of a report survives them."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of writing, so that a name looks like another one."""


def odd_name(path: str) -> str:
    """Return why `path` is no path of a document within its source; nothing when it is one."""
    if len(path) > MAX_CHARACTERS:
        return f"has a name of more than {MAX_CHARACTERS:,} characters"
    if not path.isprintable():  # nearly all are, and need no second look
        if any("\ud800" <= character <= "\udfff" for character in path):
            return "has a name that is not UTF-8"
        if any(map(is_odd, path)):
            return "has a name with characters that nobody sees"
    if path.startswith("/") or any(part in {"", ".", ".."} for part in path.split("/")):
        return "has a name that is no path"
    return ""


def is_odd(character: str) -> bool:
    """Say whether a name may not hold `character`."""
    return character in _TURNING or unicodedata.category(character) in _BROKEN


def shown(path: str) -> str:
    """Return the beginning of `path` as a piece of a line: what is odd in it stands as Python writes it."""
    return "".join(ascii(one)[1:-1] if is_odd(one) else one for one in path[:300])
