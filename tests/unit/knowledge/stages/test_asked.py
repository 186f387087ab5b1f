"""Which words of a question nobody wrote."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.stages.asked import MOST_LOOKUPS, MOST_WORDS, look_up
from buttress.knowledge.stages.terms import count_terms


class Rows:
    """Texts, and what they were searched for. As the index, it knows a form of a word that no rule does."""

    FORMS: ClassVar = {"mouse": "mice"}

    def __init__(self, *texts: str, most: int = 32) -> None:
        self._texts = texts
        self._most = most
        self.searched: list[str] = []

    async def search(self, words: str) -> Sequence[str]:
        self.searched.append(words)
        asked = {form for word in words.split() for form in (word, self.FORMS.get(word, word))}
        return [text for text in self._texts if asked & set(text.lower().split())][: self._most]


async def looked_up(question: str, rows: Rows, *found: str) -> dict[str, bool]:
    """Return whether each word of `question` is known."""
    asked = await look_up(question, found, count_terms(["x"]), rows.search)
    return {word.text: word.is_known for word in asked}


async def test_only_what_no_passage_holds_is_looked_up() -> None:
    rows = Rows("A dentist came")
    question = "Can clinics book a clinic giraffe, and a dentist?"
    assert await looked_up(question, rows, "Booked.") == {
        "clinics": False,
        "book": True,
        "giraffe": False,
        "dentist": True,
    }
    assert rows.searched == ["clinics giraffe dentist", "clinics giraffe"]


async def test_when_nobody_wrote_any_it_is_seen_at_once() -> None:
    rows = Rows("A dentist came")
    assert await looked_up("giraffe zebra", rows) == {"giraffe": False, "zebra": False}
    assert rows.searched == ["giraffe zebra"]


async def test_a_form_that_only_the_index_knows_is_known() -> None:
    rows = Rows("three mice")
    assert await looked_up("mouse giraffe", rows) == {"mouse": True, "giraffe": False}
    assert rows.searched[-2:] == ["mouse", "giraffe"]


async def test_words_in_more_texts_than_are_read_are_known() -> None:
    rows = Rows("apple", "apple pie", "bread", "bread pie", "cake", most=1)
    assert await looked_up("apple bread cake zebra", rows) == {
        "apple": True,
        "bread": True,
        "cake": True,
        "zebra": False,
    }


async def test_rare_words_weigh_more() -> None:
    statistics = count_terms(["refund plan", "refund rule", "refund"])
    asked = await look_up("zebra plan refund", [], statistics, Rows().search)
    assert [word.text for word in sorted(asked, key=lambda word: -word.weight)] == ["zebra", "plan", "refund"]


async def test_a_word_that_the_asker_sees_nowhere_tells_as_much_as_any_can() -> None:
    """However often those hold it that the asker does not see, and also where it was not looked up."""
    nonsense = " ".join(f"{chr(97 + number)}qx" for number in range(MOST_LOOKUPS))
    statistics = count_terms(["plan moss", "plan moss"])
    asked = await look_up(f"plan {nonsense} moss", ["plan"], statistics, Rows("plan").search)
    weights = {word.text: word.weight for word in asked}
    assert weights.pop("plan") == statistics.idf("plan")
    assert set(weights.values()) == {statistics.most}
    assert statistics.most > statistics.idf("moss")
    assert asked[-1].is_known


async def test_a_long_text_is_looked_up_in_part() -> None:
    """What was not looked up counts as known."""
    rows = Rows()
    text = " ".join(
        "abcdefghij"[number // 100] + chr(97 + number % 26) * (2 + number // 26) for number in range(300)
    )
    asked = await look_up(text, [], count_terms([]), rows.search)
    assert len(asked) == MOST_WORDS
    assert sum(not word.is_known for word in asked) == MOST_LOOKUPS
    assert [len(one.split()) for one in rows.searched] == [MOST_LOOKUPS]


async def test_words_the_index_leaves_out_are_known() -> None:
    rows = Rows()
    question = f"not no {'x' * 40} {'й' * 20}"
    assert all(word.is_known for word in await look_up(question, [], count_terms([]), rows.search))
    assert rows.searched == []


async def test_an_index_that_fails_is_said_as_it_is() -> None:
    """The words are looked up side by side; the first failure ends it."""

    async def search(words: str) -> Sequence[str]:
        if " " in words:
            return ["three mice"]
        raise IndexFailed(f"no {words}")

    with pytest.raises(IndexFailed, match=r"no (zebra|giraffe)"):
        await look_up("zebra giraffe", [], count_terms([]), search)
