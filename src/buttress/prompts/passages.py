"""Passages as prompts see them: numbered, and marked as data.

The marks are `<passage number="1" from="...">` and `</passage>`. What looks like the beginning of a mark
inside a passage has its bracket replaced by `‹`: no text can close its own mark or open another.
"""

from collections.abc import Sequence

from buttress.kernel.passages import Passage
from buttress.prompts.marks import MarkedValue, MarkedValues, neutralised

FIELDS = ("number", "text", "document", "title", "section", "page", "place")
"""What a prompt may look up in a passage."""

_MARK = "passage"
_BRACKETS = str.maketrans({"<": "‹", ">": "›", '"': "'"})


class PassageValue(MarkedValue):
    """One passage: its fields by name; printed whole, it stands in its marks."""

    def __str__(self) -> str:
        return f'<passage number="{self["number"]}" from="{self["place"]}">\n{self["text"]}\n</passage>'


class PassageValues(MarkedValues):
    """The passages of a call; printed whole, each stands in its marks."""


def passage_values(passages: Sequence[Passage]) -> PassageValues:
    """Return `passages` as prompts see them, numbered from 1 in their order."""
    return PassageValues(_value(number, passage) for number, passage in enumerate(passages, start=1))


def _value(number: int, passage: Passage) -> PassageValue:
    return PassageValue(
        number=number,
        text=neutralised(_MARK, passage.text),
        document=_in_one_line(passage.document),
        title=_in_one_line(passage.title),
        section=_in_one_line(" > ".join(passage.section), keep=">"),
        page=passage.page,
        place=_in_one_line(passage.place, keep=">"),
    )


def _in_one_line(text: str, keep: str = "") -> str:
    """Return `text` fit for the inside of a mark's quotes."""
    brackets = {code: instead for code, instead in _BRACKETS.items() if chr(code) not in keep}
    return " ".join(text.split()).translate(brackets)
