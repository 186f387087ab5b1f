"""What is quoted, and how it is put."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.sentences import split_sentences
from buttress.models.extract import Scored, blend, choose, coverage, idf_of, put, with_marker
from buttress.models.settings import QuoteSettings
from buttress.models.units import Kind, Unit

RULES = QuoteSettings()


def prose(*texts: str, passage: int = 1) -> list[Unit]:
    return [Unit(passage=passage, order=at, text=text, kind="sentence") for at, text in enumerate(texts)]


def listed(lead: str, *items: str, marker: str = "-", kind: Kind = "item") -> list[Unit]:
    return [
        Unit(passage=1, order=0, text=lead, kind="sentence"),
        *(
            Unit(passage=1, order=at, text=text, kind=kind, marker=marker, group=1)
            for at, text in enumerate(items, 1)
        ),
    ]


def chosen(units: list[Unit], *scores: float, rules: QuoteSettings = RULES) -> list[str]:
    scored = [Scored(unit, score) for unit, score in zip(units, scores, strict=True)]
    return [unit.text for unit in choose([one for one in scored if one.score], units, rules)]


@pytest.mark.parametrize(
    ("units", "scores", "texts"),
    [
        pytest.param([], [], [], id="nothing of nothing"),
        pytest.param(prose("Cats purr.", "Dogs bark."), [0, 0], [], id="nothing good enough"),
        pytest.param(prose("Cats purr.", "Dogs bark."), [0.9, 0.2], ["Cats purr."], id="the best alone"),
        pytest.param(
            prose("Cats purr.", "Dogs bark.", "Cows moo."),
            [0.8, 0.1, 0.9],
            ["Cats purr.", "Cows moo."],
            id="in the order of the document",
        ),
        pytest.param(
            prose("Cats purr loudly.", "They also hiss."),
            [0, 0.9],
            ["Cats purr loudly.", "They also hiss."],
            id="a pronoun brings the sentence before",
        ),
        pytest.param(prose("They also hiss."), [0.9], ["They also hiss."], id="if there is one"),
        pytest.param(
            prose("Cats purr at night.", "At night cats purr."),
            [0.9, 0.9],
            ["Cats purr at night."],
            id="nothing is told twice",
        ),
        pytest.param(
            prose("Alpha.", "Beta.", "Gamma.", "Delta.", "Epsilon.", "Zeta."),
            [0.9] * 6,
            ["Alpha.", "Beta.", "Gamma."],
            id="three at most",
        ),
        pytest.param(
            prose("Alpha.", "Beta.", "Gamma.", "Delta.", "They end it."),
            [0.9, 0.9, 0.9, 0, 0.89],
            ["Alpha.", "Beta.", "Gamma."],
            id="no room for a pair leaves both out",
        ),
        pytest.param(
            listed("You need:", "a key", "a lock"), [0.9, 0, 0], ["You need:", "a key", "a lock"], id="a lead"
        ),
        pytest.param(
            listed("You need:", "a key", "a lock"),
            [0, 0.9, 0],
            ["You need:", "a key"],
            id="an item brings its lead",
        ),
        pytest.param(
            listed("Do this:", "Press.", "Wait.", marker="1."),
            [0, 0, 0.9],
            ["Do this:", "Press.", "Wait."],
            id="a step brings all steps",
        ),
        pytest.param(
            listed("Prices.", "Solo: €19.", "Group: €289.", kind="row"),
            [0, 0.9, 0],
            ["Solo: €19."],
            id="a row stands by itself",
        ),
    ],
)
def test_choose(units: list[Unit], scores: list[float], texts: list[str]) -> None:
    assert chosen(units, *scores) == texts


def test_the_passage_with_the_best_sentence_comes_first() -> None:
    units = [*prose("Cats purr."), *prose("Dogs bark.", passage=2)]
    assert chosen(units, 0.8, 0.9) == ["Dogs bark.", "Cats purr."]


def test_the_best_sentence_is_quoted_alone_where_its_company_has_no_room() -> None:
    """Better without the sentence it refers to than no answer."""
    one = QuoteSettings(max_sentences=1)
    assert chosen(prose("Cats purr loudly.", "They also hiss."), 0, 0.9, rules=one) == ["They also hiss."]


def test_a_long_list_is_cut() -> None:
    units = listed("You need:", *(f"part number {at}" for at in range(50)))
    assert len(chosen(units, 0.9, *[0.0] * 50)) == 1 + RULES.max_list_items


VOCABULARY = ["they", "it", "cat", "dog", "cow", "red", "big", "key", "lock"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=5)
KINDS = st.sampled_from(["sentence", "item", "row"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), WORDS, KINDS, st.floats(0, 1), st.integers(0, 2)), max_size=15))
def test_whatever_is_chosen_is_bounded_in_order_and_there(
    made: list[tuple[int, list[str], Kind, float, int]],
) -> None:
    units, scored = list[Unit](), list[Scored]()
    for passage, text, kind, score, group in sorted(made, key=lambda one: one[0]):
        order = sum(unit.passage == passage for unit in units)
        unit = Unit(
            passage=passage,
            order=order,
            text=" ".join(text) + (":" if group == 2 else "."),
            kind=kind,
            marker="1." if kind == "item" else "",
            group=None if kind == "sentence" else group,
        )
        units.append(unit)
        scored.append(Scored(unit, score))
    quotes = choose(scored, units, RULES)
    assert len({unit.key for unit in quotes}) == len(quotes)
    assert all(unit in units for unit in quotes)
    assert sum(unit.kind != "item" for unit in quotes) <= RULES.max_sentences
    for passage in (1, 2, 3):
        orders = [unit.order for unit in quotes if unit.passage == passage]
        assert orders == sorted(orders)
    assert bool(quotes) == bool(scored)


@pytest.mark.parametrize(
    ("quotes", "text"),
    [
        pytest.param(prose("Cats purr.", "Dogs bark."), "Cats purr. [1] Dogs bark. [1]", id="prose"),
        pytest.param(prose("Yes. It is free."), "Yes. [1] It is free. [1]", id="two sentences, two markers"),
        pytest.param(
            [*listed("You need:", "a key", "a lock"), *prose("Done.", passage=2)],
            "You need: [1]\n- a key [1]\n- a lock [1]\n\nDone. [2]",
            id="a list",
        ),
        pytest.param(listed("", "a key", "a lock")[1:2], "a key [1]", id="an item alone"),
        pytest.param(
            listed("", "Solo: €19.", "Group: €289.", kind="row", marker="")[1:],
            "- Solo: €19. [1]\n- Group: €289. [1]",
            id="rows",
        ),
        pytest.param(
            [*prose("First."), *listed("", "a key", "a lock")[1:]],
            "First. [1]\n\n- a key [1]\n- a lock [1]",
            id="a list without its lead",
        ),
    ],
)
def test_put(quotes: list[Unit], text: str) -> None:
    assert "".join(put(quotes)) == text


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.integers(1, 99))
def test_every_sentence_gets_the_marker(text: str, number: int) -> None:
    assert with_marker(text, number).count(f" [{number}]") - text.count(f" [{number}]") == len(
        split_sentences(text)
    )


def test_rare_words_count_more() -> None:
    idf = idf_of(["the plan is big", "the plan is small", "the plan of Zanzibar"])
    assert coverage("plan Zanzibar", "Zanzibar", idf) > coverage("plan Zanzibar", "plan", idf)
    assert coverage("plan Zanzibar", "our plans, in Zanzibar", idf) == pytest.approx(1)
    assert coverage("", "anything", idf) == coverage("of the", "of the", idf) == 0


@settings(max_examples=100, deadline=None)
@given(WORDS, st.lists(WORDS, max_size=5))
def test_coverage_is_a_share(question: list[str], sentences: list[list[str]]) -> None:
    idf = idf_of([" ".join(words) for words in sentences])
    assert all(0 <= coverage(" ".join(question), " ".join(words), idf) <= 1 + 1e-9 for words in sentences)


def test_neither_words_nor_score_is_left_out() -> None:
    units = prose("Cats purr.", "Dogs bark.", "Money is paid back.")
    scored = blend("refund of cats", units, [0.1, 0.2, 0.9], RULES)
    assert [one.unit.text for one in scored] == ["Cats purr.", "Money is paid back."]


def test_a_ranker_that_finds_nothing_leaves_the_words() -> None:
    (scored,) = blend("cats", prose("Cats purr."), [-0.5], RULES)
    assert scored.score > 0
