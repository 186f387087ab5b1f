"""The clauses of a sentence, and what a quotation leaves out."""

import pytest

from buttress.guardrails.clauses import clauses, is_cut_off
from buttress.guardrails.folding import find, fold, normalised


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        pytest.param("Card refunds arrive soon.", 0, id="one clause"),
        pytest.param("Card refunds arrive soon, bank refunds arrive later.", 2, id="a comma"),
        pytest.param("Card refunds arrive soon and bank refunds arrive later.", 0, id="no mark, no clause"),
        pytest.param("Card refunds arrive soon but bank refunds arrive later.", 2, id="but"),
        pytest.param("Card refunds arrive soon, however.", 0, id="a word is no clause"),
        pytest.param(
            "In short, card refunds arrive soon, and staff sells photos abroad.", 2, id="an opening"
        ),
        pytest.param("", 0, id="nothing"),
    ],
)
def test_parts_that_say_something(sentence: str, parts: int) -> None:
    found = clauses(sentence)
    assert len(found) == parts
    assert all(part in sentence for part in found)


SOURCE = (
    "You do not have to give a reason. If the card has expired, the bank keeps it. We pay in euros, unless "
    "you live abroad. Not today, we close at noon. All is well.\n\n"
    "What if nothing fits\n\nThen it says so, and shows what is near."
)


@pytest.mark.parametrize(
    ("quoted", "cut"),
    [
        pytest.param("have to give a reason", True, id="behind a denial"),
        pytest.param("You do not have to give a reason", False, id="with its denial"),
        pytest.param("the bank keeps it", True, id="behind a condition"),
        pytest.param("If the card has expired, the bank keeps it", False, id="with its condition"),
        pytest.param("We pay in euros", True, id="before an exception"),
        pytest.param("we close at noon", False, id="behind an aside"),
        pytest.param("all is well", False, id="a whole sentence"),
        pytest.param("Then it says so, and shows what is near", False, id="under a heading that denies"),
    ],
)
def test_what_governs_a_part_must_not_be_left_out(quoted: str, *, cut: bool) -> None:
    place = find(normalised(quoted), fold(SOURCE))
    assert place
    assert is_cut_off(normalised(quoted), SOURCE, place) == cut
