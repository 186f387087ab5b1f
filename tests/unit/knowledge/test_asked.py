"""Which words of a question nobody wrote."""

from collections.abc import Sequence

import pytest

from buttress.kernel.ids import ChunkId
from buttress.knowledge.asked import MOST_LOOKUPS, MOST_WORDS, look_up
from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.search_types import Hit
from buttress.knowledge.terms import count_terms

HIT = Hit(0, ChunkId("c"), 1.0, None)


class Rows:
    """Rows that hold some words, and notes what it was asked for."""

    def __init__(self, *held: str) -> None:
        self._held = held
        self.searched: list[str] = []

    async def search(self, word: str) -> Sequence[Hit]:
        self.searched.append(word)
        return [HIT] if word in self._held else []


async def test_only_what_no_passage_holds_is_looked_up() -> None:
    rows = Rows("dentist")
    asked = await look_up(
        "Can clinics book a clinic giraffe, and a dentist?", ["Booked."], count_terms(["x"]), rows.search
    )
    assert [(word.text, word.is_known) for word in asked] == [
        ("clinics", False),
        ("book", True),
        ("giraffe", False),
        ("dentist", True),
    ]
    assert rows.searched == ["clinics", "giraffe", "dentist"]


async def test_rare_words_weigh_more() -> None:
    statistics = count_terms(["refund plan", "refund rule", "refund"])
    asked = await look_up("zebra plan refund", [], statistics, Rows().search)
    assert [word.text for word in sorted(asked, key=lambda word: -word.weight)] == ["zebra", "plan", "refund"]


async def test_a_long_text_is_looked_up_in_part() -> None:
    """What was not looked up counts as known."""
    rows = Rows()
    text = " ".join(
        "abcdefghij"[number // 100] + chr(97 + number % 26) * (2 + number // 26) for number in range(300)
    )
    asked = await look_up(text, [], count_terms([]), rows.search)
    assert len(asked) == MOST_WORDS
    assert sum(not word.is_known for word in asked) == len(rows.searched) == MOST_LOOKUPS


async def test_words_the_index_leaves_out_are_known() -> None:
    rows = Rows()
    assert all(word.is_known for word in await look_up("not no", [], count_terms([]), rows.search))
    assert rows.searched == []


async def test_an_index_that_fails_is_said_as_it_is() -> None:
    """The words are looked up side by side; the first failure ends it."""

    async def search(word: str) -> Sequence[Hit]:
        raise IndexFailed(f"no {word}")

    with pytest.raises(IndexFailed, match=r"no (zebra|giraffe)"):
        await look_up("zebra giraffe", [], count_terms([]), search)
