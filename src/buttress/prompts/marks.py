"""Text of others as prompts show it: in marks that it can neither close nor open. Pure."""

import re
from functools import lru_cache

_OPENING = "[<＜﹤]"
_IN_A_MARK = str.maketrans({"<": "‹", ">": "›", '"': "'", "\n": " "})


def marked(name: str, text: str, **told: str) -> str:
    """Return `text` between `<name ...>` and `</name>`, with what is `told` of it in the first of them.

    What looks like the beginning of such a mark inside the text has its bracket replaced by `‹`.
    """
    attributes = "".join(f' {key}="{value.translate(_IN_A_MARK)}"' for key, value in told.items() if value)
    return f"<{name}{attributes}>\n{neutralised(name, text)}\n</{name}>"


def neutralised(name: str, text: str) -> str:
    """Return `text` without anything that looks like the beginning of a mark called `name`."""
    return _mark(name).sub("‹", text)


@lru_cache(maxsize=16)
def _mark(name: str) -> re.Pattern[str]:
    return re.compile(rf"{_OPENING}(?=[^a-z0-9<＜﹤]*{name})", re.IGNORECASE)


class MarkedValue(dict[str, object]):
    """Something of others as a prompt sees it: its fields by name; `str` of it stands in its marks."""


class MarkedValues(list[MarkedValue]):
    """Several of them; `str` of it has each in its marks."""

    def __str__(self) -> str:
        return "\n\n".join(str(one) for one in self)
